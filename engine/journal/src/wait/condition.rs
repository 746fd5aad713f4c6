//! `wait_until(#{ every, timeout }, || ...)`: a condition that reads tell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::step::Span;

/// How often to look, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// How long from one look to the next.
    #[serde(default = "half_a_minute")]
    pub every: Span,
    /// When to give up.
    pub timeout: Span,
}

/// Each look evaluates the script from its top: more often is no way to wait.
const EVERY_MIN: Duration = Duration::from_secs(1);

fn half_a_minute() -> Span {
    Span(Duration::from_secs(30))
}

impl Condition {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.every.0 < EVERY_MIN {
            return Err(format!("`every` is {}: give 1s or more", self.every));
        }
        Ok(())
    }
}
