//! What a run waits for, until when, and what to type.

use windlass_engine::clock::utc;
use windlass_engine::event::{Act, RunView, Safe, Summary, WaitView};
use windlass_engine::id::RunId;

use super::run::{command, words};
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

/// Returns what a run waits for, in full.
pub fn waits(view: &RunView) -> Vec<String> {
    let mut lines = vec!["It is waiting, and keeps its locks.".to_owned()];
    lines.extend(view.summary.waits.iter().flat_map(told));
    if !view.summary.driven {
        lines.push(yellow("No process is driving it: when its time comes, nothing will happen."));
    }
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
    let offers: &[(Act, &str)] = match wait.step.as_str() {
        "approve" => &[(Act::Approve, "approve it"), (Act::Deny, "deny it")],
        "ask" => &[(Act::Answer, "answer it")],
        _ => &[],
    };
    let command_of = |(act, does): &(Act, &str)| {
        let (call, does) = (Some(wait.key.clone()), (*does).to_owned());
        let safe = Safe { act: *act, call, does, output: None };
        command(&words(run, std::slice::from_ref(wait), &safe), &safe.does)
    };
    offers.iter().map(command_of).collect()
}
