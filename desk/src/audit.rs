//! The audit: who asked for a change, from where, and what it came to.
//!
//! An entry is durable before the change begins, and its outcome before the answer goes out. So one
//! without an outcome is of a change during which the process died: the journal of its run says how
//! far it got. Attempts without a valid token are counted and not kept: anybody who can connect
//! could fill the disk with them. Of what a client chooses, a bounded part is kept, and entries go
//! when they are old or too many ([`Retention`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::clock::{Clock, Millis};
use windlass_engine::engine::Engine;
use windlass_engine::id::RunId;
use windlass_engine::journal::{JournalStore, StoreError};

mod retention;

pub use retention::Retention;

/// Under which names the store keeps it.
const PREFIX: &str = "audit/";

/// What is kept of what was asked: an address may have thousands of characters.
const WHAT_CHARS_MAX: usize = 256;

/// The longest name that is kept as that of a run; those of ours have 30 characters.
const RUN_BYTES_MAX: usize = 80;

/// How many entries are added before it is looked whether some have to go.
const PRUNE_EVERY: u64 = 1024;

/// Somebody who asks for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who: the person of a token, or a user of this machine.
    pub person: String,
    /// The token, if it came with one.
    pub token: Option<String>,
    /// From where: an address, or `socket pid 4711`.
    pub from: String,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its place: ids sort by time.
    #[serde(default)]
    pub id: String,
    /// When it was asked for, in milliseconds since 1970, UTC.
    pub at: Millis,
    /// Who asked.
    pub person: String,
    /// The id of the token, if it came with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// From where: an address, or the socket of this machine.
    pub from: String,
    /// What was asked: method and path, or the verb of a command.
    pub what: String,
    /// The run that it is about, or that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What it came to: an HTTP status, or an exit code if it came over the socket. Absent if the
    /// process died meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<u16>,
    /// The code of the problem, if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How many refused requests this entry stands for, at least; absent if it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// A change that is being carried out.
#[derive(Debug)]
#[must_use = "a change comes to something, and the audit must say what"]
pub struct Begun(Entry);

/// The audit of a store. Clones are the same; the methods block.
#[derive(Clone)]
pub struct Audit {
    store: Arc<dyn JournalStore>,
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<Millis>>,
    count: Arc<AtomicU64>,
    /// Tells those apart that write from the same process.
    writer: u32,
}

impl Audit {
    /// Returns the audit that is kept beside the journals of an engine.
    ///
    /// # Errors
    /// If the machine gives no random bytes.
    pub fn of(engine: &Engine) -> Result<Self, StoreError> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|e| StoreError::Io(e.to_string()))?;
        Ok(Audit {
            store: engine.store().clone(),
            clock: engine.clock().clone(),
            last: Arc::default(),
            count: Arc::default(),
            writer: u32::from_le_bytes(random),
        })
    }

    /// Notes, durably on return, that somebody asks for a change.
    ///
    /// # Errors
    /// If the store refuses; the change must then not begin.
    pub fn begin(&self, by: &Actor, what: &str, run: Option<&RunId>) -> Result<Begun, StoreError> {
        let entry = self.entry(by, what, run);
        self.put(&entry)?;
        Ok(Begun(entry))
    }

    /// Notes, durably on return, that something was refused before it began. The entry can be
    /// counted up: [`Audit::again`].
    ///
    /// # Errors
    /// If the store refuses.
    pub fn refused(
        &self,
        by: &Actor,
        what: &str,
        outcome: u16,
        problem: &str,
    ) -> Result<Entry, StoreError> {
        let mut entry = self.entry(by, what, None);
        (entry.outcome, entry.problem) = (Some(outcome), Some(problem.to_owned()));
        self.put(&entry)?;
        Ok(entry)
    }

    /// Notes, durably on return, for how many refused requests an entry stands.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn again(&self, entry: &mut Entry, times: u64) -> Result<(), StoreError> {
        entry.times = Some(times);
        self.put(entry)
    }

    fn entry(&self, by: &Actor, what: &str, run: Option<&RunId>) -> Entry {
        let at = self.now();
        // Sorts by time, then by order within this process.
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        Entry {
            id: format!("{at:014}-{:08x}-{count:012}", self.writer),
            at,
            person: by.person.clone(),
            token: by.token.clone(),
            from: by.from.clone(),
            what: shortened(what),
            run: run.filter(|run| run.as_str().len() <= RUN_BYTES_MAX).cloned(),
            outcome: None,
            problem: None,
            times: None,
        }
    }

    /// Notes, durably on return, what the change came to.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn end(
        &self,
        begun: Begun,
        outcome: u16,
        problem: Option<&str>,
        run: Option<RunId>,
    ) -> Result<(), StoreError> {
        let Begun(mut entry) = begun;
        (entry.outcome, entry.problem) = (Some(outcome), problem.map(str::to_owned));
        entry.run = entry.run.or(run);
        self.put(&entry)?;
        if self.count.load(Ordering::Relaxed) % PRUNE_EVERY == PRUNE_EVERY - 1 {
            self.prune()?;
        }
        Ok(())
    }

    /// Returns the entries behind `after`, oldest first, `limit` of them at most.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn list(&self, after: &str, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let after = if after.is_empty() { String::new() } else { format!("{PREFIX}{after}") };
        let kept = self.store.values(PREFIX, &after, limit)?;
        kept.into_iter()
            .map(|(name, bytes)| {
                let unreadable =
                    |e| StoreError::Io(format!("the audit's {name} can't be read: {e}"));
                let entry: Entry = serde_json::from_slice(&bytes).map_err(unreadable)?;
                let id = name.strip_prefix(PREFIX).unwrap_or(&name).to_owned();
                Ok(Entry { id, ..entry })
            })
            .collect()
    }

    fn put(&self, entry: &Entry) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(entry).map_err(|e| StoreError::Io(e.to_string()))?;
        self.store.sync(self.store.put_value(&format!("{PREFIX}{}", entry.id), &bytes)?)
    }

    /// A clock that is set back must not put an entry before an earlier one.
    fn now(&self) -> Millis {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = self.clock.now().max(*last);
        *last
    }
}

/// Returns a text, or its beginning and how much was left out.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(WHAT_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => {
            let (kept, rest) = text.split_at(end);
            format!("{kept}... ({} more characters)", rest.chars().count())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character_and_the_rest_is_counted() {
        let fits = "\u{e9}".repeat(WHAT_CHARS_MAX);
        assert_eq!(shortened(&fits), fits);
        assert_eq!(shortened(&format!("{fits}abc")), format!("{fits}... (3 more characters)"));
    }
}
