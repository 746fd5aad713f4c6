//! What a run waits for, for people and for `--json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::id::CallKey;
use crate::parameter::Parameter;
use crate::state::Call;
use crate::step::Span;
use crate::wait::Wait;

/// What a run waits for, and who can end it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WaitView {
    /// The call that waits.
    pub key: CallKey,
    /// `sleep`, `window`, `wait_until`, `approve`, `ask`, or the step that waits.
    pub step: String,
    /// What for.
    pub says: String,
    /// Since when.
    pub since: Millis,
    /// When it is over, or given up.
    pub until: Option<Millis>,
    /// Who may answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How many people must approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// Who has approved so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
    /// What the run would do next, as those see it who are asked to approve it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Why it is asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapsed: Option<String>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Parameter>,
    /// How often a condition is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

impl WaitView {
    /// Returns the view of a call that waits.
    pub fn of(key: &CallKey, call: &Call) -> Self {
        let asked = call.asked.clone().unwrap_or_default();
        let mut view = WaitView {
            key: key.clone(),
            step: call.step.clone(),
            says: call.says.clone(),
            since: asked.since,
            until: asked.until,
            roles: Vec::new(),
            of: None,
            approvals: asked.approvals.into_iter().map(|by| by.who()).collect(),
            changes: asked.bound.into_iter().flat_map(|b| b.changes).map(|c| c.says).collect(),
            lapsed: asked.lapsed,
            fields: BTreeMap::new(),
            every: None,
        };
        match call.wait() {
            Ok(Wait::Approve(approval)) => {
                (view.roles, view.of) = (approval.roles, Some(approval.of));
            }
            Ok(Wait::Ask(question)) => {
                (view.roles, view.fields) = (question.roles, question.fields);
            }
            Ok(Wait::Until(condition)) => view.every = Some(condition.every),
            // Nobody is asked; a step that waits is no wait of a script.
            Ok(Wait::Sleep(_) | Wait::Window(_)) | Err(_) => {}
        }
        view
    }
}
