//! A run in full, and what is safe to do now.

use windlass_engine::clock::utc;
use windlass_engine::event::{Act, CallView, RunView, Safe, Status, Summary, WaitView};
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::CallStatus;
use windlass_engine::run::OpenCall;
use windlass_engine::runbook::ParameterKind;
use windlass_engine::step::Kind;

use super::progress::{seconds, told};
use super::style::{bold, dim, green, red, yellow};
use super::table::columns;
use super::{line, note};

/// Returns where a run stands, in its colour.
pub fn status(status: Status) -> String {
    let word = status.word();
    match status {
        Status::Running | Status::Done => green(word),
        Status::Stuck | Status::StuckGoingBack | Status::Undone => red(word),
        _ => yellow(word),
    }
}

/// Prints a list of runs.
pub fn list(runs: &[Summary]) {
    if runs.is_empty() {
        note("no runs");
        return;
    }
    let head = ["RUN", "RUNBOOK", "STATUS", "BEGAN", "ENDED", "TOOK", "BY", "LOCKS"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for run in runs {
        let took = |ended| seconds(ended - run.began);
        rows.push(vec![
            run.run.to_string(),
            run.runbook.clone(),
            status(run.status),
            utc(run.began),
            run.ended.map_or_else(|| "-".to_owned(), utc),
            run.ended.map_or_else(|| "-".to_owned(), took),
            run.user.clone(),
            if run.is_open() { run.locks.join(" ") } else { String::new() },
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

/// Prints a run in full; `services` says where services stand.
pub fn show(view: &RunView, services: &[String]) {
    let summary = &view.summary;
    line(&format!("{}  {}", bold(&summary.title), status(summary.status)));
    let mut rows = vec![
        vec!["run".to_owned(), summary.run.to_string()],
        vec!["runbook".to_owned(), summary.runbook.clone()],
        vec!["began".to_owned(), format!("{} by {}", utc(summary.began), summary.user)],
    ];
    rows.push(match summary.ended {
        Some(ended) => vec!["ended".to_owned(), utc(ended)],
        None => vec!["last heard of".to_owned(), utc(summary.heard)],
    });
    if let Some(identity) = &summary.identity {
        rows.push(vec!["on".to_owned(), identity.name.clone()]);
    }
    if !view.place.is_empty() {
        rows.push(vec!["at".to_owned(), view.place.clone()]);
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
    calls(view);
    line("");
    next(view).iter().chain(services).for_each(|text| line(text));
}

fn calls(view: &RunView) {
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
            vec![format!("  {}", call.key), word(call, view), seconds(call.took_ms), what]
        })
        .collect();
    columns(&rows).iter().for_each(|row| line(row));
}

fn word(call: &CallView, view: &RunView) -> String {
    let (driven, over) = (view.summary.driven, !view.summary.is_open());
    match call.status {
        CallStatus::InDoubt | CallStatus::Waiting if over => "given up".to_owned(),
        CallStatus::InDoubt if call.kind == Kind::Wait => yellow("waiting"),
        CallStatus::Waiting => yellow("waiting"),
        CallStatus::InDoubt if driven => yellow("under way"),
        CallStatus::InDoubt => yellow("in doubt"),
        CallStatus::Backoff | CallStatus::Retrying if over => "given up".to_owned(),
        CallStatus::Backoff | CallStatus::Retrying => yellow("to be retried"),
        CallStatus::Applied => green("done"),
        CallStatus::Failed => red("failed"),
        CallStatus::Settled => "settled by hand".to_owned(),
        CallStatus::Undoing => yellow("being undone"),
        CallStatus::Undone if view.left.contains(&call.key) => yellow("left as it is"),
        CallStatus::Undone => "undone".to_owned(),
        CallStatus::UndoFailed => red("not undone"),
        CallStatus::Branches => String::new(),
    }
}

/// Returns how a run stopped, as a sentence that its name ends.
pub fn verdict(view: &RunView) -> String {
    let but = match view.left.as_slice() {
        [] => String::new(),
        [one] => format!(", except call {one}, which was left as it is"),
        calls => {
            let calls = calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!(", except calls {calls}, which were left as they are")
        }
    };
    match view.summary.status {
        Status::Done => green("done"),
        Status::Undone => red(&format!("failed, and everything was undone{but}:")),
        Status::Cancelled => yellow(&format!("cancelled, and everything was undone{but}:")),
        Status::Stuck | Status::StuckGoingBack => red("stuck"),
        _ => yellow("parked"),
    }
}

/// Returns what a person should know and can type now.
pub fn next(view: &RunView) -> Vec<String> {
    let (summary, run) = (&view.summary, &view.summary.run);
    let mut lines = Vec::new();
    match summary.status {
        Status::Done => lines.push("It is done.".to_owned()),
        Status::Undone | Status::Cancelled => {
            let verdict = verdict(view);
            lines.push(verdict.trim_end_matches(':').to_owned());
            if let Some(error) = &view.unwinding {
                lines.push(format!("because: {}", told(error)));
            }
        }
        Status::Waiting => lines.extend(super::waits::waits(view)),
        Status::Running => lines.push("It is running.".to_owned()),
        Status::GoingBack => lines.push("It is undoing everything.".to_owned()),
        Status::Interrupted => lines.push("It was interrupted.".to_owned()),
        Status::InterruptedGoingBack => {
            lines.push("It was interrupted while it was undoing everything.".to_owned());
        }
        Status::Stuck | Status::StuckGoingBack => {
            let what = view.stuck.as_ref().map(told).unwrap_or_default();
            lines.push(format!("{} {what}", red("A person must decide:")));
        }
    }
    if summary.driven && summary.is_open() {
        lines.push(command(&format!("windlass log {run} -f"), "watch it"));
    }
    for safe in &view.safe {
        if safe.act == Act::Resume && summary.status != Status::Waiting {
            let plan = format!("windlass resume {run} --plan");
            lines.push(command(&plan, "see what a resume would do"));
        }
        lines.push(command(&words(run, &summary.waits, safe), &safe.does));
    }
    if let (Some(pivot), true) = (&view.pivot, summary.is_open()) {
        lines.push(no_way_back(pivot));
    }
    lines
}

/// Returns the command that asks for something; what a person must fill in is `...`.
pub(super) fn words(run: &RunId, waits: &[WaitView], safe: &Safe) -> String {
    let mut words = format!("windlass {} {run}", safe.act.word());
    if let Some(call) = &safe.call {
        words += &format!(" {call}");
    }
    if matches!(safe.act, Act::Retry | Act::Skip | Act::MarkDone | Act::Deny) {
        words += " --reason ...";
    }
    if let Some(output) = &safe.output {
        words += &format!(" --output '{output}'");
    }
    let asks = waits.iter().find(|wait| Some(&wait.key) == safe.call.as_ref());
    if let (Act::Answer, Some(wait)) = (safe.act, asks) {
        let open = wait.fields.iter().filter(|(_, field)| field.default.is_none());
        let given = open.map(|(name, field)| match field.kind {
            ParameterKind::Secret => format!(" --secret {name}=-"),
            _ => format!(" -p {name}=..."),
        });
        words.extend(given);
    }
    words
}

/// Returns a command that can be typed now, and what for.
pub(super) fn command(words: &str, why: &str) -> String {
    format!("  {:<72} {}", bold(words), dim(why))
}

fn no_way_back(pivot: &CallKey) -> String {
    dim(&format!("There is no way back: call {pivot} has destroyed what was there before."))
}

/// Prints what a resume would do.
pub fn open_calls(view: &RunView, calls: &[OpenCall]) {
    let run = &view.summary.run;
    let doing = if view.summary.status.goes_back() {
        "continues undoing everything"
    } else {
        "skips what is done and continues"
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
