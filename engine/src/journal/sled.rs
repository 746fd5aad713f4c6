//! The store on disk: sled, used with care. The one module that names it.
//!
//! What was measured about sled 0.34.7 and is answered here:
//! - an insert that was not flushed is lost on a plain SIGKILL: so nothing counts as recorded
//!   before [`JournalStore::sync`];
//! - its flush is `sync_file_range` on Linux, which does not survive a power cut: so an fdatasync
//!   of the database file follows each flush;
//! - opening damaged files can panic: so opening is guarded, and the panic becomes an error.
//!
//! | tree | key | value |
//! |---|---|---|
//! | `entries` | run, 0, sequence number (8 bytes, big-endian) | record |
//! | `summaries` | run | summary |
//! | `open` | run | nothing: the run is not over |
//! | `values` | name | runbook texts, the check of the master key |

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::{JournalStore, Position, StoreError};
use crate::id::RunId;

/// Memory for sled's page cache, in bytes. Journals are written once and read at resume.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// The file in which sled 0.34 keeps everything but large values.
const DATABASE_FILE: &str = "db";

/// A store on disk.
pub struct SledStore {
    path: PathBuf,
    epoch: u64,
    db: sled::Db,
    entries: sled::Tree,
    summaries: sled::Tree,
    open: sled::Tree,
    values: sled::Tree,
    appended: AtomicU64,
    flusher: Flusher,
}

impl SledStore {
    /// Opens the store in a directory, making it if there is none, and raises its epoch durably.
    ///
    /// # Errors
    /// If the files are damaged or can't be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let damaged = |problem: String| StoreError::Damaged { path: path.to_owned(), problem };
        let opened = quietly(|| {
            let db = sled::Config::new()
                .path(path)
                .cache_capacity(CACHE_BYTES)
                .flush_every_ms(None)
                .open()?;
            let trees = ["entries", "summaries", "open", "values"].map(|name| db.open_tree(name));
            Ok::<_, sled::Error>((db, trees))
        });
        let (db, trees) = match opened {
            Err(panic) => return Err(damaged(panic)),
            Ok(Err(error)) => return Err(damaged(error.to_string())),
            Ok(Ok(opened)) => opened,
        };
        let [entries, summaries, open, values] = trees;
        let tree = |tree: sled::Result<sled::Tree>| tree.map_err(|e| damaged(e.to_string()));
        let file = File::open(path.join(DATABASE_FILE)).map_err(|e| damaged(e.to_string()))?;
        let mut store = SledStore {
            path: path.to_owned(),
            epoch: 0,
            entries: tree(entries)?,
            summaries: tree(summaries)?,
            open: tree(open)?,
            values: tree(values)?,
            db,
            appended: AtomicU64::new(0),
            flusher: Flusher { file, state: Mutex::default(), woken: Condvar::new() },
        };
        store.epoch = store.raise_epoch()?;
        Ok(store)
    }

    fn raise_epoch(&self) -> Result<u64, StoreError> {
        let before = self.value("epoch")?;
        let before = before.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
        let epoch = before.unwrap_or(0) + 1;
        let position = self.put_value("epoch", &epoch.to_be_bytes())?;
        self.sync(position)?;
        Ok(epoch)
    }

    fn written<T>(&self, result: sled::Result<T>) -> Result<Position, StoreError> {
        result.map_err(|e| self.error(&e))?;
        // Counted after the write, so that a flush that sees this number covers the write.
        Ok(Position(self.appended.fetch_add(1, Ordering::SeqCst) + 1))
    }

    fn error(&self, error: &sled::Error) -> StoreError {
        match error {
            sled::Error::Corruption { .. } => {
                StoreError::Damaged { path: self.path.clone(), problem: error.to_string() }
            }
            other => StoreError::Io(other.to_string()),
        }
    }
}

