//! Leave the call over which a run is stuck out.

use windlass_engine::event::RunView;
use windlass_engine::journal::Decision;

use super::super::OPERATOR;
use super::super::prelude::*;
use super::{ACCEPTED, About, NOT_NOW, decide};

/// Leave the call over which a run is stuck out.
pub struct Skip;

impl Operation for Skip {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/skip";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Leave the call over which a run is stuck out";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_NOW;
    type Query = ();
    type Body = About;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), About>) -> Result<Answer<RunView>, Problem> {
        let decision = Decision::Skip { key: call.body.call.clone() };
        decide(&desk, &call, decision, &call.body.reason).await
    }
}
