//! What went wrong in a step, and what may be done about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the engine may do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The world moved between reading and writing: prepare again, apply again.
    Conflict,
    /// It may work later: retry after a while. Nothing was changed by this attempt.
    Transient,
    /// It may or may not have been done (time-out, connection lost after sending): probe.
    Ambiguous,
    /// It will not work: the script decides, or the run unwinds.
    Permanent,
    /// Only a person can say: the run is stuck until somebody does.
    NeedsOperator,
}

/// An error of a step.
///
/// `message` reads after "failed to ..."; `hint` is a whole sentence that names the next command.
/// Neither may hold a secret value; the engine passes both through the run's redactor all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StepError {
    /// What may be done about it.
    pub class: ErrorClass,
    /// A stable word for scripts to compare, such as `in_use` or `not_found`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl StepError {
    /// Returns an error of the class given.
    pub fn new(class: ErrorClass, code: &str, message: impl Into<String>) -> Self {
        StepError { class, code: code.to_owned(), message: message.into(), hint: None }
    }

    /// Returns an error after which the step is prepared and applied again.
    pub fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Conflict, code, message)
    }

    /// Returns an error after which the step is tried again later.
    pub fn transient(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, code, message)
    }

    /// Returns an error after which the step is probed.
    pub fn ambiguous(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Ambiguous, code, message)
    }

    /// Returns an error that ends the call.
    pub fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Permanent, code, message)
    }

    /// Returns an error that only a person can settle.
    pub fn needs_operator(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorClass::NeedsOperator, code, message)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StepError {}