impl JournalStore for SledStore {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn append(&self, run: &RunId, seq: u64, record: &[u8]) -> Result<Position, StoreError> {
        if let Some(before) = seq.checked_sub(1) {
            let exists = self.entries.contains_key(entry_key(run, before));
            if !exists.map_err(|e| self.error(&e))? {
                return Err(StoreError::Gap { run: run.clone(), seq });
            }
        }
        let key = entry_key(run, seq);
        match self.entries.compare_and_swap(key, None::<&[u8]>, Some(record)) {
            Ok(Err(_occupied)) => Err(StoreError::Conflict { run: run.clone(), seq }),
            other => self.written(other),
        }
    }

    fn sync(&self, position: Position) -> Result<(), StoreError> {
        self.flusher.sync(position.0, &self.appended, || self.db.flush().map(drop))
    }

    fn read(&self, run: &RunId) -> Result<Vec<Vec<u8>>, StoreError> {
        let records = self.entries.scan_prefix(entry_prefix(run)).values();
        records.map(|r| r.map(|v| v.to_vec()).map_err(|e| self.error(&e))).collect()
    }

    fn put_summary(&self, run: &RunId, open: bool, summary: &[u8]) -> Result<Position, StoreError> {
        let key = run.as_str().as_bytes();
        self.written(self.summaries.insert(key, summary))?;
        if open {
            self.written(self.open.insert(key, &[]))
        } else {
            self.written(self.open.remove(key))
        }
    }

    fn summaries(&self, open_only: bool) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        let tree = if open_only { &self.open } else { &self.summaries };
        let mut found = Vec::new();
        for key in tree.iter().keys() {
            let key = key.map_err(|e| self.error(&e))?;
            let summary = self.summaries.get(&key).map_err(|e| self.error(&e))?;
            let run = RunId::from(String::from_utf8_lossy(&key).as_ref());
            found.push((run, summary.map(|s| s.to_vec()).unwrap_or_default()));
        }
        Ok(found)
    }

    fn put_value(&self, name: &str, value: &[u8]) -> Result<Position, StoreError> {
        self.written(self.values.insert(name, value))
    }

    fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.values.get(name).map_err(|e| self.error(&e))?;
        Ok(value.map(|v| v.to_vec()))
    }

    fn value_names(&self) -> Result<Vec<String>, StoreError> {
        let keys = self.values.iter().keys();
        keys.map(|k| {
            k.map(|k| String::from_utf8_lossy(&k).into_owned()).map_err(|e| self.error(&e))
        })
        .collect()
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        // What was not synced may be lost by contract; a clean stop keeps it all the same.
        let _ = self.db.flush();
    }
}

fn entry_prefix(run: &RunId) -> Vec<u8> {
    [run.as_str().as_bytes(), &[0]].concat()
}

fn entry_key(run: &RunId, seq: u64) -> Vec<u8> {
    [run.as_str().as_bytes(), &[0], &seq.to_be_bytes()].concat()
}

/// Group commit: whoever comes while a flush is under way waits for the next one, and one of those
/// who wait does it for all. No thread of its own: a lone writer flushes by itself, without a hop.
struct Flusher {
    file: File,
    state: Mutex<FlushState>,
    woken: Condvar,
}

#[derive(Default)]
struct FlushState {
    synced: u64,
    busy: bool,
    broken: Option<String>,
}

impl Flusher {
    fn sync(
        &self,
        position: u64,
        appended: &AtomicU64,
        flush: impl Fn() -> sled::Result<()>,
    ) -> Result<(), StoreError> {
        let lock = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = lock();
        loop {
            if let Some(problem) = &state.broken {
                return Err(StoreError::Io(problem.clone()));
            }
            if state.synced >= position {
                return Ok(());
            }
            if state.busy {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.busy = true;
            drop(state);
            let target = appended.load(Ordering::SeqCst);
            let flushed = flush().map_err(|e| e.to_string());
            let flushed = flushed.and_then(|()| self.file.sync_data().map_err(|e| e.to_string()));
            state = lock();
            state.busy = false;
            match flushed {
                Ok(()) => state.synced = state.synced.max(target),
                Err(problem) => state.broken = Some(problem),
            }
            self.woken.notify_all();
        }
    }
}

/// Runs something that may panic; the panic is returned as text and not printed.
fn quietly<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(action));
    std::panic::set_hook(hook);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_else(|| "it could not be read".to_owned())
    })
}
