//! The store itself.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;

use super::flush::Flusher;
use super::guard::guarded;
use super::marks::{self, Mark, Marks};
use super::trees::{Kept, Trees};
use windlass_journal::id::RunId;
use windlass_journal::{Durable, Journals, Lease, Position, StoreError, Values};

/// Called with the store's directory after each fdatasync, before anybody is told of it.
pub type AfterSync = Box<dyn Fn(&Path) + Send + Sync>;

/// The length of a run, locked while it changes.
pub(super) type Length = Arc<Mutex<Option<u64>>>;

/// A store on disk.
pub struct SledStore {
    pub(super) path: PathBuf,
    pub(super) epoch: u64,
    /// Present until the store is dropped.
    pub(super) trees: Option<Trees>,
    pub(super) file: File,
    /// Held as long as the store is open: one process at a time.
    pub(super) _lock: File,
    pub(super) flusher: Flusher,
    /// How many entries each run has, once it has been asked for; `None` if it was forgotten.
    pub(super) lengths: Mutex<HashMap<RunId, Length>>,
    /// What has been appended and is not durable yet.
    pub(super) unsynced: Mutex<HashMap<RunId, Mark>>,
    pub(super) marks: Mutex<Marks>,
    /// Why sled can't be used any more: it panicked, and what it holds is not to be trusted.
    pub(super) broken: OnceLock<String>,
    pub(super) after_sync: Option<AfterSync>,
    /// What went wrong last, for whoever watches over the store.
    pub(super) failures: watch::Sender<Option<String>>,
    /// True if it is open to save what can be read: nothing may be written to it.
    pub(super) read_only: bool,
}

impl SledStore {
    /// Calls `hook` after each sync: for tests, which look at what is on disk at that moment.
    #[must_use]
    pub fn after_each_sync(mut self, hook: AfterSync) -> Self {
        self.after_sync = Some(hook);
        self
    }

    /// Asks sled. A panic closes the store; nothing that is asked later reaches sled.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Trees) -> Kept<T>) -> Result<T, StoreError> {
        let answer = self.ask_sled(question);
        self.tell_failure(&answer);
        answer
    }

    fn tell_failure<T>(&self, answer: &Result<T, StoreError>) {
        if let Err(error) = answer {
            self.failures.send_replace(Some(error.to_string()));
        }
    }

    fn ask_sled<T>(&self, question: impl FnOnce(&Trees) -> Kept<T>) -> Result<T, StoreError> {
        if let Some(problem) = self.broken.get() {
            return Err(damaged(&self.path, problem.clone()));
        }
        let Some(trees) = &self.trees else {
            return Err(StoreError::Io("the store is closed".to_owned()));
        };
        match guarded(|| question(trees)) {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(problem))) => Err(damaged(&self.path, problem)),
            Ok(Err(error)) if Trees::is_corruption(&error) => {
                Err(damaged(&self.path, error.to_string()))
            }
            Ok(Err(error)) => Err(StoreError::Io(error.to_string())),
            Err(panic) => {
                let problem = self.broken.get_or_init(|| format!("sled panicked: {panic}"));
                Err(damaged(&self.path, problem.clone()))
            }
        }
    }

    fn may_write(&self) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::Io("it is open to save what can be read".to_owned()));
        }
        Ok(())
    }

    /// Makes durable what was appended before this is called.
    fn flush(&self) -> Result<(), StoreError> {
        let unsynced = std::mem::take(&mut *lock_of(&self.unsynced));
        let io = |e: std::io::Error| StoreError::Io(e.to_string());
        self.ask(Trees::flush)?;
        self.file.sync_data().map_err(io)?;
        lock_of(&self.marks).note(&unsynced).map_err(io)?;
        if let Some(hook) = &self.after_sync {
            hook(&self.path);
        }
        Ok(())
    }

    /// Returns how many entries a run has, to be locked while that changes.
    fn length(&self, run: &RunId) -> Result<Length, StoreError> {
        let mut lengths = lock_of(&self.lengths);
        if let Some(length) = lengths.get(run) {
            return Ok(length.clone());
        }
        if run.as_str().len() > marks::NAME_MAX || run.as_str().contains([' ', '\0']) {
            return Err(StoreError::Io(format!("`{run}` is not a name for a run")));
        }
        let length = Arc::new(Mutex::new(self.ask(|trees| trees.length(run))?));
        lengths.insert(run.clone(), length.clone());
        Ok(length)
    }
}

impl Durable for SledStore {
    fn sync(&self, position: Position) -> Result<(), StoreError> {
        let synced = self.flusher.sync(position, || self.flush());
        self.tell_failure(&synced);
        synced
    }

    fn end(&self) -> Position {
        self.flusher.end()
    }

