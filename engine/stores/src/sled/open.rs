//! Opening: is it a store, is it ours alone, and is everything there that was synced?

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::flush::Flusher;
use super::guard::guarded;
use super::marks::{self, Marks, Noted};
use super::store::{SledStore, damaged};
use super::trees::Trees;
use windlass_journal::{Durable, StoreError, Values};

/// The files of sled 0.34: what it was made with, which it does not sync, and the database.
const SETTINGS_FILE: &str = "conf";
const DATABASE_FILE: &str = "db";

/// How long the threads of a store that this process has just closed may hold on to its files.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

impl SledStore {
    /// Opens the store in a directory, making it if there is none, and raises its epoch durably.
    ///
    /// # Errors
    /// *In use* if a process has it open; *damaged* if it is not what its last writer left. What
    /// can still be read of a damaged one, [`SledStore::salvage`] reads.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (mut store, noted) = Self::open_files(path)?;
        if let Some(problem) = store.missing(&noted)?.into_iter().next() {
            let problem =
                format!("{problem}: its files were changed, cut short, or are of another time");
            return Err(damaged(path, problem));
        }
        store.ask(Trees::finish_forgetting)?;
        store.epoch = store.raise_epoch()?;
        let marks = Marks::begin(path, store.epoch).map_err(|e| io("begin its marks", &e))?;
        store.marks = Mutex::new(marks);
        Ok(store)
    }

    /// Opens a damaged store to save what can be read, and says what is known to be missing. It
    /// takes no writes, and is as damaged as before when it is opened the next time.
    ///
    /// # Errors
    /// *In use* if a process has it open; *damaged* if nothing of it can be read.
    pub fn salvage(path: &Path) -> Result<(Self, Vec<String>), StoreError> {
        let (mut store, noted) = Self::open_files(path)?;
        store.read_only = true;
        let missing = store.missing(&noted)?;
        Ok((store, missing))
    }

    fn open_files(path: &Path) -> Result<(Self, Noted), StoreError> {
        let damaged = |problem: String| damaged(path, problem);
        fs::create_dir_all(path).map_err(|e| io("make its directory", &e))?;
        let lock = lock(path)?;
        let noted = if let Some(noted) = marks::read(path).map_err(damaged)? {
            noted
        } else {
            refuse_foreign(path)?;
            Marks::begin(path, 0).map_err(|e| io("begin its marks", &e))?;
            Noted::default()
        };
        if noted.epoch > 0 && !path.join(DATABASE_FILE).exists() {
            return Err(damaged(format!("its file `{DATABASE_FILE}` is missing")));
        }
        remove_half_written_snapshots(path).map_err(|e| io("tidy its directory", &e))?;
        let mut opened = open_trees(path);
        if noted.epoch == 0 && !matches!(opened, Ok(Ok(_))) {
            // Killed while it was made: sled writes its `conf` in two goes. Nothing in it was ever
            // acknowledged, so it is made anew.
            begin_anew(path).map_err(|e| io("make its files anew", &e))?;
            opened = open_trees(path);
        }
        let trees = match opened {
            Err(panic) => return Err(damaged(panic)),
            Ok(Err(error)) if is_locked(&error) => {
                return Err(StoreError::InUse { place: path.display().to_string() });
            }
            Ok(opened) => opened.map_err(|e| damaged(e.to_string()))?,
        };
        let file = File::open(path.join(DATABASE_FILE)).map_err(|e| io("open its database", &e))?;
        sync_names(path).map_err(|e| io("sync its directory", &e))?;
        let store = SledStore {
            path: path.to_owned(),
            epoch: noted.epoch,
            trees: Some(trees),
            file,
            _lock: lock,
            flusher: Flusher::default(),
            lengths: Mutex::default(),
            unsynced: Mutex::default(),
            marks: Mutex::new(Marks::reopen(path).map_err(|e| io("open its marks", &e))?),
            broken: OnceLock::new(),
            after_sync: None,
            failures: watch::Sender::new(None),
            read_only: false,
        };
        Ok((store, noted))
    }

    /// Returns what was durable and is gone: sled leaves damaged records out in silence.
    fn missing(&self, noted: &Noted) -> Result<Vec<String>, StoreError> {
        let mut missing = Vec::new();
        let [known, open] = [false, true].map(|open_only| self.ask(|trees| trees.runs(open_only)));
        let (known, open) = (known?, open?);
        let epoch = self.recorded_epoch()?;
        if epoch < noted.epoch {
            let opened = noted.epoch;
            missing.push(format!("it has been opened {opened} times, and knows of {epoch}"));
        }
        for (run, mark) in &noted.runs {
            // A mark may be older than the tombstone, and still count the entries.
            if self.ask(|trees| trees.is_forgotten(run))? {
                continue;
            }
            if mark.gone {
                missing.push(format!("{run} was forgotten, and is there again"));
                continue;
            }
            let entries = match self.ask(|trees| trees.length(run)) {
                Ok(entries) => entries.unwrap_or_default(),
                Err(StoreError::Damaged { problem, .. }) => {
                    missing.push(problem);
                    continue;
                }
                Err(other) => return Err(other),
            };
            if entries < mark.entries {
                missing.push(format!("{run} had {} entries, and has {entries}", mark.entries));
                continue;
            }
            let Some(was_open) = mark.open else { continue };
            // With an entry more, the run may have been closed after the mark.
            let changed = entries == mark.entries && open.contains(run) != was_open;
            if changed || !known.contains(run) {
                missing.push(format!("where {run} stands was recorded and is lost"));
            }
        }
        Ok(missing)
    }

    fn recorded_epoch(&self) -> Result<u64, StoreError> {
        let epoch = self.value("epoch")?;
        let epoch = epoch.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
        Ok(epoch.unwrap_or(0))
    }

    fn raise_epoch(&self) -> Result<u64, StoreError> {
        let epoch = self.recorded_epoch()? + 1;
        let position = self.put_value("epoch", &epoch.to_be_bytes())?;
        self.sync(position)?;
        Ok(epoch)
    }
}

