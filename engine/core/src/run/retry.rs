//! When a failed attempt is made again.

use std::time::Duration;

use crate::step::ErrorClass;

/// Attempts after which a transient error counts as permanent; about two minutes in all.
const TRANSIENT_ATTEMPTS_MAX: u32 = 9;

/// Attempts after which a conflict counts as permanent. Another writer that keeps winning for this
/// long is not a coincidence.
const CONFLICT_ATTEMPTS_MAX: u32 = 20;

/// The longest wait before another attempt.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Returns how long to wait before the next attempt, or nothing if there should be none.
///
/// Deterministic: the time at which the next attempt is due is stored with the failure.
pub(super) fn backoff(class: ErrorClass, attempt: u32) -> Option<Duration> {
    let doubling = 1_u64 << (attempt.saturating_sub(1)).min(20);
    match class {
        ErrorClass::Conflict => (attempt < CONFLICT_ATTEMPTS_MAX)
            .then(|| Duration::from_millis((50 * doubling).min(2_000))),
        ErrorClass::Transient | ErrorClass::Ambiguous => (attempt < TRANSIENT_ATTEMPTS_MAX)
            .then(|| Duration::from_millis(1_000 * doubling).min(BACKOFF_MAX)),
        ErrorClass::Permanent | ErrorClass::NeedsOperator => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_are_retried_for_about_two_minutes() {
        let waits: Vec<u64> =
            (1..).map_while(|n| backoff(ErrorClass::Transient, n)).map(|d| d.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn conflicts_are_retried_soon_and_not_for_ever() {
        let waits: Vec<Duration> = (1..).map_while(|n| backoff(ErrorClass::Conflict, n)).collect();
        assert_eq!(waits.first(), Some(&Duration::from_millis(50)));
        assert_eq!(waits.len(), 19);
    }

    #[test]
    fn permanent_errors_are_not_retried() {
        assert_eq!(backoff(ErrorClass::Permanent, 1), None);
    }
}
