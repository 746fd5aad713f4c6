//! Say yes to what a run asks.

use windlass_engine::engine::Approved;
use windlass_engine::event::RunView;
use windlass_engine::id::CallKey;

use super::super::prelude::*;
use super::super::{APPROVER, reason};
use super::{ACCEPTED, ASKS_APPROVAL, NOT_COUNTED, in_full};
use crate::desk::blocking_on;

/// A yes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Yes {
    /// The call that asks; it may be left out if it is the only one.
    #[serde(default)]
    pub call: Option<CallKey>,
    /// The reason, which is recorded.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    pub reason: Option<String>,
}

/// What came of an approval.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Weighed {
    /// What.
    #[serde(flatten)]
    pub approved: Approved,
    /// The run as it stands.
    pub run: RunView,
}

/// Say yes to what a run asks.
pub struct Approve;

impl Operation for Approve {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/approve";
    const NEED: Need = APPROVER;
    const ABOUT: &'static str = "Say yes to what a run asks";
    const CHANGES: bool = true;
    const MEANT: Meant = ASKS_APPROVAL;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_COUNTED;
    type Query = ();
    type Body = Yes;
    type Answer = Weighed;

    async fn carry_out(desk: Desk, call: Call<(), Yes>) -> Result<Answer<Weighed>, Problem> {
        let (run, person) = (call.run(), call.person(&desk)?);
        let because = call.body.reason.as_deref().map(reason).transpose()?;
        let (engine, of, key) = (desk.engine.clone(), run.clone(), call.body.call);
        let approving =
            async move { engine.approve(&of, key.as_ref(), &person, because.as_deref()).await };
        let approved = desk.answers.through(blocking_on(approving)).await???;
        Ok(Weighed { approved, run: in_full(&desk, run).await? }.into())
    }
}
