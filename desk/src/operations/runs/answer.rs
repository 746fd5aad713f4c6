//! Tell a run what it asks.

use std::collections::BTreeMap;

use windlass_engine::event::{RunView, Summary};
use windlass_engine::id::CallKey;

use super::super::OPERATOR;
use super::super::prelude::*;
use super::{ACCEPTED, NOT_COUNTED, in_full, waits_at};
use crate::desk::blocking_on;
use crate::secret_value::{SecretValue, secrets};

/// What a run asked to be told.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The call that asks; it may be left out if it is the only one.
    #[serde(default)]
    pub call: Option<CallKey>,
    /// Public fields, as texts.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Secret fields.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretValue>,
}

/// Tell a run what it asks.
pub struct AnswerRun;

impl Operation for AnswerRun {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/answer";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Tell a run what it asks";
    const CHANGES: bool = true;
    const MEANT: Meant = Meant::Only("asks anything", asks);
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_COUNTED;
    type Query = ();
    type Body = Fields;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), Fields>) -> Result<Answer<RunView>, Problem> {
        let (run, person) = (call.run(), call.person(&desk)?);
        let secrets = secrets(&call.body.secrets, call.peer)?;
        let given: Vec<(String, String)> = call.body.fields.into_iter().collect();
        let (engine, of, key) = (desk.engine.clone(), run.clone(), call.body.call);
        let answering =
            async move { engine.answer(&of, key.as_ref(), &person, &given, secrets).await };
        desk.answers.through(blocking_on(answering)).await???;
        Ok(in_full(&desk, run).await?.into())
    }
}

fn asks(run: &Summary) -> bool {
    waits_at(run, "ask")
}
