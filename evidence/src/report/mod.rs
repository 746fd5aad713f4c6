//! A report of a run: what was there, what was done, what is there now, and who did it.
//!
//! The chapters are those of a change record: preconditions, steps, rollback, evidence. All of it
//! comes from the journal; nothing is asked of the swarm, so that a report is the same years later.
//!
//! ```text
//! entries --build--> Report --markdown--> text for a ticket
//!                           --html--> one page that needs nothing else
//!                           --serde--> JSON
//! ```
//!
//! A secret can't get into it: journals have values only sealed, and a sealed value is shown by its
//! name and its keyed fingerprint. The ciphertext is left out too.

mod build;
mod facts;
mod html;
mod markdown;
mod rotation;
mod services;
mod standing;
mod timeline;

use serde::{Deserialize, Serialize};
use windlass_journal::clock::Millis;
use windlass_journal::event::Status;
use windlass_journal::id::{CallKey, RunId};
use windlass_journal::step::{Kind, StepError};
use windlass_journal::{CallStatus, Hash, How, Origin};

pub use build::{NoJournal, ReportError, of_records, of_run};
pub use html::html;
pub use markdown::markdown;
pub use standing::standing;
pub use timeline::{Bar, BarKind};

/// A report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// The runbook's name or path.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// The hash of its text.
    pub text: Hash,
    /// Where the run stands, or how it ended.
    pub status: Status,
    /// Who started it, and from where.
    pub by: Origin,
    /// Where it acted.
    pub place: String,
    /// Version of windlass that began it.
    pub version: String,
    /// When it began, in milliseconds since 1970, UTC.
    pub began: Millis,
    /// When it was last heard of: its end, if it is over.
    pub heard: Millis,
    /// What it was told.
    pub params: Vec<Fact>,
    /// The locks that it held.
    pub locks: Vec<String>,
    /// What it did to secrets, if it was about secrets.
    pub rotation: Option<Rotation>,
    /// What was found before the first change.
    pub preconditions: Vec<Found>,
    /// The calls that changed something or waited, in order of place.
    pub steps: Vec<Step>,
    /// Services before and after.
    pub services: Vec<Service>,
    /// Secrets that the run knew, by their keyed fingerprints.
    pub secrets: Vec<SecretSeen>,
    /// Whether it could go back, and whether it did.
    pub rollback: Rollback,
    /// What people decided, and why.
    pub decisions: Vec<Decided>,
    /// Processes that took it over.
    pub resumes: Vec<Resumed>,
    /// What the timeline shows.
    pub timeline: Vec<Bar>,
    /// How many entries its journal has.
    pub entries: u64,
    /// The hash of the last.
    pub head: Hash,
}

/// A name and what is known of it, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// What is known.
    pub value: String,
}

/// What a run did to secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The secret that was found.
    pub current: Option<String>,
    /// Secrets that it made, and that are there at the end.
    pub new: Vec<String>,
    /// Secrets that were there before, and that it removed.
    pub removed: Vec<String>,
    /// Services that it touched, by name.
    pub services: Vec<String>,
    /// How long services were watched before anything was destroyed.
    pub window: Option<String>,
    /// Calls that changed something else, such as the credential in a database.
    pub others: Vec<CallKey>,
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The call.
    pub key: CallKey,
    /// Its step.
    pub step: String,
    /// What it found.
    pub facts: Vec<Fact>,
}

/// A call that changed something or waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The call.
    pub key: CallKey,
    /// Its step.
    pub step: String,
    /// Its kind.
    pub kind: Kind,
    /// What it did.
    pub says: String,
    /// Where it stands.
    pub status: CallStatus,
    /// Attempts begun.
    pub attempts: u32,
    /// How its outcome is known.
    pub how: Option<How>,
    /// When it began.
    pub began: Millis,
    /// How long it took, until its outcome was recorded, without the time when no process had it in
    /// hand.
    pub took_ms: Option<Millis>,
    /// What was there before.
    pub before: Vec<Fact>,
    /// What came of it.
    pub after: Vec<Fact>,
    /// What went wrong last.
    pub error: Option<StepError>,
}

/// A service before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its ID.
    pub id: String,
    /// Its stack.
    pub stack: Option<String>,
    /// The secrets that it had one after the other: the first before the run, the last after it.
    pub secrets: Vec<String>,
    /// True if somebody removed it while the run went on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// True if all that was done to it was undone.
    pub taken_back: bool,
    /// How often its tasks were replaced.
    pub restarts: u32,
    /// Tasks that ran at the end and tasks that were wanted, and what people should know of it.
    pub health: Option<String>,
    /// What people should know of it, alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// True if the rest of its task template is as it was.
    pub untouched: Option<bool>,
    /// The calls that were about it.
    pub calls: Vec<CallKey>,
}

