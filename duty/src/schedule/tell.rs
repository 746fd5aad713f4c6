//! What is told about a schedule.

use windlass_engine::clock::Millis;

use super::sort::Sorted;
use super::standing::Kept;
use crate::notice::{Kind, Notice};

/// Times that a notice names one by one.
const NAMED_MAX: usize = 10;

/// Times were missed, and are not caught up with.
pub fn missed(kept: &Kept, sorted: &Sorted, last: Millis, now: Millis) -> Notice {
    let (name, count) = (&kept.config.name, sorted.missed_count);
    let times = if count == 1 { "time" } else { "times" };
    let at_least = if sorted.uncounted { "at least " } else { "" };
    let title = format!("schedule {name} missed {at_least}{count} {times}: no daemon was running");
    let named = sorted.missed.len().saturating_sub(NAMED_MAX);
    let zone = &kept.config.zone;
    let mut lines: Vec<String> =
        sorted.missed[named..].iter().map(|at| format!("missed: {}", zone.show(*at))).collect();
    if count > lines.len() {
        lines.push(format!("and {at_least}{} before", count - lines.len()));
    }
    lines.extend(sorted.start.iter().map(|w| format!("starts now: {}", zone.show(w.planned))));
    lines.push(look(kept));
    Notice::of_schedule(name.as_str(), Kind::Missed, last, now, title, lines)
}

/// A time came, and no run was started.
pub fn not_started(kept: &Kept, planned: Millis, now: Millis, why: &str) -> Notice {
    let (name, at) = (&kept.config.name, kept.config.zone.show(planned));
    let title = format!("schedule {name} started no run at {at}: {why}");
    Notice::of_schedule(name.as_str(), Kind::Missed, planned, now, title, vec![look(kept)])
}

/// There has been no success for too long.
pub fn overdue(kept: &Kept, since: Millis, about: Millis, now: Millis) -> Notice {
    let (name, zone) = (&kept.config.name, &kept.config.zone);
    let title = format!("schedule {name} has had no success since {}", zone.show(since));
    let mut lines = Vec::new();
    if kept.is_paused() {
        lines.push(format!("it is paused: windlass schedule resume {name}"));
    }
    if let Some(last) = &kept.standing.last {
        lines.push(format!("its last run: windlass show {}", last.run));
    }
    lines.push(look(kept));
    Notice::of_schedule(name.as_str(), Kind::Overdue, about, now, title, lines)
}

fn look(kept: &Kept) -> String {
    format!("details: windlass schedule show {}", kept.config.name)
}
