//! Events: what happens, while it happens.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use super::WaitView;
use crate::clock::Millis;
use crate::id::{CallKey, RunId};
use crate::state::{Call, RunState};
use crate::step::StepError;
use crate::{Answer, Body, Decision, End, Entry, How};

/// Events that a watcher can be behind before it loses some.
const BACKLOG_EVENTS_MAX: usize = 4096;

/// Something happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// In which run.
    pub run: RunId,
    /// When, in milliseconds since 1970, UTC.
    pub at: Millis,
    /// The entry of the journal that it tells of; none, if it is not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the journal entries of the same name")]
pub enum What {
    /// The run exists.
    Created { runbook: String, title: String },
    /// A call is about to change the world.
    CallBegan { key: CallKey, step: String, says: String, attempt: u32 },
    /// A call is getting on. Not recorded.
    CallProgressed { key: CallKey, text: String },
    /// A call took effect, or returned.
    CallEnded { key: CallKey, step: String, says: String, how: How, took_ms: i64 },
    /// An attempt failed.
    CallFailed { key: CallKey, step: String, error: StepError, retry_at: Option<Millis> },
    /// The script printed a line. Not recorded.
    Printed { text: String },
    /// The run waits, or is asked again.
    Waiting { wait: WaitView },
    /// Something came of a wait.
    Answered { key: CallKey, step: String, says: String, answer: Answer, by: Option<String> },
    /// The run goes back.
    Unwinding { error: StepError, key: Option<CallKey> },
    /// A call is being undone.
    UndoBegan { key: CallKey, step: String, says: String },
    /// A call has been undone.
    UndoEnded { key: CallKey, step: String, says: String },
    /// A call could not be undone.
    UndoFailed { key: CallKey, step: String, error: StepError },
    /// The run needs a person.
    Stuck { error: StepError, key: Option<CallKey> },
    /// A person decided.
    Decided { decision: Decision, reason: String },
    /// A process took the run over.
    Resumed,
    /// The run is over.
    Finished { end: End },
    /// An event of a later version.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// Returns the event that tells of an entry; `state` already has it.
    pub fn of(run: &RunId, entry: &Entry, state: &RunState) -> Option<Self> {
        let step =
            |key: &CallKey| state.calls.get(key).map(|call| call.step.clone()).unwrap_or_default();
        let says =
            |key: &CallKey| state.calls.get(key).map(|call| call.says.clone()).unwrap_or_default();
        let what = match entry.body.clone() {
            Body::Created(c) => What::Created { runbook: c.runbook, title: c.title },
            Body::Intended { key, head, attempt, says, .. } => {
                What::CallBegan { key, step: head.step, says, attempt }
            }
            Body::Applied { key, how, .. } => {
                let took_ms = state.calls.get(&key).map_or(0, Call::took_ms);
                let (step, says) = (step(&key), says(&key));
                What::CallEnded { key, step, says, how, took_ms }
            }
            Body::Failed { key, error, retry_at, .. } => {
                What::CallFailed { step: step(&key), key, error, retry_at }
            }
            Body::Waiting { key, .. } => {
                What::Waiting { wait: WaitView::of(&key, state.calls.get(&key)?) }
            }
            Body::Answered { key, answer, by, .. } => {
                let (step, says, by) = (step(&key), says(&key), by.map(|by| by.who()));
                What::Answered { key, step, says, answer, by }
            }
            Body::Parallel { .. } | Body::Placed { .. } => return None,
            Body::Unwinding { error, key, .. } => What::Unwinding { error, key },
            Body::UndoIntended { key } => {
                What::UndoBegan { step: step(&key), says: says(&key), key }
            }
            Body::UndoApplied { key } => {
                What::UndoEnded { step: step(&key), says: says(&key), key }
            }
            Body::UndoFailed { key, error } => What::UndoFailed { step: step(&key), key, error },
            Body::Stuck { error, key } => What::Stuck { error, key },
            Body::Decided { decision, reason, .. } => What::Decided { decision, reason },
            Body::Resumed { .. } => What::Resumed,
            Body::Finished { end } => What::Finished { end },
        };
        Some(Event { run: run.clone(), at: entry.at, seq: Some(entry.seq), what })
    }
}

/// Where events go, and from where people take them.
///
/// There is room for events, a megabyte of it, from the moment when somebody asks for them: many an
/// engine is opened to look at one run.
#[derive(Debug, Clone, Default)]
pub struct EventSink(Arc<OnceLock<broadcast::Sender<Event>>>);

impl EventSink {
    /// Hands an event to whoever watches; it is fine if nobody does.
    pub fn send(&self, event: Event) {
        if let Some(sender) = self.0.get() {
            let _ = sender.send(event);
        }
    }

    /// True if somebody watches: an event for nobody need not be made.
    pub fn is_watched(&self) -> bool {
        self.0.get().is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Returns a receiver of all events from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.get_or_init(|| broadcast::Sender::new(BACKLOG_EVENTS_MAX)).subscribe()
    }
}
