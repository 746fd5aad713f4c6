//! Say no to what a run asks.

use windlass_engine::event::RunView;
use windlass_engine::id::CallKey;

use super::super::prelude::*;
use super::super::{APPROVER, reason};
use super::{ACCEPTED, ASKS_APPROVAL, NOT_COUNTED, in_full};
use crate::desk::blocking_on;

/// A no.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct No {
    /// The call that asks; it may be left out if it is the only one.
    #[serde(default)]
    pub call: Option<CallKey>,
    /// The reason, which is recorded.
    #[schemars(length(min = 1, max = 1000))]
    pub reason: String,
}

/// Say no to what a run asks.
pub struct Deny;

impl Operation for Deny {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/deny";
    const NEED: Need = APPROVER;
    const ABOUT: &'static str = "Say no to what a run asks";
    const CHANGES: bool = true;
    const MEANT: Meant = ASKS_APPROVAL;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_COUNTED;
    type Query = ();
    type Body = No;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), No>) -> Result<Answer<RunView>, Problem> {
        let (run, person) = (call.run(), call.person(&desk)?);
        let because = reason(&call.body.reason)?;
        let (engine, of, key) = (desk.engine.clone(), run.clone(), call.body.call);
        let denying = async move { engine.deny(&of, key.as_ref(), &person, &because).await };
        desk.answers.through(blocking_on(denying)).await???;
        Ok(in_full(&desk, run).await?.into())
    }
}
