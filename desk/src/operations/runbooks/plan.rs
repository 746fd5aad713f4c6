//! Say what a run would do; it reads the swarm, and changes nothing.

use std::collections::BTreeMap;

use windlass_engine::run::Plan;

use super::super::OPERATOR;
use super::super::prelude::*;
use super::compile;
use crate::secret_value::{SecretValue, secrets};

/// What a runbook is told.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Told")]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Public parameters, as texts: `{"replicas": "4"}`.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Secret parameters.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretValue>,
}

/// Say what a run would do; it reads the swarm, and changes nothing.
pub struct PlanRun;

impl Operation for PlanRun {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runbooks/{name}/plan";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Say what a run would do; it reads the swarm, and changes nothing";
    const REFUSES: &'static [Kind] = &[
        Kind::NO_RUNBOOK,
        Kind::DOES_NOT_COMPILE,
        Kind::PARAMETERS,
        Kind::WOULD_FAIL,
        Kind::IN_THE_OPEN,
    ];
    type Query = ();
    type Body = Words;
    type Answer = Plan;

    async fn carry_out(desk: Desk, call: Call<(), Words>) -> Result<Answer<Plan>, Problem> {
        let secrets = secrets(&call.body.secrets, call.peer)?;
        let given: Vec<(String, String)> = call.body.params.into_iter().collect();
        let (engine, library, name) = (desk.engine.clone(), desk.library.clone(), call.name);
        let runbook = blocking(move || compile(&engine, library.as_ref(), &name)).await??;
        let engine = desk.engine.clone();
        let planning = async move { engine.plan(&runbook, &given, secrets).await };
        let plan = desk.plans.through(planning).await??;
        let plan = plan.map_err(|error| {
            let problem = Kind::WOULD_FAIL.because(error.to_string());
            match error.error.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        })?;
        Ok(plan.into())
    }
}
