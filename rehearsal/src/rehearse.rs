//! A rehearsal: the clean pass, and then one for everything that can go wrong, on all cores.

use std::ops::ControlFlow;
use std::time::Instant;

use tokio::runtime::Runtime;
use windlass_engine::runbook::CompileError;
use windlass_engine::step::Registry;
use windlass_lab::simulated::{Simulated, Snapshot};
use windlass_swarm::docker::Swarm;

use crate::faults::KINDS;
use crate::prospect::{Prospect, prospect};
use crate::report::{CLEAN, FaultKind, Pass, Report, SwarmShape};
use crate::theatre::Theatre;
use crate::variant::Variant;

/// What to rehearse, on what.
pub struct Options {
    /// The runbook's name, for people.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its public parameters; values of secret ones are made up.
    pub params: Vec<(String, String)>,
    /// The steps that runbooks can call, over a simulated swarm.
    pub steps: fn(Swarm) -> Registry,
    /// The swarm.
    pub snapshot: Snapshot,
    /// Only the pass with this name.
    pub only: Option<String>,
    /// Passes played at once; all cores if 0.
    pub threads: usize,
    /// Where made-up values and IDs come from.
    pub seed: u64,
}

/// How far a rehearsal is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Passes played.
    pub done: usize,
    /// Passes in all.
    pub all: usize,
    /// Passes that violated something.
    pub violated: usize,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The runbook has a mistake.
    #[error(transparent)]
    Runbook(#[from] CompileError),
    /// The clean pass did not end well: what went wrong, and the pass.
    #[error("the clean pass, without any fault, did not end all new: {problem}")]
    NotClean {
        /// What went wrong.
        problem: String,
        /// What happened.
        pass: Box<Pass>,
    },
    /// Whoever watched asked to stop.
    #[error("stopped after {done} of {all} passes")]
    Stopped {
        /// Passes played.
        done: usize,
        /// Passes in all.
        all: usize,
    },
    /// There is no pass with that name.
    #[error("there is no pass `{0}`; names are like `3/lost-answer`, as the report shows them")]
    NoSuchPass(String),
    /// The machine refuses.
    #[error("the rehearsal can't go on: {0}")]
    Machine(String),
}

/// Rehearses. Blocks, for seconds; not to be called from inside a tokio runtime.
///
/// `progress` is told after each pass, and says whether to go on.
///
/// # Errors
/// If the runbook has a mistake, or ends badly even when nothing goes wrong.
pub fn rehearse(
    options: &Options,
    progress: &(dyn Fn(Progress) -> ControlFlow<()> + Sync),
) -> Result<Report, RehearsalError> {
    let began = Instant::now();
    let runtime = Runtime::new().map_err(|e| RehearsalError::Machine(e.to_string()))?;
    let Prospect { not_played, unhealthy } = prospect(&options.snapshot);
    let swarm = Simulated::from_snapshot(&options.snapshot, options.seed);
    let theatre = Theatre::open(&swarm, &runtime, options)?;
    let variants = match &options.only {
        None => theatre.variants.clone(),
        Some(only) => {
            let chosen = theatre.variants.iter().filter(|v| v.id == *only);
            let chosen: Vec<Variant> = chosen.cloned().collect();
            if chosen.is_empty() && only != CLEAN {
                return Err(RehearsalError::NoSuchPass(only.clone()));
            }
            chosen
        }
    };
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let mut passes = vec![theatre.clean.clone()];
    passes.extend(theatre.play_all(&variants, threads, progress)?);
    Ok(Report {
        runbook: options.name.clone(),
        title: theatre.scene.runbook.header().title.clone(),
        swarm: shape(&options.snapshot),
        not_played,
        unhealthy,
        calls: theatre.calls(),
        faults: fault_kinds(),
        passes,
        wall_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        seed: options.seed,
        threads,
    })
}

fn fault_kinds() -> Vec<FaultKind> {
    let kind = |(name, short, explanation): &(&str, &str, &str)| FaultKind {
        name: (*name).to_owned(),
        short: (*short).to_owned(),
        explanation: (*explanation).to_owned(),
    };
    KINDS.iter().map(kind).collect()
}

fn shape(snapshot: &Snapshot) -> SwarmShape {
    SwarmShape {
        nodes: snapshot.nodes.len(),
        services: snapshot.services.len(),
        secrets: snapshot.secrets.len(),
        tasks: snapshot.tasks.len(),
        taken: snapshot.taken.clone(),
    }
}
