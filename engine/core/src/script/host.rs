//! What a script can call: steps by `noun::verb(#{...})`, `note(text)`, `parallel(items, n, f)`,
//! and the waits.
//!
//! The place of a call is counted here. Each thread of a run has a frame: the key of the branch it
//! evaluates, and how many calls it has made; so keys depend on the script and never on timing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, Map, Module, NativeCallContext,
    Position,
};
use serde_json::{Value, json};

use super::language::{BRANCHES_MAX, language};
use super::value::{from_json, to_json};
use super::waits;
use crate::clock::{Clock, Counted};
use crate::id::CallKey;
use crate::step::{Registry, StepError};

/// What a script talks to: the run.
pub trait Caller: Send + Sync {
    /// Makes a call, or returns its recorded outcome.
    ///
    /// # Errors
    /// [`CallFailure::Error`] is raised in the script, which may catch it; a halt ends it.
    fn call(&self, key: &CallKey, step: &str, args: Value) -> Result<Value, CallFailure>;

    /// Waits, or returns what is recorded of it. `look` evaluates a condition.
    ///
    /// # Errors
    /// As [`Caller::call`].
    fn wait(
        &self,
        key: &CallKey,
        name: &str,
        args: Value,
        look: Look<'_>,
    ) -> Result<Value, CallFailure>;

    /// Calls a read step inside a condition: nothing of it is recorded.
    ///
    /// # Errors
    /// As [`Caller::call`].
    fn read(&self, key: &CallKey, step: &str, args: Value) -> Result<Value, CallFailure>;

    /// Records that branches begin, or checks that the same ones did.
    ///
    /// # Errors
    /// As [`Caller::call`].
    fn parallel(&self, key: &CallKey, branches: u32, bound: u32) -> Result<(), CallFailure>;

    /// Tells the run that a branch has failed: the others end at their next call. There is nobody to
    /// tell where no run is driven.
    fn branch_failed(&self) {}

    /// True once the script should end at the next opportunity: never, where no run is driven.
    fn halting(&self) -> bool {
        false
    }

    /// Shows a line that the script printed: the `nth` of its branch, from one. Where no run is
    /// driven nobody sees it.
    fn print(&self, _branch: &CallKey, _nth: u32, _text: &str) {}

    /// Returns the clock that the run's threads are counted with.
    fn clock(&self) -> &dyn Clock;
}

/// Evaluates a condition once.
pub type Look<'a> = &'a dyn Fn() -> Result<bool, CallFailure>;

/// Why a call did not return.
#[derive(Debug, Clone, PartialEq)]
pub enum CallFailure {
    /// The step failed.
    Error(StepError),
    /// The run stops here.
    Halt(Halt),
}

/// Why a script is parked before its end. It can't be caught by the script.
#[derive(Debug, Clone, PartialEq)]
pub enum Halt {
    /// A person, or the end of the process, asked the run to stop here; it can be resumed.
    Parked,
    /// A person asked to undo everything.
    Cancelled(String),
    /// The run needs a person.
    Stuck(StepError, Option<CallKey>),
    /// The script failed, and did not catch it.
    Failed(StepError, Option<CallKey>),
    /// All that is left to do is to wait: the run goes on by itself when a wait is over.
    Waiting,
    /// Another branch failed.
    Sibling,
    /// The journal can't be written.
    Store(String),
    /// This is not the place where the run began: why not.
    Elsewhere(String),
}

#[derive(Default)]
struct Frame {
    branch: CallKey,
    calls: u32,
    prints: u32,
    /// True while a condition is evaluated: what it calls has no place in the run.
    looking: bool,
}

/// Stack of a thread that evaluates a script, in bytes: deep scripts need more than the default.
pub(crate) const STACK_BYTES: usize = 8 * 1024 * 1024;

thread_local! {
    static FRAME: RefCell<Frame> =
        const { RefCell::new(Frame { branch: CallKey::ROOT, calls: 0, prints: 0, looking: false }) };
}

/// Makes this thread evaluate the branch with the key given, from its beginning.
pub(super) fn enter(branch: CallKey) {
    FRAME.with_borrow_mut(|frame| *frame = Frame { branch, ..Frame::default() });
}

/// Returns the place of the call that this thread makes.
///
/// # Errors
/// Inside a condition, whose calls have no place.
pub(super) fn next_key(at: Position) -> Result<CallKey, Raised> {
    FRAME.with_borrow_mut(|frame| {
        if frame.looking {
            let problem = "a condition of wait_until can only call steps that read";
            return Err(Box::new(EvalAltResult::ErrorRuntime(problem.into(), at)));
        }
        frame.calls += 1;
        Ok(frame.branch.child(frame.calls))
    })
}

