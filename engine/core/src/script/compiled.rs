//! A checked script, and its evaluation.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::{
    AST, Dynamic, Engine, EvalAltResult, Module, ParseError, ParseErrorType, Position, Scope,
};
use serde_json::{Map as JsonMap, Value};

use super::check::{Finding, check, steps_called};
use super::dropped::dropped;
use super::fields;
use super::host::{BranchFailure, CallFailure, Caller, Halt, Look, engine, enter, halt_of, thrown};
use super::language::{BRANCHES_MAX, OPERATIONS_MAX};
use super::names::meant;
use super::peeking::peeking;
use super::place::Place;
use super::source::Source;
use super::value::{from_json, to_json};
use crate::clock::{Clock, SystemClock};
use crate::id::CallKey;
use crate::journal::Language;
use crate::step::{Registry, StepError};

/// A script whose names and arguments have been checked.
#[derive(Clone)]
pub struct Script {
    source: Source,
    ast: AST,
    language: Language,
}

/// A mistake in a script: where, and what.
pub(crate) type Mistake = (Place, String);

/// Why an evaluation did not reach the end of the script.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptFailure {
    /// It was parked.
    Halted(Halt),
    /// It failed: the error, the call that raised it, and where.
    Failed(Box<(StepError, Option<CallKey>, Place)>),
}

impl Script {
    /// Compiles and checks a script. `parameters` are the names that it may use, `secrets` those among
    /// them whose values it can't know.
    ///
    /// # Errors
    /// Every mistake that can be told, in the order of the text.
    pub(crate) fn compile<'a>(
        source: Source,
        parameters: impl IntoIterator<Item = &'a str>,
        secrets: &[&str],
        steps: &Registry,
    ) -> Result<Self, Vec<Mistake>> {
        let caller: Arc<dyn Caller> = Arc::new(Nobody);
        let mut engine = engine(steps, &caller, BRANCHES_MAX);
        let (ast, mut findings) = parse(&mut engine, &source.program(), parameters, steps);
        if let Some(ast) = &ast {
            findings.extend(check(&engine, ast, steps));
            findings.extend(more_than_functions(&source, ast));
            findings.extend(peeking(ast, secrets));
        }
        findings.sort_by_key(|finding| finding.position);
        match ast {
            Some(ast) if findings.is_empty() => Ok(Script { source, ast, language: Language::NOW }),
            _ => {
                let mistake = |f: Finding| (place_of(&source, f.position), f.problem);
                Err(findings.into_iter().map(mistake).collect())
            }
        }
    }

    /// Compiles the script of a run that began earlier, with the meaning that it had then. It was
    /// checked when the run began; checks may have become stricter since.
    ///
    /// # Errors
    /// If it is no script.
    pub(crate) fn recorded<'a>(
        source: Source,
        parameters: impl IntoIterator<Item = &'a str>,
        steps: &Registry,
        language: Language,
    ) -> Result<Self, Mistake> {
        let caller: Arc<dyn Caller> = Arc::new(Nobody);
        let ast = engine(steps, &caller, BRANCHES_MAX)
            .compile_with_scope(&scope(parameters), source.program());
        let ast = ast
            .map_err(|ParseError(kind, at)| (place_of(&source, at), said_of_parse(&kind, steps)))?;
        Ok(Script { source, ast, language })
    }

    /// Returns what the script means.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Returns the names of the steps that the script calls.
    pub fn steps(&self) -> BTreeSet<String> {
        steps_called(&self.ast)
    }

    /// Evaluates the script from the top on this thread, which must be one that may block.
    ///
    /// # Errors
    /// If it was parked or failed.
    pub fn evaluate(
        &self,
        parameters: &JsonMap<String, Value>,
        steps: &Registry,
        caller: Arc<dyn Caller>,
    ) -> Result<Value, ScriptFailure> {
        match self.eval(parameters, steps, &caller) {
            Ok(value) => Ok(to_json(&value).unwrap_or(Value::Null)),
            Err(error) => Err(self.failure(&error, steps)),
        }
    }

    /// Evaluates the script until `caller` ends it with a [`Halt::Stuck`], and returns true if the
    /// script uses what that call returns; also if that can't be told.
    pub fn uses_outcome(
        &self,
        parameters: &JsonMap<String, Value>,
        steps: &Registry,
        caller: &Arc<dyn Caller>,
    ) -> bool {
        match self.eval(parameters, steps, caller) {
            Err(error) if matches!(halt_of(&error), Some(Halt::Stuck(..))) => {
                !dropped(&self.ast).contains(&error.unwrap_inner().position())
            }
            _ => true,
        }
    }

    fn eval(
        &self,
        parameters: &JsonMap<String, Value>,
        steps: &Registry,
        caller: &Arc<dyn Caller>,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        let branches = if self.language >= Language::NOW { BRANCHES_MAX } else { usize::MAX };
        let mut engine = engine(steps, caller, branches);
        engine.set_fail_on_invalid_map_property(self.language >= Language::FIELDS);
        let mut scope = Scope::new();
        for (name, value) in parameters {
            scope.push_constant_dynamic(name.as_str(), from_json(value));
        }
        enter(CallKey::ROOT);
        engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast)
    }

    fn failure(&self, error: &EvalAltResult, steps: &Registry) -> ScriptFailure {
        if let Some(halt) = halt_of(error) {
            return ScriptFailure::Halted(halt);
        }
        let inner = error.unwrap_inner();
        if let EvalAltResult::ErrorTerminated(token, _) = inner
            && let Some(branch) = token.clone().try_cast::<BranchFailure>()
        {
            return self.failure(&branch.0, steps);
        }
        let place = place_of(&self.source, inner.position());
        let (error, key) = match inner {
            EvalAltResult::ErrorRuntime(value, _) => thrown(value),
            EvalAltResult::ErrorTooManyOperations(_) => {
                let message = format!(
                    "the runbook ran for more than {OPERATIONS_MAX} operations: does a loop end?"
                );
                (StepError::permanent("endless_script", message), None)
            }
            EvalAltResult::ErrorPropertyNotFound(name, _) => {
                let message = self.no_field(name, steps);
                (StepError::permanent("script_error", message), None)
            }
            other => {
                let message = without_position(other);
                (StepError::permanent("script_error", message), None)
            }
        };
        ScriptFailure::Failed(Box::new((error, key, place)))
    }

    fn no_field(&self, name: &str, steps: &Registry) -> String {
        let all = fields::all(&self.ast, steps);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let hint = match meant(name, &all) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if ["code", "class", "hint", "call"].contains(&name) => {
                "only errors of steps and waits have it: this one is a mistake in the script itself"
                    .to_owned()
            }
            None => format!("`.get(\"{name}\")` is () where it may be missing"),
        };
        format!("there is no field `{name}` here; {hint}")
    }
}

