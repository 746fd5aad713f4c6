//! Starting a run.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_engine::engine::EngineError;
use windlass_engine::event::RunView;
use windlass_engine::journal::text_hash;
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{Secret, as_text};

use super::acts::{follow, words};
use super::keyed::Key;
use super::runbooks;
use super::runs::in_full;
use crate::console::{Console, blocking};
use crate::endpoint::{Answer, Call};
use crate::guard::Peer;
use crate::problem::{Kind, Problem, bug};
use crate::role::{Need, Role};

/// A secret value. It may come over TLS, or from the same machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretValue {
    /// The value, byte for byte.
    #[serde(with = "as_text")]
    #[schemars(with = "String")]
    value: Secret,
}

/// What a runbook is told.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    /// Public parameters, as texts: `{"replicas": "4"}`.
    #[serde(default)]
    pub(crate) params: BTreeMap<String, String>,
    /// Secret parameters.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, SecretValue>,
}

impl Told {
    /// Returns public parameters as the engine takes them.
    pub(crate) fn given(&self) -> Vec<(String, String)> {
        self.params.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Returns secret parameters as the engine takes them.
    ///
    /// # Errors
    /// If they came in the open.
    pub(crate) fn secrets(&self, peer: Peer) -> Result<Vec<(String, Secret)>, Problem> {
        secrets(&self.secrets, peer)
    }
}

/// Returns secret values as the engine takes them.
///
/// # Errors
/// If they came in the open.
pub(crate) fn secrets(
    given: &BTreeMap<String, SecretValue>,
    peer: Peer,
) -> Result<Vec<(String, Secret)>, Problem> {
    if !given.is_empty() && !peer.is_private() {
        let detail = "a secret value came without TLS, and others may have read it";
        let hint = "Change the value; then send it over TLS, or from that machine.";
        return Err(Kind::IN_THE_OPEN.because(detail).hint(hint));
    }
    let secret = |value: &SecretValue| value.value.clone();
    Ok(given.iter().map(|(name, value)| (name.clone(), secret(value))).collect())
}

/// A run to start: the name of a runbook of the library, or a text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// A name of the library; with `text`, what to call that.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) runbook: String,
    /// A text that is not in the library. It needs the role author.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// Start it although it may end the daemon itself in the middle.
    #[serde(default)]
    pub(crate) allow_self: bool,
    /// Public parameters, as texts: `{"replicas": "4"}`.
    #[serde(default)]
    pub(crate) params: BTreeMap<String, String>,
    /// Secret parameters.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, SecretValue>,
}

/// Starts a run. It goes on by itself: the answer comes as soon as it is recorded.
pub(crate) async fn start(
    console: Console,
    call: Call<(), Start>,
) -> Result<Answer<RunView>, Problem> {
    let (engine, by, who) = (console.engine.clone(), call.origin()?, call.who()?);
    let text = call.body.text.as_ref();
    who.must(Need::OneOf(if text.is_some() { &[Role::Author] } else { &[Role::Operator] }))?;
    words("a runbook's name", &call.body.runbook, 200)?;
    let key = Key::of(&call.headers, &who.person)?;
    let Start { runbook: name, text, allow_self, params, secrets } = call.body;
    let request = fingerprint(&name, text.as_deref(), &params, &secrets)?;
    let told = Told { params, secrets };
    let (given, secrets) = (told.given(), told.secrets(call.peer)?);
    let library = console.library.clone();
    let begin = move |cause: Option<String>| {
        let runbook = match &text {
            Some(text) => {
                let modules = library.modules(None);
                let compiled = Runbook::compile_with(&name, text, modules.as_ref(), engine.steps());
                compiled.map_err(EngineError::from)?
            }
            None => runbooks::compile(&engine, library.as_ref(), &name)?,
        };
        let begun = if allow_self {
            engine.start_anyway(&runbook, &by, &given, secrets, cause)
        } else {
            engine.start_because(&runbook, &by, &given, secrets, cause)
        };
        Ok(begun?)
    };
    // Held to the end: two requests with one key that come together are one run.
    let _one_at_a_time = match &key {
        Some(_) => Some(console.starting.clone().lock_owned().await),
        None => None,
    };
    let engine = console.engine.clone();
    let (run, handle) = blocking(move || match key {
        Some(key) => key.once(&engine, &request, begin),
        None => begin(None).map(|handle| (handle.run.clone(), Some(handle))),
    })
    .await??;
    let status = if handle.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    handle.into_iter().for_each(follow);
    let body = in_full(&console, run.clone()).await?;
    let location = Some(format!("/api/v1/runs/{run}"));
    Ok(Answer { status, body, location, run: Some(run) })
}

/// Returns what a later request with the same key must repeat. The values of secrets are no part
/// of it: a hash of a short one could be found out.
fn fingerprint(
    name: &str,
    text: Option<&str>,
    params: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, SecretValue>,
) -> Result<String, Problem> {
    let names: Vec<&String> = secrets.keys().collect();
    let request = serde_json::to_vec(&(name, text, params, names));
    request.map(|bytes| text_hash(&bytes)).map_err(|e| bug(&format!("a fingerprint: {e}")))
}
