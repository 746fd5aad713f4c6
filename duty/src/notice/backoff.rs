//! When a delivery is tried again.

use windlass_engine::clock::Millis;

const FIRST_MS: Millis = 5_000;
const LONGEST_MS: Millis = 3600 * 1000;

/// Returns how long to wait after so many failed attempts: 5 s, doubled each time, an hour at most,
/// and up to a fifth more, so that those who failed together don't come back together. `random` is
/// any number.
pub fn pause(attempts: u32, random: u64) -> Millis {
    let doubled = FIRST_MS.saturating_mul(1 << attempts.clamp(1, 16).saturating_sub(1));
    let pause = doubled.min(LONGEST_MS);
    pause + Millis::try_from(random % (pause.unsigned_abs() / 5)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_differ() {
        let pauses: Vec<Millis> = (1..=12).map(|attempts| pause(attempts, 0)).collect();
        assert_eq!(pauses[..4], [5_000, 10_000, 20_000, 40_000]);
        assert_eq!(pauses[11], LONGEST_MS);
        assert_eq!(pause(u32::MAX, 0), LONGEST_MS);
        assert!(pause(1, u64::MAX) > 5_000 && pause(1, u64::MAX) < 6_000);
    }

    #[test]
    fn a_receiver_that_is_down_for_a_day_is_tried_about_thirty_times() {
        let day = super::super::GIVE_UP_AFTER_MS;
        let (mut at, mut attempts) = (0, 0);
        while at < day {
            attempts += 1;
            at += pause(attempts, 0);
        }
        assert!((25..40).contains(&attempts), "{attempts}");
    }
}
