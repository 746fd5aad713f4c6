//! What is safe to ask of a run as it stands, and exactly what that would do.
//!
//! This is the one place that says so: the command line prints it as commands, the HTTP API as the
//! last part of an address. What is offered here is not refused: whether a decision fits is asked of
//! [`next`], the rule that a journal itself goes by.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::CallKey;
use crate::state::RunState;
use crate::step::Kind;
use crate::{Body, CallStatus, Decision, Origin, RunStatus, next};

/// What can be asked of a run: the word of the command, and the last part of the address to post to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SafeAct")]
pub enum Act {
    /// Say yes to what it asks.
    Approve,
    /// Say no to what it asks.
    Deny,
    /// Tell it what it asks.
    Answer,
    /// Go on with it.
    Resume,
    /// Try the call over which it is stuck again.
    Retry,
    /// Leave that call out.
    Skip,
    /// Take that call as done.
    MarkDone,
    /// Undo what it did.
    Undo,
    /// Stop it, and undo what it did.
    Cancel,
}

impl Act {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Act::Approve => "approve",
            Act::Deny => "deny",
            Act::Answer => "answer",
            Act::Resume => "resume",
            Act::Retry => "retry",
            Act::Skip => "skip",
            Act::MarkDone => "mark-done",
            Act::Undo => "undo",
            Act::Cancel => "cancel",
        }
    }
}

/// Something that is safe to ask of a run now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Safe {
    /// What.
    pub act: Act,
    /// The call that it is about.
    pub call: Option<CallKey>,
    /// What it would do.
    pub does: String,
    /// What `mark-done` must be told that the call returned, as an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// What the script of a run needs of the call over which the run is stuck.
#[derive(Debug, Clone, PartialEq)]
pub enum Needed {
    /// Nothing: what the call returns is not used.
    Nothing,
    /// What it returns; this is an example of that.
    Output(Value),
}

/// Returns what is safe to ask of a run, likeliest first; `driven` if a process drives it.
pub fn safe(state: &RunState, driven: bool, needed: &Needed) -> Vec<Safe> {
    let mut safe = Vec::new();
    let mut add = |act: Act, call: Option<&CallKey>, does: &str, output: Option<&Value>| {
        let (call, output) = (call.cloned(), output.cloned());
        safe.push(Safe { act, call, does: does.to_owned(), output });
    };
    let Some(status) = state.status.filter(|status| !status.is_finished()) else { return safe };
    let (back, waits) = (state.goes_back(), state.is_waiting());
    if status == RunStatus::Running {
        for (key, call) in state.waits() {
            match call.step.as_str() {
                "approve" if call.status == CallStatus::Waiting => {
                    add(Act::Approve, Some(key), "approve it", None);
                    add(Act::Deny, Some(key), "deny it", None);
                }
                "ask" if call.status == CallStatus::Waiting => {
                    add(Act::Answer, Some(key), "answer it", None);
                }
                _ => {}
            }
        }
    }
    let decisions = if driven { Vec::new() } else { decisions(state, needed) };
    for (act, key, does, output) in &decisions {
        add(*act, Some(key), does, *output);
    }
    if !driven && decisions.is_empty() {
        let does = match (status.is_stuck(), back, waits) {
            (true, true, _) => "try again to undo everything",
            (true, false, _) => "try again from here",
            (false, true, _) => "continue undoing everything",
            (false, false, true) => "continue waiting in this process",
            (false, false, false) => "continue it",
        };
        add(Act::Resume, None, does, None);
    }
    if !back && state.pivot.is_none() {
        match driven {
            true => add(Act::Cancel, None, "stop it, and undo everything", None),
            false => add(Act::Undo, None, "undo everything", None),
        }
    }
    safe
}

type Offer<'a> = (Act, CallKey, &'static str, Option<&'a Value>);

/// Returns the decisions about the call over which a run is stuck that its journal would take.
fn decisions<'a>(state: &RunState, needed: &'a Needed) -> Vec<Offer<'a>> {
    let mut offers = Vec::new();
    let stuck_at = state.stuck.as_ref().and_then(|trouble| trouble.key.clone());
    let Some((key, status)) = stuck_at.zip(state.status) else { return offers };
    let call = state.status_of(&key);
    let fits = |decision: Decision| {
        let body = Body::Decided { decision, reason: String::new(), by: Origin::default() };
        next(Some(status), call, &body).is_ok()
    };
    let undoing = status == RunStatus::StuckUnwinding;
    let (retry, skip, done) = match (undoing, state.goes_back(), call) {
        (true, ..) => (
            "try again to undo it, then undo the rest",
            "leave it as it is, and undo the rest",
            "you undid it by hand: undo the rest",
        ),
        (false, true, _) => (
            "check again whether it was done, then undo everything",
            "leave it as it is, and undo the rest",
            "you did it by hand, and it stays: undo the rest",
        ),
        (false, false, Some(CallStatus::InDoubt)) => {
            ("check again whether it was done, and continue", "skip it, and continue", BY_HAND)
        }
        (false, false, _) => ("try it again, and continue", "skip it, and continue", BY_HAND),
    };
    if fits(Decision::Retry { key: key.clone() }) {
        offers.push((Act::Retry, key.clone(), retry, None));
    }
    let output = match needed {
        Needed::Output(example) if !undoing && !state.goes_back() => Some(example),
        _ => None,
    };
    if output.is_none() && fits(Decision::Skip { key: key.clone() }) {
        offers.push((Act::Skip, key.clone(), skip, None));
    }
    if fits(Decision::MarkDone { key: key.clone(), output: Value::Null }) {
        let pivot = state.calls.get(&key).is_some_and(|call| call.kind == Kind::Destroy);
        let done = if pivot && !undoing { PIVOT_BY_HAND } else { done };
        offers.push((Act::MarkDone, key, done, output));
    }
    offers
}

const BY_HAND: &str = "you did it by hand: continue";
const PIVOT_BY_HAND: &str = "you did it by hand: continue, with no way back from there";
