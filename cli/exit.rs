//! Exit codes. They are part of the interface: scripts and schedulers depend on them.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use windlass_engine::journal::{End, RunStatus};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Done.
    Done,
    /// The run failed, and nothing is left behind.
    Undone,
    /// The words don't fit: usage, parameters, or a runbook that does not compile.
    Usage,
    /// The run needs a person.
    Stuck,
    /// The run was put away, or still waits; it goes on when it is resumed.
    Waiting,
    /// The run was cancelled, and nothing is left behind.
    Cancelled,
    /// The run was not started: a lock is held, or it is being driven already.
    NotStarted,
    /// A check found something.
    Found,
    /// The store, the swarm or the engine is out of reach.
    OutOfReach,
    /// A mistake of ours.
    Bug,
}

impl Exit {
    /// Returns the number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Undone => 1,
            Exit::Usage => 2,
            Exit::Stuck => 3,
            Exit::Waiting => 4,
            Exit::Cancelled => 5,
            Exit::NotStarted => 6,
            Exit::Found => 7,
            Exit::OutOfReach => 8,
            Exit::Bug => 70,
        }
    }

    /// Returns how a command ends that has brought a run to this status.
    pub fn of(status: RunStatus) -> Self {
        match status {
            RunStatus::Finished(End::Done) => Exit::Done,
            RunStatus::Finished(End::Undone) => Exit::Undone,
            RunStatus::Finished(End::Cancelled) => Exit::Cancelled,
            RunStatus::Stuck | RunStatus::StuckUnwinding => Exit::Stuck,
            RunStatus::Running | RunStatus::Waiting | RunStatus::Unwinding => Exit::Waiting,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
