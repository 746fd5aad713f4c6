//! Durations as people write them: `90s`, `15m`, `7d`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_engine::clock::{Millis, millis};

/// A duration that is read and written as `90s` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

impl Span {
    /// Returns the duration of so many hours.
    pub const fn hours(hours: u64) -> Self {
        Span(Duration::from_secs(hours * 3600))
    }

    /// Returns the duration in milliseconds.
    pub fn millis(self) -> Millis {
        millis(self.0)
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map(Span)
            .map_err(|e| format!("`{text}` is no duration such as 90s, 15m or 7d: {e}"))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}
