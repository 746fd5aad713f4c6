//! Which run is meant, and which are listed.
//!
//! A command that only looks takes the latest run if none is named. One that changes something takes
//! the only one that it could be about, and never guesses between several.

use windlass_engine::clock::millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;

use super::protocol::Which;
use crate::exit::Exit;
use crate::problem::Problem;

/// Returns the runs that are listed, oldest first.
pub fn listed(engine: &Engine, which: &Which) -> Result<Vec<Summary>, Problem> {
    let now = engine.clock().now();
    let since = which.since.map(|span| now.saturating_sub(millis(span.0)));
    let fits = |run: &Summary| {
        (which.status.is_empty() || which.status.contains(&run.status))
            && which.runbook.as_ref().is_none_or(|name| run.runbook.contains(name.as_str()))
            && since.is_none_or(|since| run.began >= since)
    };
    let mut runs = engine.runs(which.open)?;
    runs.retain(fits);
    let more = runs.len().saturating_sub(which.limit.unwrap_or(usize::MAX));
    Ok(runs.split_off(more))
}

/// Returns the run that is named, or the latest.
pub fn latest(engine: &Engine, given: Option<&str>) -> Result<RunId, Problem> {
    if let Some(given) = given {
        return Ok(engine.find(given)?);
    }
    let last = engine.runs(false)?.into_iter().next_back();
    last.map(|run| run.run).ok_or_else(|| none("there is no run yet"))
}

/// Returns the run that is named, or the only one that is as `fits` says; `how` is that in words.
pub fn only(
    engine: &Engine,
    given: Option<&str>,
    how: &str,
    fits: impl Fn(&Summary) -> bool,
) -> Result<RunId, Problem> {
    if let Some(given) = given {
        return Ok(engine.find(given)?);
    }
    let mut open = engine.runs(true)?;
    open.retain(fits);
    match open.as_slice() {
        [only] => Ok(only.run.clone()),
        [] => Err(none(&format!("no run {how}"))),
        several => {
            let names: Vec<&str> = several.iter().map(|run| run.run.as_str()).collect();
            let message = format!("{} runs {how}: {}", names.len(), names.join(", "));
            Err(Problem::new("WL0006", Exit::Usage, message).hint("Name the one you mean."))
        }
    }
}

fn none(message: &str) -> Problem {
    Problem::new("WL0006", Exit::Usage, message).hint("`windlass runs` lists all runs.")
}
