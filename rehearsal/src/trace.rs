//! What a clean pass did: the places where something can go wrong.

use std::collections::BTreeMap;

use serde_json::Value;
use windlass_engine::event::RunView;
use windlass_engine::id::CallKey;
use windlass_engine::journal::{Body, Entry};
use windlass_engine::step::Kind;
use windlass_lab::simulated::Request;

/// A pass, call by call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    /// Its calls, in order of place.
    pub(crate) calls: Vec<Traced>,
    /// The call after which it could only go forward.
    pub(crate) pivot: Option<CallKey>,
    /// The call that each entry of the journal is about.
    pub(crate) entries: Vec<Option<CallKey>>,
}

/// A call of a pass.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    /// Its place.
    pub(crate) key: CallKey,
    /// Its step.
    pub(crate) step: String,
    /// Its kind.
    pub(crate) kind: Kind,
    /// What it does.
    pub(crate) says: String,
    /// Its arguments.
    pub(crate) args: Value,
    /// How many requests it made.
    pub(crate) asks: u32,
    /// How many of them change something.
    pub(crate) changes: u32,
    /// True if the run went back through it.
    pub(crate) undone: bool,
}

impl Trace {
    /// Puts together what is recorded of a pass.
    pub(crate) fn of(view: &RunView, entries: &[Entry], requests: &[Request]) -> Self {
        let mut args: BTreeMap<&CallKey, &Value> = BTreeMap::new();
        let mut undone = Vec::new();
        for entry in entries {
            match &entry.body {
                Body::Intended { key, head, .. } | Body::Applied { key, head: Some(head), .. } => {
                    args.insert(key, &head.args);
                }
                Body::UndoApplied { key } => undone.push(key),
                _ => {}
            }
        }
        let calls = view.calls.iter().map(|call| {
            let name = call.key.to_string();
            let of_it = requests.iter().filter(|r| asks(r, &name));
            let (asks, changes) = of_it
                .fold((0, 0), |(all, changing), r| (all + 1, changing + u32::from(r.changing)));
            Traced {
                key: call.key.clone(),
                step: call.step.clone(),
                kind: call.kind,
                says: if call.says.is_empty() { call.step.clone() } else { call.says.clone() },
                args: args.get(&call.key).map(|args| (*args).clone()).unwrap_or_default(),
                asks,
                changes,
                undone: undone.contains(&&call.key),
            }
        });
        Trace {
            calls: calls.collect(),
            pivot: view.pivot.clone(),
            entries: entries.iter().map(|e| e.body.key().cloned()).collect(),
        }
    }

    /// Returns the call at a place.
    pub(crate) fn call(&self, key: &CallKey) -> Option<&Traced> {
        self.calls.iter().find(|call| call.key == *key)
    }

    /// Returns the name of what the run destroys first.
    pub(crate) fn destroyed(&self) -> Option<&str> {
        let first = self.calls.iter().find(|call| call.kind == Kind::Destroy);
        first.and_then(|call| call.args["name"].as_str())
    }

    /// True if the run waits for the service of a call after it, and can still go back then.
    pub(crate) fn waits_after(&self, call: &Traced) -> bool {
        let waits = |later: &Traced| {
            let same = later.service() == call.service() && later.key > call.key;
            same && later.kind == Kind::Wait && self.before_pivot(&later.key)
        };
        self.calls.iter().any(waits)
    }

    /// True if the run had changed something when it made this call, or does so with it.
    pub(crate) fn changes_before(&self, key: &CallKey) -> bool {
        self.calls.iter().any(|call| call.key <= *key && call.changes > 0)
    }

    /// True if the run could still go back when it made this call.
    pub(crate) fn before_pivot(&self, key: &CallKey) -> bool {
        self.pivot.as_ref().is_none_or(|pivot| key <= pivot)
    }
}

impl Traced {
    /// Returns the name of the service that the call is about.
    pub(crate) fn service(&self) -> Option<&str> {
        self.args["service"]["name"].as_str()
    }
}

/// True if a request belongs to a call.
fn asks(request: &Request, call: &str) -> bool {
    let named = request.call.as_deref();
    named.and_then(|named| named.rsplit('/').next()).is_some_and(|key| key == call)
}
