//! Take the call over which a run is stuck as done by hand.

use serde_json::Value;
use windlass_engine::event::RunView;
use windlass_engine::id::CallKey;
use windlass_engine::journal::Decision;

use super::super::OPERATOR;
use super::super::prelude::*;
use super::{ACCEPTED, NOT_NOW, decide};

/// A call that was done by hand, and why.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// The call over which the run is stuck.
    pub call: CallKey,
    /// The reason, which is recorded.
    #[schemars(length(min = 1, max = 1000))]
    pub reason: String,
    /// What the call would have returned.
    #[serde(default)]
    pub output: Value,
}

/// Take the call over which a run is stuck as done by hand.
pub struct MarkDone;

impl Operation for MarkDone {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/mark-done";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Take the call over which a run is stuck as done by hand";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_NOW;
    type Query = ();
    type Body = ByHand;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), ByHand>) -> Result<Answer<RunView>, Problem> {
        let decision =
            Decision::MarkDone { key: call.body.call.clone(), output: call.body.output.clone() };
        decide(&desk, &call, decision, &call.body.reason).await
    }
}
