//! Rehearsals: a runbook is tried on a copy of the swarm, with everything that can go wrong.
//!
//! ```text
//! live swarm --snapshot--> file --> simulated swarm --passes--> Report --> terminal, page
//! ```
//!
//! [`snapshot`] takes the shape of a swarm and leaves behind what must stay there. [`report`] is
//! what the passes found. [`page`] makes one HTML file of it.

pub mod page;
pub mod report;
pub mod snapshot;

use report::{Pass, Report};
use windlass_engine::runbook::CompileError;
use windlass_lab::simulated::Snapshot;

/// What to rehearse, on what.
pub struct Options {
    /// The runbook's name, for people.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its public parameters; values of secret ones are made up.
    pub params: Vec<(String, String)>,
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
    #[error("the clean pass, in which nothing goes wrong, did not end all new: {problem}")]
    NotClean {
        /// What went wrong.
        problem: String,
        /// What happened.
        pass: Box<Pass>,
    },
    /// There is no pass with that name.
    #[error("there is no pass `{0}`; names are like `3/lost-answer`, as the report shows them")]
    NoSuchPass(String),
    /// The machine refuses.
    #[error("the rehearsal can't go on: {0}")]
    Machine(String),
}

/// Interim: the core replaces it.
///
/// # Errors
/// Always.
pub fn rehearse(_: &Options, _: &(dyn Fn(Progress) + Sync)) -> Result<Report, RehearsalError> {
    Err(RehearsalError::Machine("the core is not built in".to_owned()))
}
