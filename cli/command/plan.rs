//! `windlass plan`: what a run would do.

use windlass_engine::run::PlanError;

use super::{library, run};
use crate::args::RunArgs;
use crate::desk::throwaway_engine;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::secret_input;
use crate::settings::Settings;
use crate::show;

/// Plans a run. It needs no state and leaves no trace.
pub async fn plan(settings: &Settings, args: &RunArgs) -> Result<Exit, Problem> {
    let engine = throwaway_engine(settings)?;
    let runbook = library::compile(&args.runbook, engine.steps())?;
    let params = run::params(&args.params)?;
    let secrets = secret_input::read(runbook.header(), args, false)?;
    run::reach_swarm(&engine, &runbook).await?;
    match engine.plan(&runbook, &params, secrets).await? {
        Ok(plan) if settings.json => show::json(&plan),
        Ok(plan) => show::plan::show(&plan),
        Err(error) => return Err(would_fail(&error)),
    }
    Ok(Exit::Done)
}

fn would_fail(PlanError { error }: &PlanError) -> Problem {
    let message = format!("a run would fail before it changes anything: {}", error.message);
    let problem = Problem::new("WL0016", Exit::Undone, message);
    match &error.hint {
        Some(hint) => problem.hint(hint.clone()),
        None => problem,
    }
}
