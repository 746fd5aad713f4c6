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

/// Times that are counted one by one; of more, those that matter are the latest.
const COUNTED_MAX: usize = 100_000;

/// So many of the latest times decide what is caught up with and what is recorded.
const LATEST: usize = CATCH_UP_MAX + RECORDED_MAX;

/// How far back the latest times are looked for first.
const LOOK_BACK_MS: Millis = 3_600_000;

/// What has come since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Times whose runs are to start, in order.
    pub start: Vec<Waiting>,
    /// The latest of the times that were missed and are not caught up with.
    pub missed: Vec<Millis>,
    /// How many those are in all.
    pub missed_count: usize,
    /// True if there are more than that: a clock that jumps by decades passes millions of times, and
    /// nobody waits until they are counted.
    pub uncounted: bool,
    /// Times up to this one are dealt with.
    pub through: Millis,
    /// When to look again.
    pub next: Option<Millis>,
}

/// Sorts the times that have come since the last look into those to start and those missed.
pub fn sort(kept: &Kept, now: Millis) -> Sorted {
    let standing = &kept.standing;
    if kept.is_paused() {
        // Nobody misses what was called off; it goes on with the next time.
        return Sorted { through: standing.through, ..Sorted::default() };
    }
    let mut sorted = Sorted { through: standing.through, ..Sorted::default() };
    let mut late = Vec::new();
    let come = come(kept, now);
    (sorted.next, sorted.uncounted) = (come.next, come.uncounted);
    for planned in come.times {
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

/// Times that have come.
#[derive(Default)]
struct Come {
    times: Vec<Millis>,
    /// When the one after them is due; none, if there is none or they were cut short.
    next: Option<Millis>,
    /// True if some in the middle are left out.
    uncounted: bool,
}

/// Returns the times that have come since the last look: all of them, or the first and the latest.
fn come(kept: &Kept, now: Millis) -> Come {
    let (mut come, complete) = walk(kept, kept.standing.through, now, COUNTED_MAX);
    let Some(last) = come.times.last().copied().filter(|_| !complete) else { return come };
    let mut back = LOOK_BACK_MS;
    loop {
        let from = now.saturating_sub(back).max(last);
        let (latest, _) = walk(kept, from, now, usize::MAX);
        if latest.times.len() >= LATEST || from == last {
            come.times.extend(latest.times);
            return Come { times: come.times, next: latest.next, uncounted: from > last };
        }
        back = back.saturating_mul(2);
    }
}

/// Returns the times after a moment that have come, so many at most, and whether those are all.
fn walk(kept: &Kept, after: Millis, now: Millis, most: usize) -> (Come, bool) {
    let mut come = Come::default();
    for planned in upcoming(&kept.config.cron, &kept.config.zone, after) {
        if kept.due(planned) > now {
            come.next = Some(kept.due(planned));
            break;
        }
        if come.times.len() == most {
            return (come, false);
        }
        come.times.push(planned);
    }
    (come, true)
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
