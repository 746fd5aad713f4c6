//! A run in full, and what is safe to do now.

use windlass_engine::clock::utc;
use windlass_engine::event::{CallView, RunView, Summary};
use windlass_engine::id::CallKey;
use windlass_engine::journal::{CallStatus, RunStatus};
use windlass_engine::run::OpenCall;
use windlass_engine::step::Kind;

use super::progress::{ended, seconds, told};
use super::style::{bold, dim, green, red, yellow};
use super::table::columns;
use super::{line, note};

/// Returns where a run stands, in words. `driven` runs go on at this moment.
pub fn status(status: RunStatus, driven: bool) -> String {
    match (status, driven) {
        (RunStatus::Finished(end), _) => {
            ended(end).split([':', ',']).next().unwrap_or("").to_owned()
        }
        (RunStatus::Stuck, _) => red("stuck"),
        (RunStatus::StuckUnwinding, _) => red("stuck going back"),
        (RunStatus::Waiting, _) => yellow("waiting"),
        (RunStatus::Running, true) => green("running"),
        (RunStatus::Unwinding, true) => yellow("going back"),
        (RunStatus::Running, false) => yellow("interrupted"),
        (RunStatus::Unwinding, false) => yellow("interrupted going back"),
    }
}

/// Prints a list of runs.
pub fn list(runs: &[Summary], driven: &[bool]) {
    if runs.is_empty() {
        note("no runs");
        return;
    }
    let mut rows =
        vec![["RUN", "RUNBOOK", "STATUS", "BEGAN", "BY", "LOCKS"].map(String::from).to_vec()];
    for (run, driven) in runs.iter().zip(driven) {
        let locks = if run.is_open() { run.locks.join(" ") } else { String::new() };
        rows.push(vec![
            run.run.to_string(),
            run.runbook.clone(),
            status(run.status, *driven),
            utc(run.began),
            run.user.clone(),
            locks,
        ]);
    }
    columns(&rows).iter().for_each(|row| line(row));
    let waiting = runs.iter().filter(|run| !run.waits.is_empty());
    let waiting: Vec<Vec<String>> =
        waiting.map(|run| vec![run.run.to_string(), super::waits::briefly(run)]).collect();
    if !waiting.is_empty() {
        line("");
        columns(&waiting).iter().for_each(|row| line(row));
    }
}

/// Prints a run in full.
pub fn show(view: &RunView, driven: bool) {
    let summary = &view.summary;
    line(&format!("{}  {}", bold(&summary.title), status(summary.status, driven)));
    let mut rows = vec![
        vec!["run".to_owned(), summary.run.to_string()],
        vec!["runbook".to_owned(), summary.runbook.clone()],
        vec!["began".to_owned(), format!("{} by {}", utc(summary.began), summary.user)],
        vec!["last heard of".to_owned(), utc(summary.heard)],
        vec!["at".to_owned(), view.place.clone()],
    ];
    if let Some(identity) = &summary.identity {
        rows.push(vec!["on".to_owned(), identity.name.clone()]);
    }
    if let Some(cause) = &summary.cause {
        rows.push(vec!["because of".to_owned(), cause.clone()]);
    }
    for (name, value) in &view.params {
        let sealed = value.get("$sealed").is_some();
        let shown = if sealed { "***".to_owned() } else { value.to_string() };
        rows.push(vec![name.clone(), shown]);
    }
    if summary.is_open() && !summary.locks.is_empty() {
        rows.push(vec!["locks held".to_owned(), summary.locks.join(" ")]);
    }
    columns(&rows).iter().for_each(|row| line(&format!("  {row}")));
    line("");
    calls(view, driven);
    next(view, driven).iter().for_each(|text| line(text));
}

fn calls(view: &RunView, driven: bool) {
    let rows: Vec<Vec<String>> = view
        .calls
        .iter()
        .map(|call| {
            let what = if call.says.is_empty() { &call.step } else { &call.says };
            let pivot = view.pivot.as_ref() == Some(&call.key);
            let mut what =
                if pivot { format!("{what} {}", dim("(the pivot)")) } else { what.clone() };
            if let Some(error) = &call.error {
                what = format!("{what}: {}", told(error));
            }
            let took = seconds(call.heard - call.began);
            vec![format!("  {}", call.key), word(call, driven), took, what]
        })
        .collect();
    columns(&rows).iter().for_each(|row| line(row));
}

