//! What each error of the parts below is to whoever asked: the one place that says so.

use windlass_duty::notice::OutboxError;
use windlass_duty::schedule::BookError;
use windlass_engine::engine::EngineError;
use windlass_engine::journal::StoreError;
use windlass_engine::runbook::ParameterError;
use windlass_evidence::report::{NoJournal, ReportError};

use super::{Kind, Problem, bug};
use crate::people::NoUsers;
use crate::token::TokenError;

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::Compile(_) => Kind::DOES_NOT_COMPILE.because(text),
            EngineError::Parameter(error) => parameter(&error),
            EngineError::Locked { by, .. } => Kind::LOCKED.because(text).hints(
                format!("`windlass show {by}` says where it stands, and lists the commands that are safe now."),
                format!("GET /api/v1/runs/{by} says where it stands, and under `safe` what can be asked of it."),
            ),
            EngineError::OwnGround { .. } => Kind::OWN_GROUND.because(text).hints(
                "`windlass explain WL0019` explains what to do; `--allow-self` starts it anyway.",
                "`windlass explain WL0019` explains what to do; `allow_self` starts it anyway.",
            ),
            EngineError::AlreadyDriven(run) => Kind::IN_USE.because(text).hints(
                format!("`windlass log {run} -f` watches it; `windlass cancel {run}` stops it and undoes it."),
                format!("GET /api/v1/runs/{run}/events tells how it gets on."),
            ),
            EngineError::NoSuchRun(_) | EngineError::AmbiguousRun { .. } => Kind::NO_RUN
                .because(text)
                .hints("`windlass runs` lists them.", "GET /api/v1/runs lists them."),
            EngineError::Pruned(tombstone) => Kind::PRUNED.because(text).hint(format!(
                "Evidence that was exported of it verifies with `--head {}`; `windlass prune --list` shows what stays of all.",
                tombstone.head
            )),
            EngineError::NoSuchCall { run, .. } => Kind::NO_RUN.because(text).hints(
                format!("`windlass show {run}` lists its calls."),
                format!("GET /api/v1/runs/{run} lists its calls."),
            ),
            EngineError::Over { run, .. } => Kind::OVER.because(text).hints(
                format!("`windlass show {run}` tells what it did."),
                format!("GET /api/v1/runs/{run} tells what it did."),
            ),
            EngineError::Stuck(view) => {
                let (run, stuck) = (&view.summary.run, view.stuck.as_ref());
                let what = stuck.map(|e| e.message.clone()).unwrap_or_default();
                Kind::STUCK.because(format!("{text}: {what}")).hints(
                    format!("`windlass show {run}` lists the commands that are safe now."),
                    format!("GET /api/v1/runs/{run} says over which call, and under `safe` what can be decided."),
                )
            }
            EngineError::PastPivot { run, .. } => Kind::PAST_PIVOT.because(text).hints(
                format!("`windlass show {run}` lists the commands that are safe now."),
                format!("GET /api/v1/runs/{run} says under `safe` what can be asked of it."),
            ),
            EngineError::Output { run, key, step, example, .. } => {
                let problem = Kind::NOT_NOW.because(text);
                if example.is_null() {
                    return problem.hint(format!("`windlass steps {step}` lists what it returns."));
                }
                problem.hints(
                    format!("Do it by hand, then: windlass mark-done {run} {key} --reason ... --output '{example}' (`windlass steps {step}` says what that is)."),
                    format!("Post to mark-done, with what the call would have returned as `output`, such as {example}."),
                )
            }
            EngineError::AnotherPlace { address, .. } => elsewhere(text).hints(
                format!("Nothing was recorded or changed. `DOCKER_HOST={address}` reaches the swarm where it began; `windlass explain WL0025` says what to do if that one is gone for good."),
                "Nothing was recorded or changed. The daemon must reach the swarm where the run began: see its DOCKER_HOST.",
            ),
            EngineError::NoPlace { error, .. } => {
                let not_manager = error.code == "not_manager";
                let problem = if not_manager { Kind::NOT_MANAGER } else { Kind::NO_SWARM }.because(text);
                match error.hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                }
            }
            EngineError::ControlCharacter(_) => Kind::PARAMETERS.because(text),
            EngineError::NotNow(_) => Kind::NOT_NOW.because(text),
            EngineError::Answer { run, problem } => answer(text, run.as_str(), &problem),
            EngineError::Refused(_) => Kind::NOT_COUNTED.because(text).hints(
                "`windlass show RUN` says who is asked, and who has approved already.",
                "GET /api/v1/runs/{run} says under `waits` who is asked, and who has approved already.",
            ),
            EngineError::Store(error) => store(&error),
            EngineError::Damaged(_) => damaged(text),
            EngineError::Key(_) | EngineError::WrongMasterKey => Kind::KEY.because(text).hint(
                "Unfinished runs need the master key they were started with: restore that file.",
            ),
            EngineError::Machine(_) => bug(&text),
        }
    }
}

/// Another swarm answers than the one where a run began.
pub fn elsewhere(text: impl Into<String>) -> Problem {
    Kind::ANOTHER_SWARM.because(text)
}

