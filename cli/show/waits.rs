//! What a run waits for, until when, and what to type.

use windlass_engine::clock::utc;
use windlass_engine::event::{RunView, Summary, WaitView};
use windlass_engine::id::RunId;
use windlass_engine::runbook::ParameterKind;

use super::run::{command, no_way_back};
use super::style::{bold, yellow};

/// Changes that are listed with a request for approval.
const CHANGES_SHOWN: usize = 10;

/// Returns what a run waits for, in a few words for a list.
pub fn briefly(summary: &Summary) -> String {
    let Some(first) = summary.waits.first() else { return String::new() };
    let until = first.until.map(|at| format!(", until {}", utc(at))).unwrap_or_default();
    let more = match summary.waits.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    format!("{}{until}{more}", first.says)
}

/// Returns what a run waits for, and what can be typed now.
pub fn next(view: &RunView, driven: bool) -> Vec<String> {
    let (summary, run) = (&view.summary, &view.summary.run);
    let mut lines = vec!["It waits, and holds nothing but its locks.".to_owned()];
    for wait in &summary.waits {
        lines.extend(told(wait));
        lines.extend(commands(run, wait));
    }
    if driven {
        lines.push(command(&format!("windlass log {run} -f"), "watch it"));
    } else {
        lines.push(yellow("No process looks after it: its time passes, and nothing happens then."));
        lines.push(command(&format!("windlass resume {run}"), "look after it from here on"));
    }
    lines.push(match &view.pivot {
        Some(pivot) => no_way_back(pivot),
        None => command(&format!("windlass cancel {run}"), "take everything back"),
    });
    lines
}

/// Returns a wait in lines: what for, until when, and what has come of it so far.
pub fn told(wait: &WaitView) -> Vec<String> {
    let until = wait.until.map(|at| format!(", until {}", utc(at))).unwrap_or_default();
    let mut lines = vec![format!("{} {}{until}", bold(&wait.key.to_string()), wait.says)];
    if let Some(of) = wait.of.filter(|of| *of > 1) {
        let who = match wait.approvals.as_slice() {
            [] => String::new(),
            people => format!(": {}", people.join(", ")),
        };
        lines.push(format!("  {} of {of} have approved{who}", wait.approvals.len()));
    }
    if !wait.roles.is_empty() {
        lines.push(format!("  for people with the role {}", wait.roles.join(" or ")));
    }
    let shown = wait.changes.iter().take(CHANGES_SHOWN);
    lines.extend(shown.map(|change| format!("  it goes on to {change}")));
    if wait.changes.len() > CHANGES_SHOWN {
        lines.push(format!("  and {} changes more", wait.changes.len() - CHANGES_SHOWN));
    }
    if let Some(why) = &wait.lapsed {
        lines.push(yellow("  asked again, because things have changed since:"));
        lines.extend(why.lines().map(|line| format!("    {line}")));
    }
    for (name, field) in &wait.fields {
        lines.push(format!("  {name} ({}): {}", field.kind.name(), field.help));
    }
    lines
}

/// Returns the commands that end a wait of people.
pub fn commands(run: &RunId, wait: &WaitView) -> Vec<String> {
    let key = &wait.key;
    match wait.step.as_str() {
        "approve" => vec![
            command(&format!("windlass approve {run} {key}"), "approve it"),
            command(&format!("windlass deny {run} {key} --reason ..."), "deny it"),
        ],
        "ask" => {
            let open = wait.fields.iter().filter(|(_, field)| field.default.is_none());
            let given = open.map(|(name, field)| match field.kind {
                ParameterKind::Secret => format!(" --secret {name}=-"),
                _ => format!(" -p {name}=..."),
            });
            let given: String = given.collect();
            vec![command(&format!("windlass answer {run} {key}{given}"), "answer it")]
        }
        _ => Vec::new(),
    }
}
