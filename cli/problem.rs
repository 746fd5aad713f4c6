//! What is told to a person when a command does not do what it was asked.

use serde::Serialize;
use windlass_duty::notice::OutboxError;
use windlass_duty::schedule::BookError;
use windlass_engine::engine::EngineError;
use windlass_engine::journal::StoreError;

use crate::exit::Exit;

/// A problem: what happened, what to do next, where to read on, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// What a problem is, and what to do about it, is said at the desk: `desk/src/problem/`.
impl From<windlass_desk::Problem> for Problem {
    fn from(problem: windlass_desk::Problem) -> Self {
        let windlass_desk::Problem { kind, detail, hint } = problem;
        let told = Problem::new(kind.code(), kind.exit(), detail);
        Problem { hint: hint.map(|hint| hint.command), ..told }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        windlass_desk::Problem::from(error).into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        windlass_desk::Problem::from(error).into()
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        windlass_desk::Problem::from(error).into()
    }
}

impl From<OutboxError> for Problem {
    fn from(error: OutboxError) -> Self {
        windlass_desk::Problem::from(error).into()
    }
}
