//! Start a run of the library (operator), or of a text (author).

use std::collections::BTreeMap;

use axum::http::StatusCode;
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::RunView;
use windlass_engine::journal::text_hash;
use windlass_engine::runbook::Runbook;

use super::super::prelude::*;
use super::super::{runbooks, words};
use super::FOLLOWS;
use crate::keyed::{self, Key};
use crate::problem::bug;
use crate::role::Role;
use crate::secret_value::{SecretValue, secrets};
use crate::stream::{EVENTS, Ears};

/// The longest name: a path of the machine may be one.
const NAME_CHARS_MAX: usize = 4096;

/// A run to start: the name of a runbook of the library, or a text.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Start")]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// A name of the library; with `text`, what to call that.
    #[schemars(length(min = 1, max = NAME_CHARS_MAX))]
    pub runbook: String,
    /// A text that is not in the library. It needs the role author.
    #[serde(default)]
    pub text: Option<String>,
    /// Start it although it may end the daemon itself in the middle.
    #[serde(default)]
    pub allow_self: bool,
    /// Public parameters, as texts: `{"replicas": "4"}`.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Secret parameters.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretValue>,
    /// The Docker daemon that it is meant for; it is not started if the process that owns the state
    /// acts on another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Start a run. It goes on by itself: the answer comes as soon as it is recorded.
pub struct Start;

impl Operation for Start {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs";
    /// Which of both it needs is seen in what is asked.
    const NEED: Need = Need::OneOf(&[Role::Operator, Role::Author]);
    const ABOUT: &'static str = "Start a run of the library (operator), or of a text (author)";
    const CHANGES: bool = true;
    const CONTENT: &'static str = EVENTS;
    const HEADERS: &'static [(&'static str, &'static str)] = &[
        (
            keyed::HEADER,
            "A word of your own: the same one never starts two runs, however often the request is repeated.",
        ),
        FOLLOWS[0],
    ];
    const SUCCEEDS: &'static [(u16, &'static str)] = &[
        (201, "The run is recorded, and goes on by itself."),
        (200, "This key started it before."),
    ];
    const REFUSES: &'static [Kind] = &[
        Kind::NO_RUNBOOK,
        Kind::DOES_NOT_COMPILE,
        Kind::PARAMETERS,
        Kind::LOCKED,
        Kind::IN_USE,
        Kind::OWN_GROUND,
        Kind::IN_THE_OPEN,
        Kind::OTHER_REQUEST,
    ];
    type Query = ();
    type Body = Begin;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), Begin>) -> Result<Answer<RunView>, Problem> {
        let (by, who, ears) = (call.origin(&desk)?, call.who()?, Ears::of(&desk, &call)?);
        let asked = &call.body;
        let role = if asked.text.is_some() { &[Role::Author] } else { &[Role::Operator] };
        who.must(Need::OneOf(role))?;
        words("a runbook's name", &asked.runbook, NAME_CHARS_MAX)?;
        let key = Key::of(&call.headers, &who.person)?;
        let request = fingerprint(asked)?;
        let secrets = secrets(&asked.secrets, call.peer)?;
        let Begin { runbook: name, text, allow_self, params, place, .. } = call.body;
        let given: Vec<(String, String)> = params.into_iter().collect();
        let (engine, library) = (desk.engine.clone(), desk.library.clone());
        let begin = move |cause: Option<String>| {
            let runbook = match &text {
                Some(text) => {
                    let modules = library.modules(None);
                    let compiled =
                        Runbook::compile_with(&name, text, modules.as_ref(), engine.steps());
                    compiled.map_err(EngineError::from)?
                }
                None => runbooks::compile(&engine, library.as_ref(), &name)?,
            };
            is_meant_for(&engine, &runbook, place.as_deref())?;
            let begun = if allow_self {
                engine.start_anyway(&runbook, &by, &given, secrets, cause)
            } else {
                engine.start_because(&runbook, &by, &given, secrets, cause)
            };
            Ok(begun?)
        };
        // Held to the end: two requests with one key that come together are one run.
        let _one_at_a_time = match &key {
            Some(_) => Some(desk.starting.clone().lock_owned().await),
            None => None,
        };
        let engine = desk.engine.clone();
        let (run, handle) = blocking(move || match key {
            Some(key) => key.once(&engine, &request, begin),
            None => begin(None).map(|handle| (handle.run.clone(), Some(handle))),
        })
        .await??;
        let status = if handle.is_some() { StatusCode::CREATED } else { StatusCode::OK };
        let location = format!("/api/v1/runs/{run}");
        Ok(ears.answer(run.clone(), handle).await?.with(status).started(run, location))
    }
}

/// The process that owns the state may act on another swarm than the one that is meant.
fn is_meant_for(engine: &Engine, runbook: &Runbook, place: Option<&str>) -> Result<(), Problem> {
    let here = engine.address(runbook).unwrap_or_default();
    let Some(place) = place.filter(|place| *place != here) else { return Ok(()) };
    let message =
        format!("the process that owns the state acts on {here}, and the run is meant for {place}");
    Err(Kind::IN_USE.because(message).hint(
        "Leave --host and --context out, or keep the runs of that swarm apart with --state DIR.",
    ))
}

/// Returns what a later request with the same key must repeat. The values of secrets are no part
/// of it: a hash of a short one could be found out.
fn fingerprint(asked: &Begin) -> Result<String, Problem> {
    let names: Vec<&String> = asked.secrets.keys().collect();
    let request = serde_json::to_vec(&(&asked.runbook, &asked.text, &asked.params, names));
    request.map(|bytes| text_hash(&bytes)).map_err(|e| bug(&format!("a fingerprint: {e}")))
}
