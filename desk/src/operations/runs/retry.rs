//! Try the call over which a run is stuck again, at the next resume.

use windlass_engine::event::RunView;
use windlass_engine::id::CallKey;
use windlass_engine::journal::Decision;

use super::super::OPERATOR;
use super::super::prelude::*;
use super::{ACCEPTED, NOT_NOW, decide};

/// A call, and why.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The call over which the run is stuck.
    pub call: CallKey,
    /// The reason, which is recorded.
    #[schemars(length(min = 1, max = 1000))]
    pub reason: String,
}

/// Try the call over which a run is stuck again, at the next resume.
pub struct Retry;

impl Operation for Retry {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/retry";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Try the call over which a run is stuck again, at the next resume";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_NOW;
    type Query = ();
    type Body = About;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), About>) -> Result<Answer<RunView>, Problem> {
        let decision = Decision::Retry { key: call.body.call.clone() };
        decide(&desk, &call, decision, &call.body.reason).await
    }
}