/// Evaluates a condition on this thread.
pub(super) fn looking<T>(look: impl FnOnce() -> T) -> T {
    let was = FRAME.with_borrow_mut(|frame| std::mem::replace(&mut frame.looking, true));
    let looked = look();
    FRAME.with_borrow_mut(|frame| frame.looking = was);
    looked
}

/// Returns the key of the wait whose condition this thread evaluates.
fn looked_from() -> Option<CallKey> {
    FRAME.with_borrow(|frame| frame.looking.then(|| frame.branch.child(frame.calls)))
}

/// Returns the language with everything that a script can call. A `parallel` may have so many
/// `branches` under way at once.
pub(super) fn engine(steps: &Registry, caller: &Arc<dyn Caller>, branches: usize) -> Engine {
    let mut engine = language();
    let mut modules: BTreeMap<&str, Module> = BTreeMap::new();
    for name in steps.names() {
        let Some((noun, verb)) = name.split_once('.') else { continue };
        let (caller, name) = (caller.clone(), name.to_owned());
        FuncRegistration::new(verb).with_volatility(true).set_into_module(
            modules.entry(noun).or_default(),
            move |cx: NativeCallContext, args: Map| call(&cx, caller.as_ref(), &name, args),
        );
    }
    for (noun, module) in modules {
        engine.register_static_module(noun, module.into());
    }
    for (word, argument) in steps.words() {
        let (caller, name) = (caller.clone(), word.to_owned());
        engine.register_fn(word, move |cx: NativeCallContext, text: &str| {
            let args = Map::from([(argument.as_str().into(), text.into())]);
            call(&cx, caller.as_ref(), &name, args)
        });
    }
    let forking = caller.clone();
    engine.register_fn("parallel", move |cx: NativeCallContext, items: Array, n: i64, f: FnPtr| {
        let bound = bound_of(&cx, n, branches)?;
        parallel(&cx, forking.as_ref(), items, bound, f)
    });
    waits::register(&mut engine, caller);
    let printing = caller.clone();
    engine.on_print(move |text| print(printing.as_ref(), text));
    let debugging = caller.clone();
    engine.on_debug(move |text, _, _| print(debugging.as_ref(), text));
    let halting = caller.clone();
    engine.on_progress(move |_| halting.halting().then(|| Dynamic::from(Token(Halt::Sibling))));
    engine
}

/// A halt on its way through the interpreter.
#[derive(Clone)]
pub(super) struct Token(pub(super) Halt);

pub(super) type Raised = Box<EvalAltResult>;

fn print(caller: &dyn Caller, text: &str) {
    let (branch, nth) = FRAME.with_borrow_mut(|frame| {
        frame.prints += 1;
        (frame.branch.clone(), frame.prints)
    });
    caller.print(&branch, nth, text);
}

fn call(
    cx: &NativeCallContext,
    caller: &dyn Caller,
    step: &str,
    args: Map,
) -> Result<Dynamic, Raised> {
    let at = cx.call_position();
    let args = to_json(&Dynamic::from_map(args))
        .map_err(|problem| Box::new(EvalAltResult::ErrorRuntime(problem.into(), at)))?;
    let (key, outcome) = match looked_from() {
        Some(key) => (key.clone(), caller.read(&key, step, args)),
        None => {
            let key = next_key(at)?;
            (key.clone(), caller.call(&key, step, args))
        }
    };
    Ok(from_json(&outcome.map_err(|failure| raised(failure, &key, at))?))
}

/// Returns what an evaluation failed of, as a call would have.
pub(super) fn failure_of(error: &EvalAltResult) -> CallFailure {
    match halt_of(error) {
        Some(halt) => CallFailure::Halt(halt),
        None => match error.unwrap_inner() {
            EvalAltResult::ErrorRuntime(value, _) => CallFailure::Error(thrown(value).0),
            other => CallFailure::Error(StepError::permanent("script_error", other.to_string())),
        },
    }
}

/// Returns what a script threw: the error of a call, or its own words.
pub(super) fn thrown(value: &Dynamic) -> (StepError, Option<CallKey>) {
    if let Some(map) = value.clone().try_cast::<Map>() {
        let key = map.get("call").and_then(|k| k.clone().into_string().ok()?.parse().ok());
        let error = to_json(value).ok().and_then(|json| serde_json::from_value(json).ok());
        if let Some(error) = error {
            return (error, key);
        }
    }
    (StepError::permanent("thrown", value.to_string()), None)
}

