//! The store itself.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::flush::Flusher;
use super::guard::guarded;
use super::marks::{self, Mark, Marks, Noted};
use super::trees::{Kept, Trees};
use crate::id::RunId;
use crate::journal::{JournalStore, Position, StoreError};

/// The files that sled 0.34 keeps beside the database, which it does not sync itself.
const SETTINGS_FILE: &str = "conf";
const DATABASE_FILE: &str = "db";

/// Called with the store's directory after each fdatasync, before anybody is told of it.
pub type AfterSync = Box<dyn Fn(&Path) + Send + Sync>;

/// A store on disk.
pub struct SledStore {
    path: PathBuf,
    epoch: u64,
    /// Present until the store is dropped.
    trees: Option<Trees>,
    file: File,
    /// Held as long as the store is open: one process at a time.
    _lock: File,
    flusher: Flusher,
    /// How many entries each run has, once it has been asked for.
    lengths: Mutex<HashMap<RunId, Arc<Mutex<u64>>>>,
    /// What has been appended and is not durable yet.
    unsynced: Mutex<HashMap<RunId, Mark>>,
    marks: Mutex<Marks>,
    /// Why sled can't be used any more: it panicked, and what it holds is not to be trusted.
    broken: OnceLock<String>,
    after_sync: Option<AfterSync>,
}

impl SledStore {
    /// Opens the store in a directory, making it if there is none, and raises its epoch durably.
    ///
    /// # Errors
    /// *In use* if a process has it open; *damaged* if it is not what its last writer left.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let damaged = |problem: String| damaged(path, problem);
        let io = |what: &str, e: std::io::Error| StoreError::Io(format!("{what}: {e}"));
        fs::create_dir_all(path).map_err(|e| io("make its directory", e))?;
        let lock = lock(path)?;
        let noted = match marks::read(path).map_err(damaged)? {
            Some(noted) => noted,
            None => {
                refuse_foreign(path)?;
                Marks::begin(path, 0).map_err(|e| io("begin its marks", e))?;
                Noted::default()
            }
        };
        if noted.epoch > 0 && !path.join(DATABASE_FILE).exists() {
            return Err(damaged(format!("its file `{DATABASE_FILE}` is missing")));
        }
        let trees = match guarded(|| Trees::open(path)) {
            Err(panic) => return Err(damaged(panic)),
            Ok(Err(error)) if error.to_string().contains("could not acquire lock") => {
                return Err(StoreError::InUse { path: path.to_owned() });
            }
            Ok(opened) => opened.map_err(|e| damaged(e.to_string()))?,
        };
        let file = File::open(path.join(DATABASE_FILE)).map_err(|e| io("open its database", e))?;
        sync_names(path).map_err(|e| io("sync its directory", e))?;
        let mut store = SledStore {
            path: path.to_owned(),
            epoch: noted.epoch,
            trees: Some(trees),
            file,
            _lock: lock,
            flusher: Flusher::default(),
            lengths: Mutex::default(),
            unsynced: Mutex::default(),
            marks: Mutex::new(Marks::reopen(path).map_err(|e| io("open its marks", e))?),
            broken: OnceLock::new(),
            after_sync: None,
        };
        store.compare(&noted)?;
        store.epoch = store.raise_epoch(noted.epoch)?;
        let marks = Marks::begin(path, store.epoch).map_err(|e| io("begin its marks", e))?;
        store.marks = Mutex::new(marks);
        Ok(store)
    }

    /// Calls `hook` after each sync: for tests, which look at what is on disk at that moment.
    #[must_use]
    pub fn after_each_sync(mut self, hook: AfterSync) -> Self {
        self.after_sync = Some(hook);
        self
    }

    /// Everything that was durable must still be there: sled leaves damaged records out in silence.
    fn compare(&self, noted: &Noted) -> Result<(), StoreError> {
        let lost = |what: String| {
            let problem =
                format!("{what}: its files were changed, cut short, or are of another time");
            Err(damaged(&self.path, problem))
        };
        let [known, open] = [false, true].map(|open_only| self.ask(|trees| trees.runs(open_only)));
        let (known, open) = (known?, open?);
        for (run, mark) in &noted.runs {
            let entries = self.ask(|trees| trees.length(run))?;
            if entries < mark.entries {
                return lost(format!("{run} had {} entries, and has {entries}", mark.entries));
            }
            let Some(was_open) = mark.open else { continue };
            // With an entry more, the run may have been closed after the mark.
            let changed = entries == mark.entries && open.contains(run) != was_open;
            if changed || !known.contains(run) {
                return lost(format!("where {run} stands was recorded and is lost"));
            }
        }
        Ok(())
    }

    fn raise_epoch(&self, noted: u64) -> Result<u64, StoreError> {
        let before = self.value("epoch")?;
        let before = before.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
        let before = before.unwrap_or(0);
        if before < noted {
            let problem = format!("it has been opened {noted} times, and knows of {before}");
            return Err(damaged(&self.path, problem));
        }
        let epoch = before + 1;
        let position = self.put_value("epoch", &epoch.to_be_bytes())?;
        self.sync(position)?;
        Ok(epoch)
    }

    /// Asks sled. A panic closes the store; nothing that is asked later reaches sled.
    fn ask<T>(&self, question: impl FnOnce(&Trees) -> Kept<T>) -> Result<T, StoreError> {
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

    /// Returns how many entries a run has, to be locked while one is added.
    fn length(&self, run: &RunId) -> Result<Arc<Mutex<u64>>, StoreError> {
        let mut lengths = lock_of(&self.lengths);
        if let Some(length) = lengths.get(run) {
            return Ok(length.clone());
        }
        if run.as_str().len() > marks::NAME_MAX || run.as_str().contains([' ', '\0']) {
            return Err(StoreError::Io(format!("`{run}` is no name for a run")));
        }
        let length = Arc::new(Mutex::new(self.ask(|trees| trees.length(run))?));
        lengths.insert(run.clone(), length.clone());
        Ok(length)
    }
}

