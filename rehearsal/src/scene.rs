//! What all passes of a rehearsal share: the swarm as it is before, the runbook, what it is told.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio::runtime::Handle;
use windlass_engine::clock::millis;
use windlass_engine::runbook::{CompileError, ParameterKind, Runbook};
use windlass_engine::secret::Secret;
use windlass_engine::step::{Registry, Span};
use windlass_lab::simulated::Simulated;
use windlass_swarm::docker::{Endpoint, Swarm};

use crate::oracle::{Ailment, Shape, ailments};

/// How long a swarm is given to calm down before the first pass, in milliseconds of its own time.
pub(crate) const CALM_MS: i64 = 180_000;

/// What all passes share.
pub(crate) struct Scene {
    /// The swarm before a pass.
    pub(crate) swarm: Simulated,
    /// Where passes run.
    pub(crate) runtime: Handle,
    /// The steps, over a swarm.
    pub(crate) steps: fn(Swarm) -> Registry,
    /// The runbook.
    pub(crate) runbook: Runbook,
    /// What it promises, each as a runbook that fails unless it is so.
    pub(crate) invariants: Vec<(String, Runbook)>,
    /// Its public parameters.
    pub(crate) params: Vec<(String, String)>,
    /// Values made up for its secret ones.
    values: Vec<(String, Vec<u8>)>,
    /// How long it was told to watch before it destroys something, in milliseconds: what its
    /// parameter `window` says, if it has one.
    pub(crate) watch_ms: i64,
    /// The swarm before: all old.
    pub(crate) before: Shape,
    /// What is wrong in the swarm before.
    pub(crate) ailing: Vec<Ailment>,
    /// The swarm after a clean pass: all new.
    pub(crate) after: Option<Shape>,
}

impl Scene {
    /// Sets the scene.
    ///
    /// # Errors
    /// If the runbook or one of its invariants does not compile.
    pub(crate) fn set(
        swarm: &Simulated,
        runtime: Handle,
        steps: fn(Swarm) -> Registry,
        (name, text): (&str, &str),
        params: Vec<(String, String)>,
        seed: u64,
    ) -> Result<Self, CompileError> {
        let swarm = swarm.fork();
        swarm.advance_to(swarm.now() + CALM_MS);
        let compiled_with = steps(Swarm::connect(&nowhere()));
        let runbook = Runbook::compile(name, text, &compiled_with)?;
        let promised = &runbook.header().invariants;
        let invariants = promised.iter().map(|(sentence, check)| {
            Ok((sentence.clone(), runbook.invariant(check, &compiled_with)?))
        });
        let invariants = invariants.collect::<Result<_, CompileError>>()?;
        let secrets = runbook.header().params.iter();
        let secrets = secrets.filter(|(_, p)| p.kind == ParameterKind::Secret);
        let values = secrets
            .map(|(name, _)| (name.clone(), format!("rehearsed-{name}-{seed:016x}").into_bytes()))
            .collect();
        let world = swarm.look();
        let (before, ailing) = (Shape::of(&world), ailments(&world, &BTreeMap::new()));
        let (watch_ms, after) = (watch_ms(&runbook, &params), None);
        Ok(Scene {
            swarm,
            runtime,
            steps,
            runbook,
            invariants,
            params,
            values,
            watch_ms,
            before,
            ailing,
            after,
        })
    }

    /// Returns the secret parameters.
    pub(crate) fn secrets(&self) -> Vec<(String, Secret)> {
        self.values.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect()
    }

    /// Returns the values that must appear nowhere.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.values.iter().map(|(_, value)| value)
    }
}

/// Returns what the parameter `window` says, if there is one.
fn watch_ms(runbook: &Runbook, params: &[(String, String)]) -> i64 {
    let header = runbook.header();
    let secrets = header.params.iter().filter(|(_, p)| p.kind == ParameterKind::Secret);
    let secrets: Vec<String> = secrets.map(|(name, _)| name.clone()).collect();
    let told = header.values(params, &secrets).unwrap_or_default();
    let window = told.get("window").and_then(|window| Span::deserialize(window).ok());
    window.map_or(0, |window| millis(window.0))
}

/// Compiling asks no daemon.
fn nowhere() -> Endpoint {
    Endpoint { host: "unix:///nowhere".to_owned(), tls: None, origin: "a rehearsal".to_owned() }
}
