//! From journals to notices.
//!
//! Events tell when to look; what is told is read from the journal, from where it was read last.
//! So an event that is lost, with the process or because we were slow, costs nothing: at the start
//! and after every loss, all runs that moved on are looked at.

use serde::{Deserialize, Serialize};
use windlass_engine::clock::{Millis, utc};
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::{RunView, What};
use windlass_engine::id::RunId;
use windlass_engine::journal::{Body, End, Entry, StoreError};

use super::message::{Kind, Notice};
use super::outbox::{Outbox, OutboxError};

const SINCE: &str = "notice/since";
const CURSORS: &str = "notice/cursor/";

/// Why a journal could not be told of. It is tried again at its next event, or the next start.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The journal can't be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The outbox can't be used.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// How far the journal of a run has been told of.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Cursor {
    /// The first entry that has not.
    next: u64,
    /// True if no entry will follow.
    over: bool,
}

/// Reads journals and posts notices. Its methods block.
#[derive(Clone)]
pub struct Watch {
    engine: Engine,
    outbox: Outbox,
    since: Millis,
}

impl Watch {
    /// Opens the watch, if there is a receiver. What happened before the first opening is not told.
    ///
    /// # Errors
    /// If the store can't be read or written.
    pub fn open(engine: Engine, outbox: Outbox) -> Result<Option<Self>, WatchError> {
        let store = engine.store();
        if outbox.is_for_nobody() {
            // Who is named later is not told of what was before.
            store.sync(store.remove_value(SINCE)?)?;
            return Ok(None);
        }
        let kept = store.value(SINCE)?.and_then(|value| serde_json::from_slice(&value).ok());
        let since = match kept {
            Some(since) => since,
            None => {
                let now = engine.clock().now();
                store.sync(store.put_value(SINCE, now.to_string().as_bytes())?)?;
                now
            }
        };
        Ok(Some(Watch { engine, outbox, since }))
    }

    /// Tells of everything that has not been told of.
    ///
    /// # Errors
    /// If the runs can't be listed. A journal that can't be read is left out, and logged.
    pub fn catch_up(&self) -> Result<(), WatchError> {
        let mut known = std::collections::BTreeSet::new();
        for summary in self.engine.runs(false)? {
            let over = summary.status.is_finished();
            let told = self.cursor(&summary.run)?;
            known.insert(summary.run.clone());
            if over && (told.over || summary.heard < self.since) {
                continue;
            }
            if let Err(error) = self.follow(&summary.run) {
                tracing::error!(run = %summary.run, %error, "cannot notify about this run");
            }
        }
        for (name, _) in self.engine.store().values(CURSORS, "", usize::MAX)? {
            let run = name.strip_prefix(CURSORS).unwrap_or_default();
            if !known.contains(&RunId::from(run)) {
                self.engine.store().remove_value(&name)?;
            }
        }
        Ok(())
    }

    /// Tells of what happened in a run since it was last told of.
    ///
    /// # Errors
    /// If its journal can't be read, or the outbox not be written.
    pub fn follow(&self, run: &RunId) -> Result<(), WatchError> {
        let mut cursor = self.cursor(run)?;
        let entries = self.engine.entries(run)?;
        let new: Vec<&Entry> = entries.iter().filter(|entry| entry.seq >= cursor.next).collect();
        let Some(last) = new.last() else { return Ok(()) };
        cursor.next = last.seq + 1;
        cursor.over = matches!(last.body, Body::Finished { .. });
        let since = new.iter().filter(|entry| entry.at >= self.since);
        let told: Vec<(&Entry, Kind)> =
            since.filter_map(|entry| Some((*entry, kind(entry)?))).collect();
        if !told.is_empty() {
            let view = self.engine.view(run)?;
            for (entry, kind) in told {
                self.outbox.post(&notice(&view, entry, kind))?;
            }
        }
        // After the notices: a death between the two makes them again, under the same keys.
        let value = serde_json::to_vec(&cursor).map_err(|e| StoreError::Io(e.to_string()))?;
        let position = self.engine.store().put_value(&cursor_of(run), &value)?;
        self.outbox.sync(position)?;
        self.outbox.wake();
        Ok(())
    }

