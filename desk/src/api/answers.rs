//! People answer a run that waits for them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::engine::{Approved, Person};
use windlass_engine::event::RunView;
use windlass_engine::id::CallKey;

use super::acts::reason;
use super::runs::in_full;
use super::start::{SecretValue, secrets};
use crate::console::{Console, blocking_on};
use crate::endpoint::{Answer, Call};
use crate::problem::Problem;

/// A yes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Yes {
    /// The call that asks; it may be left out if it is the only one.
    #[serde(default)]
    call: Option<CallKey>,
    /// Why; it is recorded.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    reason: Option<String>,
}

/// A no.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct No {
    /// The call that asks; it may be left out if it is the only one.
    #[serde(default)]
    call: Option<CallKey>,
    /// Why; it is recorded.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

/// What a run asked to be told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    /// The call that asks; it may be left out if it is the only one.
    #[serde(default)]
    call: Option<CallKey>,
    /// Public fields, as texts.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Secret fields.
    #[serde(default)]
    secrets: BTreeMap<String, SecretValue>,
}

/// What came of an approval.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Weighed {
    #[serde(flatten)]
    approved: Approved,
    /// The run as it stands.
    run: RunView,
}

/// Says yes to what a run asks.
pub(crate) async fn approve(
    console: Console,
    call: Call<(), Yes>,
) -> Result<Answer<Weighed>, Problem> {
    let (run, person) = (call.run(), person(&call)?);
    let because = call.body.reason.as_deref().map(reason).transpose()?;
    let (engine, of, key) = (console.engine.clone(), run.clone(), call.body.call);
    let approving =
        async move { engine.approve(&of, key.as_ref(), &person, because.as_deref()).await };
    let approved = console.answers.through(blocking_on(approving)).await???;
    Ok(Weighed { approved, run: in_full(&console, run).await? }.into())
}

/// Says no to what a run asks.
pub(crate) async fn deny(console: Console, call: Call<(), No>) -> Result<Answer<RunView>, Problem> {
    let (run, person, because) = (call.run(), person(&call)?, reason(&call.body.reason)?);
    let (engine, of, key) = (console.engine.clone(), run.clone(), call.body.call);
    let denying = async move { engine.deny(&of, key.as_ref(), &person, &because).await };
    console.answers.through(blocking_on(denying)).await???;
    Ok(in_full(&console, run).await?.into())
}

/// Tells a run what it asks.
pub(crate) async fn answer(
    console: Console,
    call: Call<(), Fields>,
) -> Result<Answer<RunView>, Problem> {
    let (run, person) = (call.run(), person(&call)?);
    let secrets = secrets(&call.body.secrets, call.peer)?;
    let given: Vec<(String, String)> = call.body.fields.into_iter().collect();
    let (engine, of, key) = (console.engine.clone(), run.clone(), call.body.call);
    let answering = async move { engine.answer(&of, key.as_ref(), &person, &given, secrets).await };
    console.answers.through(blocking_on(answering)).await???;
    Ok(in_full(&console, run).await?.into())
}

/// Returns whoever asks as the engine weighs them.
fn person<B>(call: &Call<(), B>) -> Result<Person, Problem> {
    Ok(Person { by: call.origin()?, roles: Some(call.who()?.known_as()) })
}
