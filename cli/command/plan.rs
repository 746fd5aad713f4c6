//! `windlass plan`: what a run would do. A run looks at the same before it begins.

use windlass_engine::engine::EngineError;
use windlass_engine::run::{Plan, PlanError};
use windlass_engine::runbook::Runbook;

use super::{library, run};
use crate::args::RunArgs;
use crate::door::throwaway_engine;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::secret_input::{self, Sources, Values};
use crate::settings::Settings;
use crate::show;

/// All that can be known of a run before it begins.
pub struct Prepared {
    pub runbook: Runbook,
    pub params: Vec<(String, String)>,
    pub sources: Sources,
    /// The values of the secrets that have a source.
    pub values: Values,
    /// Secret parameters that somebody has to be asked for.
    pub to_ask: Vec<String>,
    /// Its locks.
    pub locks: Vec<String>,
    /// The address where it acts; nothing if it acts nowhere.
    pub place: Option<String>,
    /// A problem if the place can't be reached from here.
    pub plan: Result<Result<Plan, PlanError>, Problem>,
}

/// Plans a run. It needs no state and leaves no trace.
pub async fn plan(settings: &Settings, args: &RunArgs) -> Result<Exit, Problem> {
    match prepare(settings, args, true).await?.plan? {
        Ok(plan) if settings.json => show::json(&plan),
        Ok(plan) => show::plan::show(&plan),
        Err(error) => {
            show::plan::before(&error.before).iter().for_each(|text| show::note(text));
            return Err(would_fail(&error, "a run "));
        }
    }
    Ok(Exit::Done)
}

/// Looks at everything that can be wrong with the words, then at the swarm, and changes nothing.
/// Secret values that nothing is given for need not be known: `unknown_values` says so.
///
/// # Errors
/// If the words don't fit.
pub async fn prepare(
    settings: &Settings,
    args: &RunArgs,
    unknown_values: bool,
) -> Result<Prepared, Problem> {
    let engine = throwaway_engine(settings)?;
    let runbook = library::compile(&args.runbook, engine.steps())?;
    let params = run::params(&args.params)?;
    let sources = Sources::parse(&args.secrets, args.newline)?;
    let to_ask: Vec<String> = secret_input::missing(runbook.header(), &params, &sources)
        .filter(|_| unknown_values)
        .map(str::to_owned)
        .collect();
    let names: Vec<String> = sources.names().map(str::to_owned).chain(to_ask.clone()).collect();
    let given = runbook.header().values(&params, &names).map_err(EngineError::from)?;
    let reached = run::reach(&engine, &runbook).await;
    let values = sources.read()?;
    let plan = match reached {
        Ok(()) => Ok(engine.plan(&runbook, &params, values.clone()).await?),
        Err(problem) => Err(problem),
    };
    let locks = runbook.header().locks(&given);
    let place = engine.address(&runbook);
    Ok(Prepared { place, runbook, params, sources, values, to_ask, locks, plan })
}

/// Returns the problem that a failed plan is.
pub fn would_fail(error: &PlanError, prefix: &str) -> Problem {
    let problem = Problem::new("WL0016", Exit::Undone, format!("{prefix}{}", error.says()));
    match &error.error.hint {
        Some(hint) => problem.hint(hint.clone()),
        None => problem,
    }
}
