//! What comes next for a schedule: pure, so that it can be tested as a table.

use windlass_engine::clock::{Millis, millis};

use super::calendar::upcoming;
use super::{Kept, Missed, Waiting};

/// A time that is acted on within this long is on time; later, it was missed. Longer than the
/// ticker ever sleeps, shorter than a minute, the shortest interval that cron knows.
pub const GRACE_MS: Millis = 45_000;

/// Times that are all caught up with, at most; the earlier ones of more than that are missed.
pub const CATCH_UP_MAX: usize = 100;

/// Missed times that are recorded one by one; of more, only the number is told.
pub const RECORDED_MAX: usize = 100;

/// What has come since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Times whose runs are to start, in order.
    pub start: Vec<Waiting>,
    /// The latest of the times that were missed and are not caught up with.
    pub missed: Vec<Millis>,
    /// How many those are in all.
    pub missed_count: usize,
    /// Times up to this one are dealt with.
    pub through: Millis,
    /// When to look again.
    pub next: Option<Millis>,
}

/// Sorts the times that have come since the last look into those to start and those missed.
pub fn sort(kept: &Kept, now: Millis) -> Sorted {
    let (config, standing) = (&kept.config, &kept.standing);
    if kept.is_paused() {
        // Nobody misses what was called off; it goes on with the next time.
        return Sorted { through: standing.through, ..Sorted::default() };
    }
    let mut sorted = Sorted { through: standing.through, ..Sorted::default() };
    let mut late = Vec::new();
    for planned in upcoming(&config.cron, &config.zone, standing.through) {
        if kept.due(planned) > now {
            sorted.next = Some(kept.due(planned));
            break;
        }
        sorted.through = planned;
        if now - kept.due(planned) <= GRACE_MS {
            sorted.start.push(Waiting { planned, patient: false });
        } else {
            late.push(planned);
        }
    }
    let caught_up = catch_up(kept, &late, now, sorted.start.is_empty());
    late.retain(|planned| !caught_up.iter().any(|waiting| waiting.planned == *planned));
    sorted.start.splice(0..0, caught_up);
    sorted.missed_count = late.len();
    sorted.missed = late.split_off(late.len().saturating_sub(RECORDED_MAX));
    sorted
}

/// Returns which of the missed times are caught up with.
fn catch_up(kept: &Kept, late: &[Millis], now: Millis, nothing_on_time: bool) -> Vec<Waiting> {
    let window = millis(kept.config.missed_window.0);
    let first = late.partition_point(|planned| now - planned > window);
    let young = &late[first..];
    match kept.config.missed {
        Missed::Skip => Vec::new(),
        // A run that starts on time stands for those that were missed before it.
        Missed::One if !nothing_on_time => Vec::new(),
        Missed::One => {
            let latest = young.last().map(|planned| Waiting { planned: *planned, patient: false });
            latest.into_iter().collect()
        }
        Missed::All => {
            let kept = &young[young.len().saturating_sub(CATCH_UP_MAX)..];
            kept.iter().map(|planned| Waiting { planned: *planned, patient: true }).collect()
        }
    }
}

/// True if a time may still be started: it is on time, or young enough to be caught up with.
pub fn stands(kept: &Kept, waiting: Waiting, now: Millis) -> bool {
    let late = now - kept.due(waiting.planned);
    let young = now - waiting.planned <= millis(kept.config.missed_window.0);
    late <= GRACE_MS || waiting.patient || (young && kept.config.missed != Missed::Skip)
}
