//! A checked script, and its evaluation.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::{AST, Dynamic, EvalAltResult, ParseError, ParseErrorType, Position, Scope};
use serde_json::{Map as JsonMap, Value};

use super::check::{check, steps_called};
use super::host::{BranchFailure, CallFailure, Caller, Halt, Look, engine, enter, halt_of, thrown};
use super::language::OPERATIONS_MAX;
use super::place::Place;
use super::value::{from_json, to_json};
use crate::clock::{Clock, SystemClock};
use crate::id::CallKey;
use crate::step::{Registry, StepError};

/// A script whose names and arguments have been checked.
#[derive(Clone)]
pub struct Script {
    name: String,
    text: Arc<str>,
    ast: AST,
}

/// Why an evaluation did not reach the end of the script.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptFailure {
    /// It was put away.
    Halted(Halt),
    /// It failed: the error, the call that raised it, and where.
    Failed(Box<(StepError, Option<CallKey>, Place)>),
}

impl Script {
    /// Compiles and checks a script. `parameters` are the names that it may use.
    ///
    /// # Errors
    /// The place, and what is wrong there.
    pub fn compile<'a>(
        name: &str,
        text: &str,
        parameters: impl IntoIterator<Item = &'a str>,
        steps: &Registry,
    ) -> Result<Self, (Place, String)> {
        let caller: Arc<dyn Caller> = Arc::new(Nobody);
        let engine = engine(steps, &caller);
        let mut scope = Scope::new();
        for parameter in parameters {
            scope.push_constant(parameter, ());
        }
        let place = |at: Position| place_of(name, text, at);
        let ast = engine.compile_with_scope(&scope, text).map_err(|error| {
            let ParseError(kind, at) = error;
            let problem = match *kind {
                ParseErrorType::ModuleUndefined(noun) => no_such_noun(&noun, steps),
                other => other.to_string(),
            };
            (place(at), problem)
        })?;
        if let Some(finding) = check(&engine, &ast, steps) {
            return Err((place(finding.position), finding.problem));
        }
        Ok(Script { name: name.to_owned(), text: text.into(), ast })
    }

    /// Returns the names of the steps that the script calls.
    pub fn steps(&self) -> BTreeSet<String> {
        steps_called(&self.ast)
    }

    /// Evaluates the script from the top on this thread, which must be one that may block.
    ///
    /// # Errors
    /// If it was put away or failed.
    pub fn evaluate(
        &self,
        parameters: &JsonMap<String, Value>,
        steps: &Registry,
        caller: Arc<dyn Caller>,
    ) -> Result<Value, ScriptFailure> {
        let engine = engine(steps, &caller);
        let mut scope = Scope::new();
        for (name, value) in parameters {
            scope.push_constant_dynamic(name.as_str(), from_json(value));
        }
        enter(CallKey::ROOT);
        let result = engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        match result {
            Ok(value) => Ok(to_json(&value).unwrap_or(Value::Null)),
            Err(error) => Err(self.failure(&error)),
        }
    }

    fn failure(&self, error: &EvalAltResult) -> ScriptFailure {
        if let Some(halt) = halt_of(error) {
            return ScriptFailure::Halted(halt);
        }
        let inner = error.unwrap_inner();
        if let EvalAltResult::ErrorTerminated(token, _) = inner
            && let Some(branch) = token.clone().try_cast::<BranchFailure>()
        {
            return self.failure(&branch.0);
        }
        let place = place_of(&self.name, &self.text, inner.position());
        let (error, key) = match inner {
            EvalAltResult::ErrorRuntime(value, _) => thrown(value),
            EvalAltResult::ErrorTooManyOperations(_) => {
                let message = format!(
                    "the runbook ran for more than {OPERATIONS_MAX} operations: does a loop end?"
                );
                (StepError::permanent("endless_script", message), None)
            }
            other => {
                let message = without_position(other);
                (StepError::permanent("script_error", message), None)
            }
        };
        ScriptFailure::Failed(Box::new((error, key, place)))
    }
}

fn no_such_noun(noun: &str, steps: &Registry) -> String {
    let all: Vec<&str> = steps.names().collect();
    format!("there is no step whose name begins with `{noun}`; there are {}", all.join(", "))
}

/// rhai ends its messages with the position, which is shown separately.
fn without_position(error: &EvalAltResult) -> String {
    let text = error.to_string();
    text.rsplit_once(" (line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

fn place_of(name: &str, text: &str, at: Position) -> Place {
    Place::of(name, text, at.line().unwrap_or(0), at.position().unwrap_or(0))
}

/// Nobody to call: scripts are compiled with it and never evaluated.
struct Nobody;

impl Caller for Nobody {
    fn call(&self, _: &CallKey, _: &str, _: Value) -> Result<Value, CallFailure> {
        Err(CallFailure::Halt(Halt::Parked))
    }

    fn wait(&self, _: &CallKey, _: &str, _: Value, _: Look<'_>) -> Result<Value, CallFailure> {
        Err(CallFailure::Halt(Halt::Parked))
    }

    fn read(&self, _: &CallKey, _: &str, _: Value) -> Result<Value, CallFailure> {
        Err(CallFailure::Halt(Halt::Parked))
    }

    fn parallel(&self, _: &CallKey, _: u32, _: u32) -> Result<(), CallFailure> {
        Err(CallFailure::Halt(Halt::Parked))
    }

    fn branch_failed(&self) {}

    fn halting(&self) -> bool {
        false
    }

    fn print(&self, _: &CallKey, _: u32, _: &str) {}

    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}
