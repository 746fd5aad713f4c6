//! Runbooks of the library, and the steps that they can call.

mod check;
mod list;
mod plan;
mod show;
mod steps;

use schemars::JsonSchema;
use serde::Serialize;
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::runbook::{CompileError, Runbook};
use windlass_engine::script::Place;

pub use check::{Check, Checked, Text};
pub use list::{Line, Lines, List};
pub use plan::{PlanRun, Words};
pub use show::{Described, Module, Named, Show};
pub use steps::{Step, Steps, StepsList};

use crate::library::Library;
use crate::problem::{Kind, Problem};

const NO_RUNBOOK: &[Kind] = &[Kind::NO_RUNBOOK, Kind::DOES_NOT_COMPILE];

/// A mistake in a runbook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mistake {
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
