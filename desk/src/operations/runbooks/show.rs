//! Describe a runbook.

use windlass_engine::runbook::Parameter;
use windlass_engine::script::Shelf;

use super::super::VIEWER;
use super::super::prelude::*;
use super::{NO_RUNBOOK, compile};

/// A parameter, with its name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Named {
    name: String,
    #[serde(flatten)]
    parameter: Parameter,
}

/// What a runbook says of itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Described {
    /// Its name.
    name: String,
    /// One line.
    title: String,
    /// More.
    about: String,
    /// What it must be told, in the order in which it declares it.
    params: Vec<Named>,
    /// Locks that a run of it holds, with parameters in braces.
    locks: Vec<String>,
    /// The modules that it uses, each after those that it uses itself.
    modules: Vec<Module>,
    /// What holds at every end that it allows.
    invariants: Vec<String>,
    /// Its text, with those modules in it.
    text: String,
}

/// A module that a runbook uses.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Module {
    name: String,
    /// Where it was found.
    from: Shelf,
}

/// Describe a runbook.
pub struct Show;

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runbooks/{name}";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Describe a runbook";
    const REFUSES: &'static [Kind] = NO_RUNBOOK;
    type Query = ();
    type Body = ();
    type Answer = Described;

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<Described>, Problem> {
        let name = call.name;
        let runbook = blocking(move || compile(&desk.engine, desk.library.as_ref(), &name));
        let runbook = runbook.await??;
        let header = runbook.header();
        let params = header
            .params
            .iter()
            .map(|(name, parameter)| Named { name: name.clone(), parameter: parameter.clone() });
        Ok(Described {
            name: runbook.name().to_owned(),
            title: header.title.clone(),
            about: header.about.clone(),
            params: params.collect(),
            locks: header.locks.clone(),
            modules: runbook
                .modules()
                .into_iter()
                .map(|(name, from)| Module { name, from })
                .collect(),
            invariants: header.invariants.iter().map(|(sentence, _)| sentence.clone()).collect(),
            text: runbook.text().to_owned(),
        }
        .into())
    }
}
