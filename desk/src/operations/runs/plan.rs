//! Say what a resume would do.

use windlass_engine::event::RunView;
use windlass_engine::run::OpenCall;

use super::super::VIEWER;
use super::super::prelude::*;
use super::{INTERRUPTED, NOT_NOW, in_full};
use crate::desk::blocking_on;

/// What a resume would do.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ResumePlan {
    /// The calls that are open.
    pub calls: Vec<OpenCall>,
    /// The run as it stands.
    pub run: RunView,
}

/// Say what a resume would do.
pub struct PlanResume;

impl Operation for PlanResume {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runs/{run}/plan";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Say what a resume would do";
    const MEANT: Meant = INTERRUPTED;
    const REFUSES: &'static [Kind] = NOT_NOW;
    type Query = ();
    type Body = ();
    type Answer = ResumePlan;

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<ResumePlan>, Problem> {
        let (engine, run) = (desk.engine.clone(), call.run());
        let planning = blocking_on(async move { engine.plan_resume(&run).await });
        let calls = desk.plans.through(planning).await???;
        Ok(ResumePlan { calls, run: in_full(&desk, call.run()).await? }.into())
    }
}
