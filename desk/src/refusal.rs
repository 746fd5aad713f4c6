//! Changes that somebody asks for without the role: the first ones are answered and noted one by
//! one, the rest of a minute are counted in one entry of the audit. Nobody who may change nothing
//! can fill the disk with asking.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use windlass_engine::journal::StoreError;

use crate::audit::{Actor, Audit, Entry};
use crate::problem::{Kind, Problem};

/// Refusals of one token or user within [`WINDOW`] that are answered and noted one by one.
const REFUSALS_MAX: u64 = 20;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts refusals by token or user. There are no more of them than there are of those.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<String, Window>>);

struct Window {
    since: Instant,
    count: u64,
    /// The entry that stands for the rest.
    rest: Option<Entry>,
}

impl Refusals {
    /// Notes that somebody was refused, and returns what they are told. Blocks.
    ///
    /// # Errors
    /// If the store refuses.
    pub(crate) fn note(
        &self,
        audit: &Audit,
        by: &Actor,
        key: &str,
        what: &str,
        problem: Problem,
        now: Instant,
    ) -> Result<Problem, StoreError> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Window { since: now, count: 0, rest: None };
        let window = windows.entry(key.to_owned()).or_insert_with(fresh);
        if now.duration_since(window.since) >= WINDOW {
            *window = fresh();
        }
        window.count += 1;
        let Some(beyond) = window.count.checked_sub(REFUSALS_MAX).filter(|beyond| *beyond > 0)
        else {
            audit.refused(by, what, problem.kind.status(), problem.kind.code())?;
            return Ok(problem);
        };
        let many = Kind::TOO_MANY
            .because(format!("{REFUSALS_MAX} changes were refused to you within a minute"))
            .hint("Wait a minute, and ask for what your role allows.");
        match &mut window.rest {
            None => {
                let (status, code) = (many.kind.status(), many.kind.code());
                window.rest = Some(audit.refused(by, what, status, code)?);
            }
            // Written each time the number doubles: that is cheap, and near enough.
            Some(entry) if beyond.is_power_of_two() => audit.again(entry, beyond)?,
            Some(_) => {}
        }
        Ok(many)
    }
}
