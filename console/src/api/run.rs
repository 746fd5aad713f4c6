//! A run, as the API tells of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::{CallView, RunView, Summary, WaitView};
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{CallStatus, End, How, RunStatus};
use windlass_engine::step::{Kind, StepError};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Going forward.
    Running,
    /// Going forward, and nothing is left to do but to wait.
    Waiting,
    /// Going back.
    Unwinding,
    /// Needs a person; it was going forward.
    Stuck,
    /// Needs a person; it was going back.
    StuckUnwinding,
    /// Over: all new.
    Done,
    /// Over: failed, and all old.
    Undone,
    /// Over: stopped by a person, and all old.
    Cancelled,
}

impl Status {
    /// Those of runs that are not over.
    pub const OPEN: [Status; 5] = [
        Status::Running,
        Status::Waiting,
        Status::Unwinding,
        Status::Stuck,
        Status::StuckUnwinding,
    ];

    /// Returns the status of a run.
    pub fn of(status: RunStatus) -> Self {
        match status {
            RunStatus::Running => Status::Running,
            RunStatus::Waiting => Status::Waiting,
            RunStatus::Unwinding => Status::Unwinding,
            RunStatus::Stuck => Status::Stuck,
            RunStatus::StuckUnwinding => Status::StuckUnwinding,
            RunStatus::Finished(End::Done) => Status::Done,
            RunStatus::Finished(End::Undone) => Status::Undone,
            RunStatus::Finished(End::Cancelled) => Status::Cancelled,
        }
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::Unwinding => "unwinding",
            Status::Stuck => "stuck",
            Status::StuckUnwinding => "stuck_unwinding",
            Status::Done => "done",
            Status::Undone => "undone",
            Status::Cancelled => "cancelled",
        }
    }
}

/// A run in one line.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Run {
    /// Its name.
    pub run: RunId,
    /// The runbook's name.
    pub runbook: String,
    /// The runbook's title.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// True if it is not over, and holds its locks.
    pub open: bool,
    /// True if it goes on by itself: the process has it in hand. One that is open and not driven
    /// was interrupted, or is stuck.
    pub driven: bool,
    /// Locks that it holds until it is over.
    pub locks: Vec<String>,
    /// Who started it.
    pub user: String,
    /// What started it, if no person did: a schedule, or a request with a key.
    pub cause: Option<String>,
    /// When it began.
    pub began: Millis,
    /// When it was last heard of.
    pub heard: Millis,
    /// What has to be decided, if it is stuck; why it went back, if it did.
    pub trouble: Option<String>,
    /// What it waits for, and who can end that.
    pub waits: Vec<WaitView>,
}

impl Run {
    /// Returns a run as the engine sums it up.
    pub fn of(summary: Summary, engine: &Engine) -> Self {
        let (open, driven) = (summary.is_open(), engine.is_driven(&summary.run));
        let Summary { run, runbook, title, locks, user, cause, began, heard, .. } = summary;
        let (status, trouble, waits) = (Status::of(summary.status), summary.trouble, summary.waits);
        Run {
            run,
            runbook,
            title,
            status,
            open,
            driven,
            locks,
            user,
            cause,
            began,
            heard,
            trouble,
            waits,
        }
    }
}

/// What is safe to ask of a run as it stands: the last part of the address to post to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Safe {
    /// Go on with it.
    Resume,
    /// Take back what it did.
    Undo,
    /// Stop it, and take back what it did.
    Cancel,
    /// Try the call over which it is stuck again.
    Retry,
    /// Leave that call out.
    Skip,
    /// Take that call as done.
    MarkDone,
    /// Say yes to what it asks.
    Approve,
    /// Say no to what it asks.
    Deny,
    /// Tell it what it asks.
    Answer,
}

/// A run in full.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunInFull {
    /// The run in one line.
    #[serde(flatten)]
    pub run: Run,
    /// Public parameters; a secret one is a reference.
    pub params: Map<String, Value>,
    /// Where it acts.
    pub place: String,
    /// Its calls, in order of place: `4.2.1` is the first call of the second branch of `4`.
    pub calls: Vec<CallLine>,
    /// The call after which it could only go forward.
    pub pivot: Option<CallKey>,
    /// What has to be decided.
    pub stuck: Option<StepError>,
    /// The call about which it has to be decided.
    pub stuck_at: Option<CallKey>,
    /// Why it goes or went back.
    pub unwinding: Option<StepError>,
    /// What is safe to ask of it now.
    pub safe: Vec<Safe>,
}

/// A call of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CallLine {
    /// Its place.
    pub key: CallKey,
    /// Its step.
    pub step: String,
    /// Its kind.
    pub kind: Kind,
    /// Where it stands.
    pub status: CallStatus,
    /// Attempts begun.
    pub attempt: u32,
    /// What it does.
    pub says: String,
    /// How its outcome is known.
    pub how: Option<How>,
    /// What went wrong last.
    pub error: Option<StepError>,
    /// When it is tried again.
    pub retry_at: Option<Millis>,
    /// When it was first heard of.
    pub began: Millis,
    /// When it was last heard of.
    pub heard: Millis,
}

impl From<CallView> for CallLine {
    fn from(call: CallView) -> Self {
        let CallView { key, step, kind, status, attempt, says, how, error, retry_at, began, heard } =
            call;
        CallLine { key, step, kind, status, attempt, says, how, error, retry_at, began, heard }
    }
}

impl RunInFull {
    /// Returns a run as the engine sees it.
    pub fn of(view: RunView, engine: &Engine) -> Self {
        let RunView { summary, params, place, calls, pivot, stuck, stuck_at, unwinding } = view;
        let run = Run::of(summary, engine);
        let safe = safe(&run, stuck_at.is_some(), pivot.is_some());
        let calls = calls.into_iter().map(CallLine::from).collect();
        RunInFull { run, params, place, calls, pivot, stuck, stuck_at, unwinding, safe }
    }
}

fn safe(run: &Run, at_a_call: bool, pivoted: bool) -> Vec<Safe> {
    let stuck = matches!(run.status, Status::Stuck | Status::StuckUnwinding);
    let mut safe = Vec::new();
    if !run.open {
        return safe;
    }
    let asks = |step: &str| run.waits.iter().any(|wait| wait.step == step);
    if asks("approve") {
        safe.extend([Safe::Approve, Safe::Deny]);
    }
    if asks("ask") {
        safe.push(Safe::Answer);
    }
    match (run.driven, stuck && at_a_call) {
        (true, _) => {}
        (false, true) => safe.extend([Safe::Retry, Safe::Skip, Safe::MarkDone]),
        (false, false) => safe.push(Safe::Resume),
    }
    if !pivoted {
        safe.push(if run.driven { Safe::Cancel } else { Safe::Undo });
    }
    safe
}
