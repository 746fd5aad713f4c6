//! Exit codes of the command. They are part of the interface: scripts and schedulers depend on them.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use windlass_engine::event::Status;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Done.
    Done,
    /// The run failed, and everything was undone.
    Undone,
    /// The words don't fit: usage, parameters, or a runbook that does not compile.
    Usage,
    /// The run needs a person.
    Stuck,
    /// The run was parked, or still waits; it goes on when it is resumed.
    Waiting,
    /// The run was cancelled, though not by this command, and everything was undone.
    Cancelled,
    /// The run was not started: a lock is held, or it is already running.
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
    pub fn of(status: Status) -> Self {
        match status {
            Status::Done => Exit::Done,
            Status::Undone => Exit::Undone,
            Status::Cancelled => Exit::Cancelled,
            Status::Stuck | Status::StuckGoingBack => Exit::Stuck,
            Status::Running
            | Status::Waiting
            | Status::Interrupted
            | Status::GoingBack
            | Status::InterruptedGoingBack => Exit::Waiting,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