/// A secret that the run knew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSeen {
    /// The name under which it was sealed.
    pub sealed: String,
    /// What it was made into.
    pub became: String,
    /// Its keyed fingerprint: two are the same if the values are, and nothing can be worked out.
    pub fingerprint: String,
}

/// Whether the run could go back, and whether it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// The call after which it could only go forward.
    pub pivot: Option<CallKey>,
    /// Why it went back.
    pub why: Option<StepError>,
    /// True if a person asked for it.
    pub asked: bool,
    /// The calls that were undone.
    pub taken_back: Vec<CallKey>,
    /// The calls that could not be.
    pub failed: Vec<CallKey>,
    /// The calls that were left as they are, because a person decided so.
    pub left: Vec<CallKey>,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// When.
    pub at: Millis,
    /// Who, and from where.
    pub by: Origin,
    /// What.
    pub what: String,
    /// Why, in their words.
    pub reason: String,
}

/// A process took the run over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// When.
    pub at: Millis,
    /// Who, and from where.
    pub by: Origin,
    /// How long nothing had been heard of the run.
    pub silent_ms: Millis,
}

/// Returns how a run stands, as people say it.
pub fn verdict(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::Undone => "failed, and everything was undone",
        Status::Cancelled => "cancelled: everything was undone",
        Status::Stuck => "stuck: it needs a person",
        Status::StuckGoingBack => "stuck going back: it needs a person",
        Status::Running => "running",
        Status::Waiting => "waiting",
        Status::Interrupted => "interrupted: no process drives it",
        Status::GoingBack => "going back",
        Status::InterruptedGoingBack => "interrupted going back: no process drives it",
    }
}

/// Returns what became of a call, as people say it. `over` if its run is.
pub fn outcome(step: &Step, over: bool) -> &'static str {
    match (step.status, step.how) {
        // A run ends with no change in doubt; a wait is given up when it goes back.
        (CallStatus::InDoubt | CallStatus::Waiting, _) if over => "given up",
        (CallStatus::Backoff | CallStatus::Retrying, _) if over => "not tried again",
        (CallStatus::InDoubt, _) if step.kind == Kind::Wait => "waits",
        (CallStatus::InDoubt, _) => "in doubt",
        (CallStatus::Backoff, _) => "to be tried again",
        (CallStatus::Retrying, _) => "tried again",
        (CallStatus::Applied, Some(How::Probed)) => "done, as a check showed",
        (CallStatus::Applied, _) => "done",
        (CallStatus::Failed, _) => "failed",
        (CallStatus::Settled, _) => "settled by a person",
        (CallStatus::Undoing, _) => "being undone",
        (CallStatus::Undone, _) => "undone",
        (CallStatus::UndoFailed, _) => "could not be undone",
        (CallStatus::Waiting, _) => "waits",
        (CallStatus::Branches, _) => "",
    }
}

/// Returns a length of time as people say it.
fn span(ms: Millis) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..1 => format!("{} ms", ms.max(0)),
        1..10 => format!("{}.{} s", seconds, ms % 1_000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Returns whether a run could go back and whether it did, as sentences.
fn rollback_in_words(rollback: &Rollback) -> Vec<String> {
    let mut lines = Vec::new();
    match (&rollback.why, rollback.asked) {
        (Some(why), true) => lines.push(format!("A person had it undone: {}", why.message)),
        (Some(why), false) => lines.push(format!("It was undone automatically: {}", why.message)),
        (None, _) => lines.push("It was not needed.".to_owned()),
    }
    if !rollback.left.is_empty() {
        let left = list(&rollback.left);
        lines.push(format!("A person decided to leave calls {left} as they are."));
    }
    lines.push(match &rollback.pivot {
        Some(pivot) => format!(
            "Up to call {pivot} all could be undone; that call destroyed something, and from there it could only go forward."
        ),
        None => "Nothing was destroyed: up to the end all could be undone.".to_owned(),
    });
    lines
}

/// Returns the first lines of a change record, with their names.
fn rotation_in_words(rotation: &Rotation) -> Vec<(&'static str, String)> {
    let listed = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let backend = match rotation.others.as_slice() {
        [] => "not by this run".to_owned(),
        keys => format!("see calls {}", list(keys)),
    };
    vec![
        (
            "Current secret",
            rotation.current.clone().unwrap_or_else(|| "none was looked for".to_owned()),
        ),
        ("New secret", listed(&rotation.new)),
        ("Old secret removed", listed(&rotation.removed)),
        ("Services affected", listed(&rotation.services)),
        ("Backend credential changed", backend),
        ("Rollback window", rotation.window.clone().unwrap_or_else(|| "none".to_owned())),
    ]
}

/// Returns keys as a list.
fn list(keys: &[CallKey]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
