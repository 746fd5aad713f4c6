//! Runbooks, and the steps that they can call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::run::Plan;
use windlass_engine::runbook::{CompileError, Parameter, Runbook};
use windlass_engine::script::{Place, Shelf};
use windlass_engine::step::{About, Kind as StepKind};

use super::acts::words;
use super::start::Told;
use crate::console::{Console, blocking};
use crate::endpoint::{Answer, Call};
use crate::library::Library;
use crate::problem::{Kind, Problem};

/// A runbook in one line.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Line {
    /// Its name.
    name: String,
    /// Its title; absent if it does not compile.
    title: Option<String>,
    /// What is wrong with it.
    problem: Option<Mistake>,
}

/// The runbooks of the library.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Lines {
    runbooks: Vec<Line>,
}

/// A mistake in a runbook.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Mistake {
    /// Where.
    place: Place,
    /// What is wrong there, and what was expected.
    problem: String,
}

impl From<CompileError> for Mistake {
    fn from(error: CompileError) -> Self {
        Mistake { place: *error.place, problem: error.problem }
    }
}

/// A parameter, with its name.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Named {
    name: String,
    #[serde(flatten)]
    parameter: Parameter,
}

/// What a runbook says of itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Described {
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
pub(crate) struct Module {
    name: String,
    /// Where it was found.
    from: Shelf,
}

/// A text to check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    /// What to call it.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// The text.
    text: String,
}

/// What is to be said of a text.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Checked {
    /// Its title, if it compiles.
    title: Option<String>,
    /// The first mistake, if it does not.
    problem: Option<Mistake>,
}

/// A step.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Step {
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
pub(crate) struct Steps {
    steps: Vec<Step>,
}

/// Compiles a runbook of the library. Blocks.
///
/// # Errors
/// If there is none of this name, or it does not compile.
pub(crate) fn compile(
    engine: &Engine,
    library: &dyn Library,
    name: &str,
) -> Result<Runbook, Problem> {
    let text = library.text(name).ok_or_else(|| {
        let detail = format!("there is no runbook `{name}` in the library");
        Kind::NO_RUNBOOK.because(detail).hint("GET /api/v1/runbooks lists them.")
    })?;
    let modules = library.modules(Some(name));
    let runbook = Runbook::compile_with(name, &text, modules.as_ref(), engine.steps());
    Ok(runbook.map_err(EngineError::from)?)
}

/// Lists the runbooks of the library.
pub(crate) async fn list(console: Console, _: Call<(), ()>) -> Result<Answer<Lines>, Problem> {
    let runbooks = blocking(move || {
        let names = console.library.names().into_iter();
        names
            .filter_map(|name| {
                // One that was removed since the names were read is not there any more.
                let text = console.library.text(&name)?;
                let (modules, steps) =
                    (console.library.modules(Some(&name)), console.engine.steps());
                let compiled = Runbook::compile_with(&name, &text, modules.as_ref(), steps);
                let (title, problem) = match compiled {
                    Ok(runbook) => (Some(runbook.header().title.clone()), None),
                    Err(error) => (None, Some(error.into())),
                };
                Some(Line { name, title, problem })
            })
            .collect()
    });
    Ok(Lines { runbooks: runbooks.await? }.into())
}

/// Describes a runbook of the library.
pub(crate) async fn show(
    console: Console,
    call: Call<(), ()>,
) -> Result<Answer<Described>, Problem> {
    let name = call.name;
    let runbook = blocking(move || compile(&console.engine, console.library.as_ref(), &name));
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
        modules: runbook.modules().into_iter().map(|(name, from)| Module { name, from }).collect(),
        invariants: header.invariants.iter().map(|(sentence, _)| sentence.clone()).collect(),
        text: runbook.text().to_owned(),
    }
    .into())
}

/// Says what a run would do.
pub(crate) async fn plan(console: Console, call: Call<(), Told>) -> Result<Answer<Plan>, Problem> {
    let (given, secrets) = (call.body.given(), call.body.secrets(call.peer)?);
    let (engine, library, name) = (console.engine.clone(), console.library.clone(), call.name);
    let runbook = blocking(move || compile(&engine, library.as_ref(), &name)).await??;
    let engine = console.engine.clone();
    let planning = async move { engine.plan(&runbook, &given, secrets).await };
    let plan = console.plans.through(planning).await??;
    let plan = plan.map_err(|error| {
        let problem = Kind::WOULD_FAIL.because(error.to_string());
        Problem { hint: error.error.hint, ..problem }
    })?;
    Ok(plan.into())
}

/// Checks a text.
pub(crate) async fn check(
    console: Console,
    call: Call<(), Text>,
) -> Result<Answer<Checked>, Problem> {
    let Text { name, text } = call.body;
    words("a runbook's name", &name, 200)?;
    let compiled = blocking(move || {
        let modules = console.library.modules(None);
        Runbook::compile_with(&name, &text, modules.as_ref(), console.engine.steps())
    });
    let checked = match compiled.await? {
        Ok(runbook) => Checked { title: Some(runbook.header().title.clone()), problem: None },
        Err(error) => Checked { title: None, problem: Some(error.into()) },
    };
    Ok(checked.into())
}

/// Lists the steps.
pub(crate) async fn steps(console: Console, _: Call<(), ()>) -> Result<Answer<Steps>, Problem> {
    let steps = console.engine.steps().iter().map(|step| {
        let (args, output) = step.schemas();
        let (args, output) = (args.to_value(), output.to_value());
        Step { about: step.about(), kind: step.kind(), args, output }
    });
    Ok(Steps { steps: steps.collect() }.into())
}
