//! A run in full, for people and for `--json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Summary;
use crate::clock::Millis;
use crate::id::{CallKey, RunId};
use crate::journal::{CallStatus, How};
use crate::run::RunState;
use crate::step::{Kind, StepError};

/// A run in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// The run in one line.
    #[serde(flatten)]
    pub summary: Summary,
    /// Public parameters; a secret one is a reference.
    pub params: Map<String, Value>,
    /// Where it acts.
    pub place: String,
    /// Its calls, in order of place.
    pub calls: Vec<CallView>,
    /// The call after which it could only go forward.
    pub pivot: Option<CallKey>,
    /// What has to be decided.
    pub stuck: Option<StepError>,
    /// The call about which it has to be decided.
    pub stuck_at: Option<CallKey>,
    /// Why it goes or went back.
    pub unwinding: Option<StepError>,
}

/// A call in a view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

impl RunView {
    /// Returns the view of a run.
    pub fn of(run: &RunId, state: &RunState) -> Self {
        let mut calls: Vec<CallView> = state
            .calls
            .iter()
            .map(|(key, call)| CallView {
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
            })
            .collect();
        calls.sort_by(|a, b| a.key.cmp(&b.key));
        let created = state.created.as_ref();
        RunView {
            summary: Summary::of(run, state),
            params: created.map(|c| c.params.clone()).unwrap_or_default(),
            place: created.map(|c| c.place.clone()).unwrap_or_default(),
            calls,
            pivot: state.pivot.clone(),
            stuck: state.stuck.as_ref().map(|t| t.error.clone()),
            stuck_at: state.stuck.as_ref().and_then(|t| t.key.clone()),
            unwinding: state.unwinding.as_ref().map(|t| t.error.clone()),
        }
    }
}
