//! What a script needs of a call that a person leaves out, or says is done.
//!
//! The script is evaluated with what is recorded, up to that call; nothing is asked of the world.

use std::sync::Arc;

use serde_json::Value;

use super::plan::Done;
use super::remaining::done;
use crate::clock::{Clock, SystemClock};
use crate::event::Needed;
use crate::id::CallKey;
use crate::journal::RunState;
use crate::journal::RunStatus;
use crate::runbook::Runbook;
use crate::script::{CallFailure, Caller, Halt, Look, STACK_BYTES};
use crate::step::{AnyStep, Registry, StepError};

/// Returns the call of a run whose outcome a person may have to tell.
pub(crate) fn in_question(state: &RunState) -> Option<CallKey> {
    let forward = state.status == Some(RunStatus::Stuck) && !state.goes_back();
    state.stuck.as_ref().filter(|_| forward)?.key.clone()
}

/// Returns what the script of a run needs of a call.
pub(crate) fn needed(
    state: &RunState,
    key: &CallKey,
    runbook: &Runbook,
    steps: &Registry,
) -> Needed {
    let params = state.created.as_ref().map(|created| created.params.clone()).unwrap_or_default();
    let caller: Arc<dyn Caller> = Arc::new(Retrace { done: done(&state.calls), key: key.clone() });
    // It may be as deep as the one that ran.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let used = std::thread::scope(|scope| {
        let look = || runbook.script().uses_outcome(&params, steps, &caller);
        thread.spawn_scoped(scope, look).is_ok_and(|looking| looking.join().unwrap_or(true))
    });
    let step = state.calls.get(key).and_then(|call| steps.get(&call.step));
    match step.filter(|_| used) {
        Some(step) => Needed::Output(example_output(step.as_ref())),
        None => Needed::Nothing,
    }
}

/// Returns an example of what a step returns.
pub(crate) fn example_output(step: &dyn AnyStep) -> Value {
    let schema = step.schemas().1;
    example(schema.as_value(), schema.as_value())
}

fn example(schema: &Value, root: &Value) -> Value {
    let refers = schema["$ref"].as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
    if let Some(definition) = refers {
        return example(definition, root);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let required = required.filter_map(Value::as_str);
            let field = |name: &str| example(&schema["properties"][name], root);
            Value::Object(required.map(|name| (name.to_owned(), field(name))).collect())
        }
        Some("array") => Value::Array(Vec::new()),
        Some("integer" | "number") => 0.into(),
        Some("boolean") => false.into(),
        Some("string") => match schema["enum"].as_array().and_then(|names| names.first()) {
            Some(first) => first.clone(),
            None => "...".into(),
        },
        _ => Value::Null,
    }
}

/// Returns what is recorded, and stops at one call.
struct Retrace {
    done: Done,
    key: CallKey,
}

impl Retrace {
    fn outcome(&self, key: &CallKey) -> Result<Value, CallFailure> {
        if *key == self.key {
            let here = StepError::needs_operator("here", "the call in question");
            return Err(CallFailure::Halt(Halt::Stuck(here, Some(key.clone()))));
        }
        match self.done.get(key) {
            Some(outcome) => outcome.clone().map_err(CallFailure::Error),
            // Another branch got no further.
            None => Err(CallFailure::Halt(Halt::Waiting)),
        }
    }
}

impl Caller for Retrace {
    fn call(&self, key: &CallKey, _: &str, _: Value) -> Result<Value, CallFailure> {
        self.outcome(key)
    }

    fn wait(&self, key: &CallKey, _: &str, _: Value, _: Look<'_>) -> Result<Value, CallFailure> {
        self.outcome(key)
    }

    fn read(&self, _: &CallKey, _: &str, _: Value) -> Result<Value, CallFailure> {
        Err(CallFailure::Halt(Halt::Waiting))
    }

    fn parallel(&self, _: &CallKey, _: u32, _: u32) -> Result<(), CallFailure> {
        Ok(())
    }

    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}
