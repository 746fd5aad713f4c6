//! The waits that a script can call: `sleep`, `window`, `wait_until`, `approve`, `ask`.

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};
use serde_json::{Value, json};

use super::host::{CallFailure, Caller, Raised, failure_of, looking, next_key, raised};
use super::value::{from_json, to_json};

/// Registers the waits.
pub(super) fn register(engine: &mut Engine, caller: &Arc<dyn Caller>) {
    let sleeping = caller.clone();
    engine.register_fn("sleep", move |cx: NativeCallContext, length: &str| {
        wait(&cx, sleeping.as_ref(), "sleep", json!({ "length": length }), &never)
    });
    let opening = caller.clone();
    engine.register_fn("window", move |cx: NativeCallContext, window: &str| {
        wait(&cx, opening.as_ref(), "window", json!({ "window": window }), &never)
    });
    for name in ["approve", "ask"] {
        let asking = caller.clone();
        engine.register_fn(name, move |cx: NativeCallContext, args: Map| {
            let args = arguments(&cx, args)?;
            wait(&cx, asking.as_ref(), name, args, &never)
        });
    }
    let watching = caller.clone();
    engine.register_fn("wait_until", move |cx: NativeCallContext, args: Map, mut f: FnPtr| {
        let args = arguments(&cx, args)?;
        // Looks come and go with restarts: what one of them changes must not be seen outside it.
        for captured in f.iter_curry_mut() {
            *captured = captured.flatten_clone();
        }
        wait(&cx, watching.as_ref(), "wait_until", args, &|| look(&cx, &f))
    });
}

fn arguments(cx: &NativeCallContext, args: Map) -> Result<Value, Raised> {
    let at = cx.call_position();
    to_json(&Dynamic::from_map(args))
        .map_err(|problem| Box::new(EvalAltResult::ErrorRuntime(problem.into(), at)))
}

/// Only `wait_until` looks.
fn never() -> Result<bool, CallFailure> {
    Ok(false)
}

fn wait(
    cx: &NativeCallContext,
    caller: &dyn Caller,
    name: &str,
    args: Value,
    look: &dyn Fn() -> Result<bool, CallFailure>,
) -> Result<Dynamic, Raised> {
    let at = cx.call_position();
    let key = next_key(at)?;
    let outcome = caller.wait(&key, name, args, look);
    Ok(from_json(&outcome.map_err(|failure| raised(failure, &key, at))?))
}

fn look(cx: &NativeCallContext, condition: &FnPtr) -> Result<bool, CallFailure> {
    // A captured value is copied once more: a look must not see what the one before it did.
    let mut condition = condition.clone();
    for captured in condition.iter_curry_mut() {
        *captured = captured.flatten_clone();
    }
    let looked = looking(|| condition.call_within_context::<Dynamic>(cx, ()));
    let holds = looked.map_err(|error| failure_of(&error))?;
    holds.as_bool().map_err(|found| {
        let message = format!("the condition of wait_until must be true or false, and is {found}");
        CallFailure::Error(crate::step::StepError::permanent("not_a_condition", message))
    })
}