pub(super) fn raised(failure: CallFailure, key: &CallKey, at: Position) -> Raised {
    Box::new(match failure {
        CallFailure::Halt(halt) => EvalAltResult::ErrorTerminated(Dynamic::from(Token(halt)), at),
        CallFailure::Error(error) => {
            let error = json!({
                "class": error.class,
                "code": error.code,
                "message": error.message,
                "hint": error.hint,
                "call": key.to_string(),
            });
            EvalAltResult::ErrorRuntime(from_json(&error), at)
        }
    })
}

/// Returns how many branches may be under way at once.
fn bound_of(cx: &NativeCallContext, n: i64, most: usize) -> Result<usize, Raised> {
    let bound = usize::try_from(n).ok().filter(|n| (1..=most).contains(n));
    bound.ok_or_else(|| {
        let problem = not_at_once(n);
        Box::new(EvalAltResult::ErrorRuntime(problem.into(), cx.call_position()))
    })
}

/// Says that so many branches at once are not possible.
pub(super) fn not_at_once(n: i64) -> String {
    format!("`parallel` can't have {n} at once; give it from 1 to {BRANCHES_MAX}")
}

/// Evaluates the function for each item, at most `bound` at once, and returns the results in order.
fn parallel(
    cx: &NativeCallContext,
    caller: &dyn Caller,
    items: Array,
    bound: usize,
    mut function: FnPtr,
) -> Result<Dynamic, Raised> {
    let at = cx.call_position();
    let key = next_key(at)?;
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    caller
        .parallel(&key, count, u32::try_from(bound).unwrap_or(u32::MAX))
        .map_err(|failure| raised(failure, &key, at))?;

    // Captured variables are shared; each branch gets its own copy, or branches could race.
    for captured in function.iter_curry_mut() {
        *captured = captured.flatten_clone();
    }
    let results: Vec<Mutex<Option<Result<Dynamic, Raised>>>> =
        items.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let branch = &|| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(result)) = (items.get(index), results.get(index)) else {
                return;
            };
            enter(key.child(u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)));
            let outcome = function.call_within_context::<Dynamic>(cx, (item.flatten_clone(),));
            let waits = outcome.as_ref().is_err_and(|e| halt_of(e) == Some(Halt::Waiting));
            if outcome.is_err() && !waits {
                caller.branch_failed();
            }
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            if waits {
                // Its place stays taken: no other branch begins while it waits.
                return;
            }
        }
    };
    let mut waiting = None;
    std::thread::scope(|scope| {
        for _ in 0..bound.min(items.len()) {
            // Without a thread more, those that there are do the work; this one, if there is none.
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            let counted = Counted::working(caller.clock());
            let work = move || {
                let _counted = counted;
                branch();
            };
            if builder.spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        waiting = Some(Counted::waiting(caller.clock()));
    });
    drop(waiting);
    let frame = FRAME.take();
    if !caller.halting() {
        branch();
    }
    FRAME.set(frame);
    collect(results)
}

/// Returns the results in order, or the failure of the first branch that failed by itself. It can't
/// be caught: which calls the other branches had made by then depends on timing. That some of them
/// wait, or were ended, counts only if none has failed.
fn collect(results: Vec<Mutex<Option<Result<Dynamic, Raised>>>>) -> Result<Dynamic, Raised> {
    let mut returned = Array::new();
    let mut halted = None;
    for result in results {
        match result.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(value)) => returned.push(value),
            Some(Err(error)) => match halt_of(&error) {
                Some(Halt::Waiting) => halted = Some(error),
                Some(Halt::Sibling) => halted = halted.or(Some(error)),
                Some(_) => return Err(error),
                None => {
                    let at = error.position();
                    let token = Dynamic::from(BranchFailure(Arc::new(*error)));
                    return Err(Box::new(EvalAltResult::ErrorTerminated(token, at)));
                }
            },
            None => {}
        }
    }
    halted.map_or(Ok(returned.into()), Err)
}

/// The failure of a branch on its way through the interpreter.
#[derive(Clone)]
pub(super) struct BranchFailure(pub(super) Arc<EvalAltResult>);

/// Returns the halt that an error carries.
pub(super) fn halt_of(error: &EvalAltResult) -> Option<Halt> {
    match error.unwrap_inner() {
        EvalAltResult::ErrorTerminated(token, _) => {
            token.clone().try_cast::<Token>().map(|token| token.0)
        }
        _ => None,
    }
}
