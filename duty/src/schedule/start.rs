//! Beginning the run of a time at which a schedule came.

use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::id::RunId;
use windlass_engine::journal::StoreError;
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::Secret;

use super::{Config, Kept, Newline, Source};
use crate::Supplies;

/// Why a run did not begin.
#[derive(Debug)]
pub enum NotStarted {
    /// Another run holds a lock; it may be free later.
    Locked(String),
    /// It can't begin as things are.
    Refused(String),
    /// The store failed: whether the run is recorded is not known.
    Unknown(StoreError),
}

/// Says whether a schedule could start a run, and another one after it: the runbook compiles, and
/// its parameters fit.
///
/// # Errors
/// If not: why.
pub fn check(engine: &Engine, supplies: &dyn Supplies, config: &Config) -> Result<(), String> {
    let runbook = compile(engine, supplies, config)?;
    let names: Vec<String> = config.secrets.keys().cloned().collect();
    let values = runbook.header().values(&config.given(), &names).map_err(|e| e.to_string())?;
    match runbook.header().moved(&values) {
        Some((name, unless)) => Err(format!(
            "each run gives what `{name}` names another name, and the next run would not find it; \
             add `{unless}=true`, which takes the newest version of it each time"
        )),
        None => Ok(()),
    }
}

/// Begins the run of a time.
pub(super) fn start(
    engine: &Engine,
    supplies: &dyn Supplies,
    kept: &Kept,
    planned: i64,
) -> Result<RunId, NotStarted> {
    let config = &kept.config;
    let runbook = compile(engine, supplies, config).map_err(NotStarted::Refused)?;
    let mut secrets = Vec::new();
    for (name, source) in &config.secrets {
        let value = supplies.secret(name, source.as_str());
        let value = value.map_err(|why| NotStarted::Refused(without_file(&why, source)))?;
        secrets.push((name.clone(), with_newline(value, config.newline)));
    }
    let cause = Some(kept.cause(planned));
    let begun = engine.start_because(&runbook, engine.process(), &config.given(), secrets, cause);
    // The run goes on by itself; how it ends is read from its journal.
    begun.map(|handle| handle.run).map_err(|error| match error {
        EngineError::Locked { .. } => NotStarted::Locked(error.to_string()),
        EngineError::Store(error) => NotStarted::Unknown(error),
        other => NotStarted::Refused(other.to_string()),
    })
}

/// Returns the run that a time has started, if it has started one.
pub(super) fn started(
    engine: &Engine,
    kept: &Kept,
    planned: i64,
) -> Result<Option<RunId>, EngineError> {
    let cause = kept.cause(planned);
    let runs = engine.runs(false)?;
    let caused = runs.into_iter().rev().find(|run| run.cause.as_ref() == Some(&cause));
    Ok(caused.map(|run| run.run))
}

/// Returns the name of the schedule that started a run.
pub fn schedule_of(cause: &str) -> Option<&str> {
    let (name, _) = cause.strip_prefix("schedule/")?.split_once('@')?;
    Some(name)
}

/// Why a run did not begin is told to people who are not to know where secrets lie; those on this
/// machine see that in the schedule.
fn without_file(why: &str, source: &Source) -> String {
    source.file().map_or_else(|| why.to_owned(), |file| why.replace(file, "its file"))
}

fn with_newline(value: Secret, newline: Newline) -> Secret {
    match (newline, value.expose().strip_suffix(b"\n")) {
        (Newline::Strip, Some(stripped)) => Secret::new(stripped.to_vec()),
        _ => value,
    }
}

fn compile(engine: &Engine, supplies: &dyn Supplies, config: &Config) -> Result<Runbook, String> {
    let (name, text) = supplies.runbook(config.runbook.as_str())?;
    let modules = supplies.modules(&name);
    let runbook = Runbook::compile_with(&name, &text, modules.as_ref(), engine.steps());
    runbook.map_err(|e| e.to_string())
}
