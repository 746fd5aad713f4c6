//! The spans of a run, from its journal.
//!
//! | span | from | to |
//! |---|---|---|
//! | run | its first entry | its last |
//! | call, a child of the run | its first entry | its last |
//! | attempt, a child of the call | intended, or undo intended | its outcome, or the end of the run |
//!
//! Reads have no intent: their attempt has no length of its own, and ends where it begins.

use std::collections::{BTreeMap, HashMap};

use windlass_engine::clock::Millis;
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Body, CallHead, End, Entry, text_hash};

/// A span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its trace: 32 hexadecimal digits, the same for all spans of a run.
    pub trace: String,
    /// Its id: 16 hexadecimal digits.
    pub id: String,
    /// The span that it belongs to.
    pub parent: Option<String>,
    /// What it is: the runbook, the step, or `attempt 2`.
    pub name: String,
    /// When it began.
    pub began: Millis,
    /// When it ended.
    pub ended: Millis,
    /// What is known of it.
    pub attributes: BTreeMap<&'static str, String>,
    /// What happened meanwhile, and when.
    pub events: Vec<(Millis, String)>,
    /// What went wrong, if something did.
    pub error: Option<String>,
}

/// Returns the spans of a run that is over; the first is that of the run.
pub fn spans(run: &RunId, entries: &[Entry]) -> Vec<Span> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Vec::new() };
    let mut tracer = Tracer {
        run: span(run, "", None, "run", first.at),
        name: run.clone(),
        calls: BTreeMap::new(),
        attempts: Vec::new(),
        open: HashMap::new(),
    };
    for entry in entries {
        tracer.take_in(entry);
    }
    tracer.run.ended = last.at;
    for attempt in tracer.open.values() {
        tracer.attempts[*attempt].ended = last.at;
    }
    std::iter::once(tracer.run).chain(tracer.calls.into_values()).chain(tracer.attempts).collect()
}

struct Tracer {
    run: Span,
    name: RunId,
    calls: BTreeMap<CallKey, Span>,
    attempts: Vec<Span>,
    /// Attempts without an outcome so far.
    open: HashMap<CallKey, usize>,
}

impl Tracer {
    fn take_in(&mut self, entry: &Entry) {
        let at = entry.at;
        if let Some(call) = entry.body.key().and_then(|key| self.calls.get_mut(key)) {
            call.ended = at;
        }
        match &entry.body {
            Body::Created(created) => {
                self.run.name.clone_from(&created.runbook);
                self.run.attributes.extend([
                    ("windlass.run", self.name.to_string()),
                    ("windlass.title", created.title.clone()),
                    ("windlass.by", format!("{}@{}", created.by.who(), created.by.host)),
                    ("windlass.place", created.place.clone()),
                ]);
            }
            Body::Intended { key, head, attempt, says, .. } => {
                self.call(key, head, at).attributes.insert("windlass.says", says.clone());
                self.begin(key, &format!("attempt {attempt}"), at);
            }
            Body::Applied { key, head, .. } => {
                self.read(key, head.as_ref(), at);
                self.end(key, at, None);
            }
            Body::Failed { key, head, error, .. } => {
                self.read(key, head.as_ref(), at);
                self.end(key, at, Some(&error.message));
            }
            Body::Waiting { key, head, says, .. } => {
                self.call(key, head, at).attributes.insert("windlass.says", says.clone());
            }
            Body::Answered { key, .. } => self.happened(Some(key), at, "answered"),
            Body::UndoIntended { key } => self.begin(key, "undo", at),
            Body::UndoApplied { key } => self.end(key, at, None),
            Body::UndoFailed { key, error } => self.end(key, at, Some(&error.message)),
            Body::Unwinding { error, .. } => {
                self.happened(None, at, &format!("unwinding: {}", error.message));
            }
            Body::Stuck { error, .. } => {
                self.happened(None, at, &format!("stuck: {}", error.message));
            }
            Body::Decided { by, reason, .. } => {
                self.happened(None, at, &format!("decided by {}: {reason}", by.who()));
            }
            Body::Resumed { .. } => self.happened(None, at, "resumed"),
            Body::Placed { identity, .. } => {
                self.happened(None, at, &format!("acts on the {}", identity.name));
            }
            Body::Parallel { .. } => {}
            Body::Finished { end } => self.finished(*end),
        }
    }

    fn call(&mut self, key: &CallKey, head: &CallHead, at: Millis) -> &mut Span {
        let (run, parent) = (&self.name, &self.run.id);
        self.calls.entry(key.clone()).or_insert_with(|| {
            let mut call = span(run, &key.to_string(), Some(parent.clone()), &head.step, at);
            call.attributes.insert("windlass.call", key.to_string());
            call.attributes.insert("windlass.step", head.step.clone());
            call
        })
    }

    /// An outcome that tells what call it is of had no intent.
    fn read(&mut self, key: &CallKey, head: Option<&CallHead>, at: Millis) {
        if let Some(head) = head {
            self.call(key, head, at);
            self.begin(key, "attempt", at);
        }
    }

    fn begin(&mut self, key: &CallKey, name: &str, at: Millis) {
        // An attempt whose outcome was lost: the next one ends it.
        self.end(key, at, Some("the outcome was lost"));
        let place = format!("{key}/{}", self.attempts.len());
        let parent = self.calls.get(key).map(|call| call.id.clone());
        self.open.insert(key.clone(), self.attempts.len());
        self.attempts.push(span(&self.name, &place, parent, name, at));
    }

    fn end(&mut self, key: &CallKey, at: Millis, error: Option<&str>) {
        let Some(attempt) = self.open.remove(key) else { return };
        self.attempts[attempt].ended = at;
        self.attempts[attempt].error = error.map(str::to_owned);
        if let Some(call) = self.calls.get_mut(key) {
            call.error = error.map(str::to_owned);
        }
    }

    fn happened(&mut self, key: Option<&CallKey>, at: Millis, what: &str) {
        let call = key.and_then(|key| self.calls.get_mut(key));
        call.unwrap_or(&mut self.run).events.push((at, what.to_owned()));
    }

    fn finished(&mut self, end: End) {
        let name = match end {
            End::Done => "done",
            End::Undone => "undone",
            End::Cancelled => "cancelled",
        };
        self.run.attributes.insert("windlass.end", name.to_owned());
        if end != End::Done {
            let why = self.run.events.iter().rev().find(|(_, what)| what.starts_with("unwinding"));
            self.run.error = Some(why.map_or_else(|| name.to_owned(), |(_, what)| what.clone()));
        }
    }
}

fn span(run: &RunId, place: &str, parent: Option<String>, name: &str, at: Millis) -> Span {
    Span {
        trace: id(run, "trace", 32),
        id: id(run, &format!("span {place}"), 16),
        parent,
        name: name.to_owned(),
        began: at,
        ended: at,
        attributes: BTreeMap::new(),
        events: Vec::new(),
        error: None,
    }
}

/// Returns an id that is the same for the same place, whoever makes it.
fn id(run: &RunId, place: &str, digits: usize) -> String {
    text_hash(format!("{run}\n{place}").as_bytes())[..digits].to_owned()
}