    fn failures(&self) -> watch::Receiver<Option<String>> {
        self.failures.subscribe()
    }
}

impl Journals for SledStore {
    fn append(&self, run: &RunId, seq: u64, record: &[u8]) -> Result<Position, StoreError> {
        self.may_write()?;
        let length = self.length(run)?;
        let mut length = lock_of(&length);
        let length = length.as_mut().ok_or_else(|| forgotten(run))?;
        match seq.cmp(length) {
            Ordering::Less => return Err(StoreError::Conflict { run: run.clone(), seq }),
            Ordering::Greater => return Err(StoreError::Gap { run: run.clone(), seq }),
            Ordering::Equal => {}
        }
        self.ask(|trees| trees.append(run, seq, record))?;
        *length += 1;
        lock_of(&self.unsynced).entry(run.clone()).or_default().entries = *length;
        Ok(self.flusher.appended())
    }

    fn read(&self, run: &RunId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.ask(|trees| trees.read(run))
    }

    fn count(&self, run: &RunId) -> Result<u64, StoreError> {
        self.ask(|trees| trees.count(run))
    }

    fn first(&self, run: &RunId) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(|trees| trees.first(run))
    }

    fn forget(&self, run: &RunId, tombstone: &[u8]) -> Result<Position, StoreError> {
        self.may_write()?;
        let length = self.length(run)?;
        let mut length = lock_of(&length);
        length.ok_or_else(|| forgotten(run))?;
        self.ask(|trees| trees.forget(run, tombstone))?;
        *length = None;
        lock_of(&self.unsynced).entry(run.clone()).or_default().gone = true;
        Ok(self.flusher.appended())
    }

    fn tombstones(&self) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        self.ask(Trees::tombstones)
    }

    fn put_summary(&self, run: &RunId, open: bool, summary: &[u8]) -> Result<Position, StoreError> {
        self.may_write()?;
        let length = self.length(run)?;
        let length = lock_of(&length);
        length.ok_or_else(|| forgotten(run))?;
        self.ask(|trees| trees.put_summary(run, open, summary))?;
        lock_of(&self.unsynced).entry(run.clone()).or_default().open = Some(open);
        Ok(self.flusher.appended())
    }

    fn summaries(&self, open_only: bool) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        self.ask(|trees| trees.summaries(open_only))
    }
}

impl Values for SledStore {
    fn put_value(&self, name: &str, value: &[u8]) -> Result<Position, StoreError> {
        self.may_write()?;
        self.ask(|trees| trees.put_value(name, value))?;
        Ok(self.flusher.appended())
    }

    fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(|trees| trees.value(name))
    }

    fn remove_value(&self, name: &str) -> Result<Position, StoreError> {
        self.may_write()?;
        self.ask(|trees| trees.remove_value(name))?;
        Ok(self.flusher.appended())
    }

    fn values(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.ask(|trees| trees.values(prefix, after, limit))
    }

    fn value_names(&self) -> Result<Vec<String>, StoreError> {
        self.ask(Trees::value_names)
    }
}

impl Lease for SledStore {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn is_held(&self) -> bool {
        !self.read_only && self.broken.get().is_none() && self.trees.is_some()
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        // What was not synced may be lost by contract; a clean stop keeps it all the same.
        if self.flush().is_ok() {
            let _ = guarded(|| drop(self.trees.take()));
        } else {
            // What a broken sled does when it is dropped is not worth the risk: it may block.
            std::mem::forget(self.trees.take());
        }
    }
}

/// What the operating system refuses for want of room, or because it may not be written to: there is
/// nothing wrong with what is on disk. sled tells of it in words only, and often by a panic.
const REFUSALS: [&str; 8] = [
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "Read-only file system",
    "StorageFull",
    "QuotaExceeded",
    "FileTooLarge",
    "ReadOnlyFilesystem",
];

pub(super) fn damaged(path: &Path, problem: String) -> StoreError {
    if REFUSALS.iter().any(|words| problem.contains(words)) {
        return StoreError::Io(problem);
    }
    StoreError::Damaged { place: path.display().to_string(), problem }
}

fn forgotten(run: &RunId) -> StoreError {
    StoreError::Forgotten { run: run.clone() }
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full disk was told as damage, with the advice to put a backup back.
    #[test]
    fn a_disk_that_refuses_is_no_damage() {
        for errno in [28, 122, 27, 30] {
            let refused = std::io::Error::from_raw_os_error(errno);
            for problem in [refused.to_string(), format!("sled panicked: {refused:?}")] {
                let error = damaged(Path::new("/state"), problem);
                assert!(matches!(error, StoreError::Io(_)), "{error:?}");
            }
        }
        let torn = damaged(Path::new("/state"), "entry 3 does not follow".to_owned());
        assert!(matches!(torn, StoreError::Damaged { .. }));
    }
}
