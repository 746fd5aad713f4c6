//! Why the engine does not do what it was asked.

use super::Tombstone;
use crate::event::{RunView, shown};
use crate::id::{CallKey, RunId};
use crate::journal::{End, StoreError};
use crate::runbook::{CompileError, ParameterError};
use crate::secret::KeyError;
use crate::step::StepError;

/// Why the engine does not do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The runbook does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A parameter does not fit.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Another run holds a lock.
    #[error("{lock} is locked by {by}, which has not finished")]
    Locked {
        /// The lock.
        lock: String,
        /// Who holds it.
        by: RunId,
    },
    /// The run would end the process that drives it.
    #[error("{lock} is used by this daemon itself: the run would stop the daemon that drives it")]
    OwnGround {
        /// The lock of the run.
        lock: String,
    },
    /// A process drives this run already.
    #[error("{0} is already running")]
    AlreadyDriven(RunId),
    /// There is no such run.
    #[error("there is no run `{0}`")]
    NoSuchRun(String),
    /// More than one run fits.
    #[error("`{given}` fits more than one run: {}", .runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    AmbiguousRun {
        /// What was typed.
        given: String,
        /// The runs that fit.
        runs: Vec<RunId>,
    },
    /// The run was pruned; this is what stays of it.
    #[error("{} was pruned: it began {}, ended {}, and had {} entries", .0.run, crate::clock::utc(.0.began), crate::clock::utc(.0.ended), .0.entries)]
    Pruned(Box<Tombstone>),
    /// There is no such call.
    #[error("{run} has no call {key}")]
    NoSuchCall {
        /// The run.
        run: RunId,
        /// The call.
        key: CallKey,
    },
    /// The run is over.
    #[error("{run} has finished: there is nothing to resume, undo or decide")]
    Over {
        /// The run.
        run: RunId,
        /// How it ended.
        end: End,
    },
    /// The run needs a decision before it can go on.
    #[error("{} is stuck and needs a person", .0.summary.run)]
    Stuck(Box<RunView>),
    /// The run can only go forward.
    #[error("{run} is past its pivot, call {pivot}: it can only go forward")]
    PastPivot {
        /// The run.
        run: RunId,
        /// The call after which there is no way back.
        pivot: CallKey,
    },
    /// Another place answers than the one where the run began.
    #[error("{run} began on {began}, and {here} answers")]
    AnotherPlace {
        /// The run.
        run: RunId,
        /// Where it began.
        began: String,
        /// Which place answers.
        here: String,
        /// How the one where it began was reached.
        address: String,
    },
    /// It can't be told which place answers.
    #[error("{before}{}", .error.message)]
    NoPlace {
        /// Which run can't go on, and where it began; nothing, if it was to begin.
        before: String,
        /// Why.
        error: Box<StepError>,
    },
    /// The decision does not fit where the call stands.
    #[error("{0}")]
    NotNow(String),
    /// The script needs what a call returns, and what was told is not that.
    #[error("the runbook needs what call {key} of {run} returns, and {problem}")]
    Output {
        /// The run.
        run: RunId,
        /// The call.
        key: CallKey,
        /// Its step.
        step: String,
        /// What does not fit.
        problem: String,
        /// An example of what does; null, if the script does not need it.
        example: Box<serde_json::Value>,
    },
    /// A reason would do something to the terminal that shows it.
    #[error("a reason can't hold the control character `{}`", shown::escaped(*.0))]
    ControlCharacter(char),
    /// An answer is not what was asked for.
    #[error("{}", answer_says(.problem))]
    Answer {
        /// The run that asks.
        run: RunId,
        /// What does not fit.
        problem: ParameterError,
    },
    /// This person's answer does not count.
    #[error("{0}")]
    Refused(String),
    /// The journal can't be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A journal is damaged.
    #[error("a journal is damaged: {0}")]
    Damaged(String),
    /// A key can't be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store belongs to another master key.
    #[error("this is not the master key that the store was made with")]
    WrongMasterKey,
    /// No thread, no randomness: the machine is at its end.
    #[error("the operating system refused: {0}")]
    Machine(String),
}

impl EngineError {
    /// Says whether a reason may be recorded.
    pub(super) fn if_not_fit(reason: &str) -> Result<(), Self> {
        shown::forbidden(reason).map_or(Ok(()), |c| Err(EngineError::ControlCharacter(c)))
    }
}

fn answer_says(problem: &ParameterError) -> String {
    match problem {
        ParameterError::Unknown { name, known } => {
            format!("`{name}` is not asked for; the fields are {known}")
        }
        ParameterError::Missing { name, help, .. } => {
            format!("`{name}` is missing in the answer: {help}")
        }
        other => other.to_string(),
    }
}