/// Parses a text. A name that is not known is noted, and taken as known from there on, so that all
/// of them are found.
fn parse<'a>(
    engine: &mut Engine,
    text: &str,
    parameters: impl IntoIterator<Item = &'a str>,
    steps: &Registry,
) -> (Option<AST>, Vec<Finding>) {
    let (mut scope, mut findings) = (scope(parameters), Vec::new());
    loop {
        let ParseError(kind, position) = match engine.compile_with_scope(&scope, text) {
            Ok(ast) => return (Some(ast), findings),
            Err(error) => error,
        };
        findings.push(Finding { position, problem: said_of_parse(&kind, steps) });
        match *kind {
            _ if findings.len() >= MISTAKES_MAX => return (None, findings),
            ParseErrorType::VariableUndefined(name) => {
                scope.push_constant(name, ());
            }
            ParseErrorType::ModuleUndefined(noun) => {
                engine.register_static_module(noun, Module::new().into());
            }
            _ => return (None, findings),
        }
    }
}

/// More mistakes than this are one: it is not a runbook.
const MISTAKES_MAX: usize = 50;

fn scope<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Scope<'a> {
    let mut scope = Scope::new();
    for parameter in parameters {
        scope.push_constant(parameter, ());
    }
    scope
}

fn said_of_parse(kind: &ParseErrorType, steps: &Registry) -> String {
    match kind {
        ParseErrorType::ModuleUndefined(noun) => no_such_noun(noun, steps),
        ParseErrorType::FnDuplicatedDefinition(name, arguments) => format!(
            "there is a function `{name}` with as many parameters ({arguments}) already, here or in \
             a module"
        ),
        other => other.to_string(),
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

fn place_of(source: &Source, at: Position) -> Place {
    source.place(at.line().unwrap_or(0), at.position().unwrap_or(0))
}

/// Returns the statements of modules: they would be carried out after the runbook's own, wherever
/// the module is named.
fn more_than_functions(source: &Source, ast: &AST) -> Vec<Finding> {
    let positions = ast.statements().iter().map(rhai::Stmt::position);
    let of_modules = positions.filter(|at| at.line().is_some_and(|line| source.is_module(line)));
    let problem = "a module has functions and nothing else".to_owned();
    of_modules.map(|position| Finding { position, problem: problem.clone() }).collect()
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

    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}