fn word(call: &CallView, driven: bool) -> String {
    match call.status {
        CallStatus::InDoubt if call.kind == Kind::Wait => yellow("waiting"),
        CallStatus::Waiting => yellow("waiting"),
        CallStatus::InDoubt if driven => yellow("under way"),
        CallStatus::InDoubt => yellow("in doubt"),
        CallStatus::Backoff => yellow("to be retried"),
        CallStatus::Retrying => yellow("to be retried"),
        CallStatus::Applied => green("done"),
        CallStatus::Failed => red("failed"),
        CallStatus::Settled => "settled by hand".to_owned(),
        CallStatus::Undoing => yellow("being taken back"),
        CallStatus::Undone => "taken back".to_owned(),
        CallStatus::UndoFailed => red("not taken back"),
        CallStatus::Branches => String::new(),
    }
}

/// Returns what a person should know and can type now.
pub fn next(view: &RunView, driven: bool) -> Vec<String> {
    let run = &view.summary.run;
    let mut lines = vec![String::new()];
    match view.summary.status {
        RunStatus::Finished(end) => {
            lines.push(ended(end).to_owned());
            if let Some(error) = &view.unwinding {
                lines.push(format!("because: {}", told(error)));
            }
        }
        RunStatus::Waiting => lines.extend(super::waits::next(view, driven)),
        RunStatus::Running | RunStatus::Unwinding if driven => {
            lines.push("It goes on at this moment.".to_owned());
            lines.push(command(&format!("windlass log {run} -f"), "watch it"));
        }
        RunStatus::Running | RunStatus::Unwinding => {
            lines.push("It was interrupted.".to_owned());
            lines.push(command(
                &format!("windlass resume {run} --plan"),
                "see what a resume would do",
            ));
            lines.push(command(&format!("windlass resume {run}"), "go on"));
            match &view.pivot {
                Some(pivot) => lines.push(no_way_back(pivot)),
                None if view.summary.status == RunStatus::Running => {
                    lines.push(command(&format!("windlass undo {run}"), "take everything back"));
                }
                None => {}
            }
        }
        RunStatus::Stuck | RunStatus::StuckUnwinding => {
            let what = view.stuck.as_ref().map(told).unwrap_or_default();
            lines.push(format!("{} {what}", red("A person must decide:")));
            let back = view.summary.status == RunStatus::StuckUnwinding;
            if let Some(key) = &view.stuck_at {
                let (retry, skip, done) = if back {
                    ("try to take it back again", "leave it as it is", "you took it back by hand")
                } else {
                    ("look again, and try again", "leave it out", "you did it by hand")
                };
                lines.push(command(&format!("windlass retry {run} {key} --reason ..."), retry));
                lines.push(command(&format!("windlass skip {run} {key} --reason ..."), skip));
                lines.push(command(&format!("windlass mark-done {run} {key} --reason ..."), done));
            }
            if view.stuck_at.is_none() {
                lines.push(command(&format!("windlass resume {run}"), "try again from here"));
            }
            match &view.pivot {
                Some(pivot) => lines.push(no_way_back(pivot)),
                None => {
                    lines.push(command(&format!("windlass undo {run}"), "take everything back"))
                }
            }
        }
    }
    lines
}

/// Returns a command that can be typed now, and what for.
pub(super) fn command(words: &str, why: &str) -> String {
    format!("  {:<72} {}", bold(words), dim(why))
}

pub(super) fn no_way_back(pivot: &CallKey) -> String {
    dim(&format!("There is no way back: call {pivot} has destroyed what was there before."))
}

/// Prints what a resume would do.
pub fn open_calls(view: &RunView, calls: &[OpenCall]) {
    let run = &view.summary.run;
    let doing = match view.summary.status {
        RunStatus::Unwinding | RunStatus::StuckUnwinding => "goes on going back",
        _ => "walks past what is done and goes on",
    };
    line(&format!("A resume of {run} {doing}."));
    if calls.is_empty() {
        line("No call is open: nothing is in doubt.");
    }
    let rows: Vec<Vec<String>> = calls
        .iter()
        .map(|call| {
            let what = if call.says.is_empty() { &call.step } else { &call.says };
            vec![format!("  {}", call.key), bold(&call.resume), what.clone(), dim(&call.because)]
        })
        .collect();
    columns(&rows).iter().for_each(|row| line(row));
}
