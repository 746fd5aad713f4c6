//! What is told to a person when a command does not do what it was asked.

use serde::{Deserialize, Serialize};
use windlass_engine::engine::EngineError;
use windlass_engine::journal::StoreError;
use windlass_engine::runbook::ParameterError;

use crate::exit::Exit;

/// A problem: what happened, what to do next, where to read on, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The number of the page that explains it (`windlass explain WL0004`).
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// How the command ends.
    pub exit: Exit,
}

impl Problem {
    /// Returns a problem without a hint.
    pub fn new(code: &str, exit: Exit, message: impl Into<String>) -> Self {
        Problem { code: code.to_owned(), message: message.into(), hint: None, exit }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns a problem that is a mistake of ours.
    pub fn bug(message: impl Into<String>) -> Self {
        Problem::new("WL0070", Exit::Bug, message)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::Compile(_) => Problem::new("WL0003", Exit::Usage, text),
            EngineError::Parameter(error) => parameter(&error),
            EngineError::Locked { by, .. } => Problem::new("WL0004", Exit::NotStarted, text).hint(
                format!("`windlass show {by}` says where it stands, and lists the commands that are safe now."),
            ),
            EngineError::OwnGround { .. } => Problem::new("WL0019", Exit::NotStarted, text).hint(
                "`windlass explain WL0019` says how to go about it; `--allow-self` begins it all the same.",
            ),
            EngineError::AlreadyDriven(run) => Problem::new("WL0005", Exit::NotStarted, text)
                .hint(format!("`windlass log {run} -f` watches it; `windlass cancel {run}` stops it and takes it back.")),
            EngineError::NoSuchRun(_) | EngineError::AmbiguousRun { .. } => {
                Problem::new("WL0006", Exit::Usage, text).hint("`windlass runs` lists them.")
            }
            EngineError::Pruned(tombstone) => Problem::new("WL0034", Exit::Usage, text).hint(format!(
                "Evidence that was exported of it verifies with `--head {}`; `windlass prune --list` shows what stays of all.",
                tombstone.head
            )),
            EngineError::NoSuchCall { run, .. } => Problem::new("WL0006", Exit::Usage, text)
                .hint(format!("`windlass show {run}` lists its calls.")),
            EngineError::Over { run, .. } => Problem::new("WL0007", Exit::Usage, text)
                .hint(format!("`windlass show {run}` tells what it did.")),
            EngineError::Stuck(view) => {
                let run = &view.summary.run;
                let what = view.stuck.as_ref().map(|e| e.message.clone()).unwrap_or_default();
                Problem::new("WL0008", Exit::Stuck, format!("{text}: {what}"))
                    .hint(format!("`windlass show {run}` lists the commands that are safe now."))
            }
            EngineError::PastPivot { run, .. } => Problem::new("WL0009", Exit::Usage, text)
                .hint(format!("`windlass show {run}` lists the commands that are safe now.")),
            EngineError::Output { run, key, step, example, .. } => {
                let problem = Problem::new("WL0010", Exit::Usage, text);
                if example.is_null() {
                    return problem.hint(format!("`windlass steps {step}` lists what it returns."));
                }
                problem.hint(format!(
                    "Do it by hand, then: windlass mark-done {run} {key} --reason ... --output '{example}' (`windlass steps {step}` says what that is)."
                ))
            }
            EngineError::AnotherPlace { address, .. } => elsewhere(text).hint(format!(
                "Nothing was recorded or changed. `DOCKER_HOST={address}` reaches the swarm where it began; `windlass explain WL0025` says what to do if that one is gone for good."
            )),
            EngineError::NoPlace { error, .. } => {
                let code = if error.code == "not_manager" { "WL0015" } else { "WL0014" };
                let problem = Problem::new(code, Exit::OutOfReach, text);
                match error.hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                }
            }
            EngineError::ControlCharacter(_) => Problem::new("WL0002", Exit::Usage, text),
            EngineError::NotNow(_) => Problem::new("WL0010", Exit::Usage, text),
            EngineError::Answer { run, problem } => {
                let hint = match problem {
                    ParameterError::Missing { name, secret: true, .. }
                    | ParameterError::SecretInTheOpen { name } => format!(
                        "Give it with `--secret {name}=-` (standard input) or `--secret {name}=@FILE`."
                    ),
                    _ => format!("`windlass show {run}` lists what is asked."),
                };
                Problem::new("WL0002", Exit::Usage, text).hint(hint)
            }
            EngineError::Refused(_) => Problem::new("WL0018", Exit::Usage, text)
                .hint("`windlass show RUN` says who is asked, and who has approved already."),
            EngineError::Store(StoreError::Damaged { .. }) | EngineError::Damaged(_) => {
                damaged(text)
            }
            EngineError::Store(StoreError::InUse { .. }) => {
                Problem::new("WL0005", Exit::NotStarted, text)
                    .hint("Another process has the store open: let it end first.")
            }
            EngineError::Store(_) => Problem::new("WL0011", Exit::OutOfReach, text)
                .hint("If the disk is full, or may not be written to: make room, and try again. What is recorded is whole."),
            EngineError::Key(_) | EngineError::WrongMasterKey => {
                Problem::new("WL0012", Exit::OutOfReach, text).hint(
                    "Runs that are not over need the master key with which they were begun: put that file back.",
                )
            }
            EngineError::Machine(_) => Problem::new("WL0070", Exit::Bug, text),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        EngineError::Store(error).into()
    }
}

/// Another swarm answers than the one where a run began.
pub fn elsewhere(text: String) -> Problem {
    Problem::new("WL0025", Exit::OutOfReach, text)
}

fn damaged(text: String) -> Problem {
    Problem::new("WL0011", Exit::OutOfReach, text).hint(
        "Copy the state directory first. `windlass store check` says what is whole, `windlass store export FILE` saves what can be read; or put a backup of the whole directory back.",
    )
}

fn parameter(error: &ParameterError) -> Problem {
    let problem = Problem::new("WL0002", Exit::Usage, error.to_string());
    match error {
        ParameterError::Missing { name, secret: true, .. }
        | ParameterError::SecretInTheOpen { name } => problem.hint(format!(
            "Give it with `--secret {name}=-` (standard input), `--secret {name}=@FILE`, or `--secret {name}=generate:32`."
        )),
        ParameterError::Missing { name, .. } => problem.hint(format!("Give it with `-p {name}=...`.")),
        ParameterError::Unknown { .. } | ParameterError::Mismatch { .. } => {
            problem.hint("`windlass describe RUNBOOK` lists the parameters.")
        }
    }
}
