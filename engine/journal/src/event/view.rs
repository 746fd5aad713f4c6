//! A run in full, for people and for `--json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Needed, Safe, Summary, safe};
use crate::clock::Millis;
use crate::id::{CallKey, RunId};
use crate::state::{Call, RunState};
use crate::step::{Kind, StepError};
use crate::{CallStatus, How};

/// A run in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "RunInFull")]
pub struct RunView {
    /// The run in one line.
    #[serde(flatten)]
    pub summary: Summary,
    /// Public parameters; a secret one is a reference.
    pub params: Map<String, Value>,
    /// Where it acts.
    pub place: String,
    /// Its calls, in order of place: `4.2.1` is the first call of the second branch of `4`.
    pub calls: Vec<CallView>,
    /// The call after which it could only go forward.
    pub pivot: Option<CallKey>,
    /// What has to be decided.
    pub stuck: Option<StepError>,
    /// The call about which it has to be decided.
    pub stuck_at: Option<CallKey>,
    /// Why it goes or went back.
    pub unwinding: Option<StepError>,
    /// Calls whose effects going back leaves as they are, because a person decided so.
    #[serde(default)]
    pub left: Vec<CallKey>,
    /// What is safe to ask of it now.
    pub safe: Vec<Safe>,
}

/// A call in a view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "CallLine")]
pub struct CallView {
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
    /// How long it took, without the time when no process drove it.
    pub took_ms: Millis,
}

impl CallView {
    fn of(key: &CallKey, call: &Call) -> Self {
        CallView {
            key: key.clone(),
            step: call.step.clone(),
            kind: call.kind,
            status: call.status,
            attempt: call.attempt,
            says: call.says.clone(),
            how: call.how,
            error: call.error.clone(),
            retry_at: call.retry_at,
            began: call.began,
            heard: call.heard,
            took_ms: call.took_ms(),
        }
    }
}

impl RunView {
    /// Returns the view of a run; `driven` if a process drives it, `needed` is what its script
    /// needs of the call over which it is stuck.
    pub fn of(run: &RunId, state: &RunState, driven: bool, needed: &Needed) -> Self {
        let mut calls: Vec<CallView> =
            state.calls.iter().map(|(key, call)| CallView::of(key, call)).collect();
        calls.sort_by(|a, b| a.key.cmp(&b.key));
        let created = state.created.as_ref();
        let went_back = state.unwinding.is_some() || state.goes_back();
        RunView {
            summary: Summary::of(run, state, driven),
            params: created.map(|c| c.params.clone()).unwrap_or_default(),
            place: created.map(|c| c.place.clone()).unwrap_or_default(),
            calls,
            pivot: state.pivot.clone(),
            stuck: state.stuck.as_ref().map(|t| t.error.clone()),
            stuck_at: state.stuck.as_ref().and_then(|t| t.key.clone()),
            unwinding: state.unwinding.as_ref().map(|t| t.error.clone()),
            left: state.left.iter().filter(|_| went_back).cloned().collect(),
            safe: safe(state, driven, needed),
        }
    }
}