fn io(what: &str, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{what}: {error}"))
}

/// Opens sled's files. We hold our own lock by now, so if sled finds its lock taken, it is by the
/// threads of a store that was closed a moment ago in this process, and it will be free soon.
fn open_trees(path: &Path) -> Result<Result<Trees, sled::Error>, String> {
    let patience = Instant::now() + LOCK_PATIENCE;
    loop {
        let opened = guarded(|| Trees::open(path))?;
        match opened {
            Err(error) if is_locked(&error) && Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return Ok(opened),
        }
    }
}

fn is_locked(error: &sled::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let directory = File::open(path).map_err(|e| io("lock its directory", &e))?;
    match directory.try_lock() {
        Ok(()) => Ok(directory),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::InUse { place: path.display().to_string() })
        }
        Err(TryLockError::Error(error)) => Err(io("lock its directory", &error)),
    }
}

/// Removes what a kill leaves of a snapshot that was being written. sled 0.34 writes
/// `snap.N.generating` and renames it when it is whole, but looks for half-written ones under
/// another ending, so that it would take this one for the newest snapshot, and for damage. What is
/// not renamed yet was never used: opening reads the log instead.
fn remove_half_written_snapshots(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes sled's files, and nothing else.
fn begin_anew(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == "blobs" {
            fs::remove_dir_all(entry.path())?;
        } else if name == "conf" || name == DATABASE_FILE || name.starts_with("snap.") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A store is made in an empty directory only: what sled would do to other files, nobody knows.
fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(path).map_err(|e| io("read its directory", &e))? {
        let name = entry.map_err(|e| io("read its directory", &e))?.file_name();
        if name != marks::FILE_NEW {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_was_being_made_when_the_process_died_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        drop(Marks::begin(directory.path(), 0).unwrap());
        fs::write(directory.path().join("conf"), b"segment_size: 5").unwrap();
        assert_eq!(SledStore::open(directory.path()).unwrap().epoch, 1);
    }

    #[test]
    fn the_same_files_of_a_store_that_was_used_are_damage() {
        let directory = tempfile::tempdir().unwrap();
        drop(SledStore::open(directory.path()).unwrap());
        fs::write(directory.path().join("conf"), b"segment_size: 5").unwrap();
        assert!(matches!(SledStore::open(directory.path()), Err(StoreError::Damaged { .. })));
    }
}