fn parameter(error: &ParameterError) -> Problem {
    let command = match error {
        ParameterError::Missing { name, secret: true, .. }
        | ParameterError::SecretInTheOpen { name } => format!(
            "Give it with `--secret {name}=-` (standard input), `--secret {name}=@FILE`, or `--secret {name}=generate:32`."
        ),
        ParameterError::Missing { name, .. } => format!("Give it with `-p {name}=...`."),
        ParameterError::Unknown { .. } | ParameterError::Mismatch { .. } => {
            "`windlass describe RUNBOOK` lists the parameters.".to_owned()
        }
    };
    let request = "GET /api/v1/runbooks/{name} lists the parameters.";
    Kind::PARAMETERS.because(error.to_string()).hints(command, request)
}

fn answer(text: String, run: &str, problem: &ParameterError) -> Problem {
    let command = match problem {
        ParameterError::Missing { name, secret: true, .. }
        | ParameterError::SecretInTheOpen { name } => {
            format!("Give it with `--secret {name}=-` (standard input) or `--secret {name}=@FILE`.")
        }
        _ => format!("`windlass show {run}` lists what is asked."),
    };
    let request = format!("GET /api/v1/runs/{run} has what is asked under `waits`.");
    Kind::PARAMETERS.because(text).hints(command, request)
}

fn store(error: &StoreError) -> Problem {
    let text = error.to_string();
    match error {
        StoreError::Damaged { .. } => damaged(text),
        StoreError::InUse { .. } => Kind::IN_USE
            .because(text)
            .hint("Another process has the store open: wait until it exits."),
        _ => {
            tracing::error!(%error, "the store fails");
            Kind::STORE.because(text).hints(
                "If the disk is full or read-only, fix that and try again. What was recorded is intact.",
                "Is the disk full? Nothing is done that can't be recorded.",
            )
        }
    }
}

fn damaged(text: String) -> Problem {
    Kind::STORE.because(text).hints(
        "Copy the state directory first. `windlass store check` says what is intact, `windlass store export FILE` saves what can be read; or restore a backup of the whole directory.",
        "`windlass store check` on that machine says what is whole.",
    )
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        store(&error)
    }
}

impl From<NoUsers> for Problem {
    fn from(error: NoUsers) -> Self {
        Kind::NO_USER
            .because(error.to_string())
            .hint("`id` must work: who asks is recorded, and nobody is let in without a name.")
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let text = error.to_string();
        match error {
            TokenError::Unfit(_) => Kind::PARAMETERS.because(text),
            TokenError::NoSuchToken(_) => Kind::NO_SUCH_TOKEN.because(text).hints(
                "`windlass token list` lists them, by their ids.",
                "GET /api/v1/tokens lists them.",
            ),
            TokenError::Store(error) => error.into(),
            TokenError::Damaged(_) => Kind::STORE.because(text),
            TokenError::Machine(_) | TokenError::Users(_) => bug(&text),
        }
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        let text = error.to_string();
        let on_machine = "Schedules are told on the machine of the daemon, not over HTTP.";
        match error {
            BookError::NoSuchSchedule(_) => Kind::NO_SCHEDULE
                .because(text)
                .hints("`windlass schedule list` lists them.", "GET /api/v1/schedules lists them."),
            BookError::ControlCharacter(_) => Kind::PARAMETERS.because(text),
            BookError::Taken(_) => Kind::FIXED_SCHEDULE
                .because(text)
                .hints("Give it another name, or remove the other one first.", on_machine),
            BookError::InFile(_) => Kind::FIXED_SCHEDULE
                .because(text)
                .hints("Change the file, and restart the daemon.", on_machine),
            BookError::Unreadable { name, .. } => {
                unreadable(&text, &format!("the schedule `{name}`")).hint(format!(
                    "`windlass schedule remove {name}` on that machine, and add it again."
                ))
            }
            BookError::Store(error) => error.into(),
            BookError::Machine(_) => bug(&text),
        }
    }
}

impl From<OutboxError> for Problem {
    fn from(error: OutboxError) -> Self {
        let text = error.to_string();
        match error {
            OutboxError::NoSuchNotice(_) => Kind::NO_NOTICE
                .because(text)
                .hints("`windlass notices list` lists them.", "GET /api/v1/notices lists them."),
            OutboxError::Unreadable { .. } => {
                unreadable(&text, "a notice").hint("The log of the daemon says which.")
            }
            OutboxError::Store(error) => error.into(),
        }
    }
}

impl From<ReportError<EngineError>> for Problem {
    fn from(error: ReportError<EngineError>) -> Self {
        match error {
            ReportError::Archive(error) => error.into(),
            ReportError::Damaged(NoJournal(why)) => EngineError::Damaged(why).into(),
        }
    }
}

/// Returns the problem of what is kept and can't be read. What was found there may be quoted in
/// `text`, and may be what is not told: it is logged.
fn unreadable(text: &str, what: &str) -> Problem {
    tracing::error!(text, "the store holds what can't be read");
    Kind::STORE.because(format!("the stored state of {what} can't be read"))
}