impl JournalStore for SledStore {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn append(&self, run: &RunId, seq: u64, record: &[u8]) -> Result<Position, StoreError> {
        let length = self.length(run)?;
        let mut length = lock_of(&length);
        match seq.cmp(&length) {
            Ordering::Less => return Err(StoreError::Conflict { run: run.clone(), seq }),
            Ordering::Greater => return Err(StoreError::Gap { run: run.clone(), seq }),
            Ordering::Equal => {}
        }
        self.ask(|trees| trees.append(run, seq, record))?;
        *length += 1;
        lock_of(&self.unsynced).entry(run.clone()).or_default().entries = *length;
        Ok(self.flusher.appended())
    }

    fn sync(&self, position: Position) -> Result<(), StoreError> {
        self.flusher.sync(position, || self.flush())
    }

    fn read(&self, run: &RunId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.ask(|trees| trees.read(run))
    }

    fn put_summary(&self, run: &RunId, open: bool, summary: &[u8]) -> Result<Position, StoreError> {
        self.ask(|trees| trees.put_summary(run, open, summary))?;
        lock_of(&self.unsynced).entry(run.clone()).or_default().open = Some(open);
        Ok(self.flusher.appended())
    }

    fn summaries(&self, open_only: bool) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        self.ask(|trees| trees.summaries(open_only))
    }

    fn put_value(&self, name: &str, value: &[u8]) -> Result<Position, StoreError> {
        self.ask(|trees| trees.put_value(name, value))?;
        Ok(self.flusher.appended())
    }

    fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(|trees| trees.value(name))
    }

    fn value_names(&self) -> Result<Vec<String>, StoreError> {
        self.ask(Trees::value_names)
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

fn damaged(path: &Path, problem: String) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), problem }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let refused = |e: std::io::Error| StoreError::Io(format!("lock its directory: {e}"));
    let directory = File::open(path).map_err(refused)?;
    match directory.try_lock() {
        Ok(()) => Ok(directory),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(refused(error)),
    }
}

/// A store is made in an empty directory only: what sled would do to other files, nobody knows.
fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let unreadable = |e: std::io::Error| StoreError::Io(format!("read its directory: {e}"));
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if name != "marks.new" {
            let problem = format!(
                "it has no file `{}`, and it is not empty: it holds `{}`",
                marks::FILE,
                name.display()
            );
            return Err(damaged(path, problem));
        }
    }
    Ok(())
}

/// Makes the names of the files durable, and the file that sled writes once and never syncs.
fn sync_names(path: &Path) -> std::io::Result<()> {
    File::open(path.join(SETTINGS_FILE))?.sync_all()?;
    File::open(path)?.sync_all()?;
    path.parent().map_or(Ok(()), |parent| {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(parent)?.sync_all()
    })
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
