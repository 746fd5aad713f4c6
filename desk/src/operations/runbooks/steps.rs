//! List the steps that runbooks can call.

use windlass_engine::step::{About, Kind as StepKind};

use super::super::VIEWER;
use super::super::prelude::*;

/// A step.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Step {
    #[serde(flatten)]
    about: About,
    /// What kind of call it makes.
    kind: StepKind,
    /// JSON Schema of its arguments.
    args: serde_json::Value,
    /// JSON Schema of what it returns.
    output: serde_json::Value,
}

/// The steps that runbooks can call.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Steps {
    steps: Vec<Step>,
}

/// List the steps that runbooks can call.
pub struct StepsList;

impl Operation for StepsList {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/steps";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "List the steps that runbooks can call";
    type Query = ();
    type Body = ();
    type Answer = Steps;

    async fn carry_out(desk: Desk, _: Call<(), ()>) -> Result<Answer<Steps>, Problem> {
        let steps = desk.engine.steps().iter().map(|step| {
            let (args, output) = step.schemas();
            let (args, output) = (args.to_value(), output.to_value());
            Step { about: step.about(), kind: step.kind(), args, output }
        });
        Ok(Steps { steps: steps.collect() }.into())
    }
}