    fn cursor(&self, run: &RunId) -> Result<Cursor, WatchError> {
        let value = self.engine.store().value(&cursor_of(run))?;
        // One that can't be read is made anew: what was told is told again, under the same keys.
        Ok(value.and_then(|value| serde_json::from_slice(&value).ok()).unwrap_or_default())
    }
}

/// True if an event may be one that people are told of. Those that come many times in a run are
/// not; all others are looked up in the journal.
pub fn may_matter(what: &What) -> bool {
    !matches!(
        what,
        What::Created { .. }
            | What::CallBegan { .. }
            | What::CallProgressed { .. }
            | What::CallEnded { .. }
            | What::CallFailed { .. }
            | What::Printed { .. }
            | What::UndoBegan { .. }
            | What::UndoEnded { .. }
            | What::UndoFailed { .. }
            | What::Unwinding { .. }
    )
}

/// Returns what people are told of an entry, if they are told of it.
///
/// This is the one place that says which entries become notices.
fn kind(entry: &Entry) -> Option<Kind> {
    match &entry.body {
        Body::Stuck { .. } => Some(Kind::Stuck),
        Body::Finished { end: End::Undone } => Some(Kind::Failed),
        Body::Finished { end: End::Done | End::Cancelled } => Some(Kind::Finished),
        Body::Resumed { .. } => Some(Kind::Recovered),
        // Other waits end by themselves: nobody need be told of them.
        Body::Waiting { head, .. } if ["approve", "ask"].contains(&head.step.as_str()) => {
            Some(Kind::Waiting)
        }
        _ => None,
    }
}

fn notice(view: &RunView, entry: &Entry, kind: Kind) -> Notice {
    let mut notice = Notice::of_run(&view.summary, &view.place, entry.seq, kind, entry.at);
    let (run, runbook) = (&view.summary.run, &view.summary.runbook);
    let (title, line) = match &entry.body {
        Body::Stuck { error, .. } => {
            (format!("{runbook} is stuck and needs a person"), Some(error.message.clone()))
        }
        Body::Finished { end: End::Done } => (format!("{runbook} is done"), None),
        Body::Finished { end: End::Cancelled } => {
            (format!("{runbook} was cancelled: {}", taken_back(view)), None)
        }
        Body::Finished { end: End::Undone } => (
            format!("{runbook} failed: {}", taken_back(view)),
            view.unwinding.as_ref().map(|error| error.message.clone()),
        ),
        Body::Resumed { by } => (
            format!("{runbook} continues"),
            Some(format!("resumed by {} on {}", by.who(), by.host)),
        ),
        Body::Waiting { says, until, .. } => {
            let until = until.map(|until| format!(", until {}", utc(until))).unwrap_or_default();
            (format!("{runbook} waits for somebody's answer"), Some(format!("{says}{until}")))
        }
        _ => (format!("{runbook}: {kind}"), None),
    };
    notice.title = title;
    notice.lines.extend(line);
    notice.lines.push(format!("at {}", utc(entry.at)));
    notice.lines.push(format!("details, and what is safe now: windlass show {run}"));
    notice
}

/// Returns what is known of what a run that went back has left.
fn taken_back(view: &RunView) -> String {
    let calls: Vec<String> = view.left.iter().map(ToString::to_string).collect();
    match calls.as_slice() {
        [] => "everything that it did was undone".to_owned(),
        [one] => format!("what it did was undone, except call {one}"),
        _ => format!("what it did was undone, except calls {}", calls.join(", ")),
    }
}

fn cursor_of(run: &RunId) -> String {
    format!("{CURSORS}{run}")
}
