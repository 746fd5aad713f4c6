//! Asking something of a run that there is.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use windlass_engine::engine::{Engine, EngineError, RunHandle};
use windlass_engine::event::{RunView, shown};
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Decision, Origin};
use windlass_engine::run::Outcome;

use super::runs::in_full;
use crate::console::{Console, blocking};
use crate::endpoint::{Answer, Call};
use crate::problem::{Kind, Problem};

/// Why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    /// Why; it is recorded.
    #[schemars(length(min = 1, max = 1000))]
    pub(super) reason: String,
}

/// A call, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// The call over which the run is stuck.
    call: CallKey,
    /// Why; it is recorded.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

/// A call that was done by hand, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByHand {
    /// The call over which the run is stuck.
    call: CallKey,
    /// Why; it is recorded.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
    /// What the call would have returned.
    #[serde(default)]
    output: Value,
}

/// Goes on with a run that was interrupted.
pub(crate) async fn resume(
    console: Console,
    call: Call<(), ()>,
) -> Result<Answer<RunView>, Problem> {
    take_up(&console, &call, |engine, run, by| engine.resume(run, by).map(Some)).await
}

/// Takes back what an interrupted or stuck run did.
pub(crate) async fn undo(
    console: Console,
    call: Call<(), Because>,
) -> Result<Answer<RunView>, Problem> {
    let reason = reason(&call.body.reason)?;
    take_up(&console, &call, move |engine, run, by| engine.undo(run, by, &reason).map(Some)).await
}

/// Stops a run, and takes back what it did.
pub(crate) async fn cancel(
    console: Console,
    call: Call<(), Because>,
) -> Result<Answer<RunView>, Problem> {
    let reason = reason(&call.body.reason)?;
    take_up(&console, &call, move |engine, run, by| {
        if engine.is_driven(run) {
            return engine.cancel(run, by, &reason).map(|()| None);
        }
        engine.undo(run, by, &reason).map(Some)
    })
    .await
}

/// Tries a call of a stuck run again.
pub(crate) async fn retry(
    console: Console,
    call: Call<(), About>,
) -> Result<Answer<RunView>, Problem> {
    let decision = Decision::Retry { key: call.body.call.clone() };
    decide(&console, &call, decision, &call.body.reason).await
}

/// Leaves a call of a stuck run out.
pub(crate) async fn skip(
    console: Console,
    call: Call<(), About>,
) -> Result<Answer<RunView>, Problem> {
    let decision = Decision::Skip { key: call.body.call.clone() };
    decide(&console, &call, decision, &call.body.reason).await
}

/// Takes a call of a stuck run as done.
pub(crate) async fn mark_done(
    console: Console,
    call: Call<(), ByHand>,
) -> Result<Answer<RunView>, Problem> {
    let (key, output) = (call.body.call.clone(), call.body.output.clone());
    decide(&console, &call, Decision::MarkDone { key, output }, &call.body.reason).await
}

async fn take_up<B>(
    console: &Console,
    call: &Call<(), B>,
    act: impl FnOnce(&Engine, &RunId, &Origin) -> Result<Option<RunHandle>, EngineError>
    + Send
    + 'static,
) -> Result<Answer<RunView>, Problem> {
    let (engine, run, by) = (console.engine.clone(), call.run(), call.origin()?);
    let handle = blocking(move || {
        // A run that there is not gets no journal from being asked about.
        engine.view(&run).and_then(|_| act(&engine, &run, &by))
    });
    if let Some(handle) = handle.await?? {
        follow(handle);
    }
    Ok(in_full(console, call.run()).await?.into())
}

async fn decide<B>(
    console: &Console,
    call: &Call<(), B>,
    decision: Decision,
    because: &str,
) -> Result<Answer<RunView>, Problem> {
    let (engine, run, by) = (console.engine.clone(), call.run(), call.origin()?);
    let because = reason(because)?;
    let deciding = blocking(move || {
        engine.view(&run).and_then(|_| engine.decide(&run, &by, decision, &because))
    });
    deciding.await??;
    Ok(in_full(console, call.run()).await?.into())
}

/// Has the log say so if a run ends without its journal saying how; all else is in the journal.
pub(crate) fn follow(handle: RunHandle) {
    tokio::spawn(async move {
        let run = handle.run.clone();
        match handle.outcome().await {
            Outcome::Unrecorded(why) => {
                tracing::error!(%run, why, "a run could not be recorded any further");
            }
            Outcome::Elsewhere(why) => tracing::error!(%run, why, "a run is at another swarm"),
            Outcome::Finished(_) | Outcome::Stuck | Outcome::Parked => {}
        }
    });
}

/// Returns a reason as it is recorded.
///
/// # Errors
/// If there is none, it is an essay, or it would do something to the terminal that shows it.
pub(crate) fn reason(given: &str) -> Result<String, Problem> {
    words("a reason", given.trim(), 1000)
}

/// Returns words that journals keep, and that terminals show.
///
/// # Errors
/// If there are none or too many, or they hold control characters.
pub(crate) fn words(what: &str, given: &str, most: usize) -> Result<String, Problem> {
    let fits = (1..=most).contains(&given.chars().count());
    if fits && shown::forbidden(given).is_none() {
        return Ok(given.to_owned());
    }
    let detail = format!("{what} has 1 to {most} characters, and no control characters");
    Err(Kind::PARAMETERS.because(detail))
}
