//! Whether what happens can be recorded, and what is done when it can't.
//!
//! | the disk | the store | then |
//! |---|---|---|
//! | takes a write | works | ready |
//! | takes none | works, as far as anybody knows | not ready; said once |
//! | takes a write again | works | ready again; said once |
//! | takes a write again | has failed, or hangs | this process begins anew |
//!
//! A store that could not write once records nothing any more (sled keeps the error for good, and
//! holds its files until the process is gone). So the process executes itself: it keeps its number,
//! its arguments and whoever watches over it, and resumes its runs as after a kill. Nothing that
//! was not recorded has been told to anybody.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use windlass_engine::journal::JournalStore;

use crate::problem::Problem;
use crate::show;
use crate::show::style::yellow;

/// What must be free: a store writes in pieces of half as much.
const ROOM_BYTES: usize = 1024 * 1024;

/// How often it is tried whether the disk takes a write: when all is well, and when it did not.
const LOOK_EVERY: Duration = Duration::from_secs(15);
const TRY_EVERY: Duration = Duration::from_secs(1);

/// How long the store may take to write before it counts as dead.
const STORE_PATIENCE: Duration = Duration::from_secs(30);

/// The file that is written and removed.
const FILE: &str = "room.probe";

/// The value that is written to see whether the store works.
const VALUE: &str = "room_probe";

/// Watches over the disk and the store.
pub struct Room {
    directory: PathBuf,
    store: Arc<dyn JournalStore>,
    unready: watch::Sender<Option<String>>,
}

impl Room {
    /// Watches over a store and the directory in which it lies. The receiver says why nothing can
    /// be recorded, while that is so.
    pub fn watch(
        directory: PathBuf,
        store: Arc<dyn JournalStore>,
    ) -> (Self, watch::Receiver<Option<String>>) {
        let (unready, told) = watch::channel(None);
        (Room { directory, store, unready }, told)
    }

    /// Returns when this process has to begin anew.
    pub async fn until_lost(self) {
        let mut failures = self.store.failures();
        loop {
            let why = self.until_trouble(&mut failures).await;
            show::note(&format!(
                "{} nothing can be recorded, so nothing is started or changed: {why}",
                yellow("note:")
            ));
            self.unready.send_replace(Some(why));
            until_room(&self.directory).await;
            if !self.store_works().await {
                return;
            }
            failures.mark_unchanged();
            self.unready.send_replace(None);
            show::note("the disk has room again: ready");
        }
    }

    /// Returns what is wrong once something is.
    async fn until_trouble(&self, failures: &mut watch::Receiver<Option<String>>) -> String {
        let mut looks = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                changed = failures.changed() => match changed {
                    Ok(()) => {
                        if let Some(why) = failures.borrow_and_update().clone() {
                            return why;
                        }
                    }
                    // A store that never tells: the disk alone is looked at.
                    Err(_) => {
                        looks.tick().await;
                    }
                },
                _ = looks.tick() => {}
            }
            if let Err(why) = has_room(&self.directory).await {
                return why;
            }
        }
    }

    /// Says whether the store records what it is told.
    async fn store_works(&self) -> bool {
        let store = self.store.clone();
        let writing = tokio::task::spawn_blocking(move || {
            store.put_value(VALUE, b"").and_then(|position| store.sync(position))
        });
        matches!(timeout(STORE_PATIENCE, writing).await, Ok(Ok(Ok(()))))
    }
}

/// Returns once a directory takes a durable write. Nothing tells of room that is made.
pub async fn until_room(directory: &Path) {
    let mut tries = interval(TRY_EVERY);
    loop {
        tries.tick().await;
        if has_room(directory).await.is_ok() {
            return;
        }
    }
}

/// Says whether a directory takes a durable write.
///
/// # Errors
/// If it does not: why, for people.
pub async fn has_room(directory: &Path) -> Result<(), String> {
    let path = directory.join(FILE);
    let written = tokio::task::spawn_blocking(move || {
        let written = write(&path);
        let removed = fs::remove_file(&path);
        written.and(removed)
    });
    let written = written.await.map_err(io::Error::other).flatten();
    written.map_err(|error| {
        format!("{} does not accept a write of 1 MiB: {error}", directory.display())
    })
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, ROOM_BYTES as u64) {
        // A file system that can't set room aside has to take it all.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.write_all(&vec![0; ROOM_BYTES])?,
        allocated => allocated?,
    }
    file.write_all(b"room")?;
    file.sync_all()
}

/// Executes this process again, with the same arguments; it returns only if that can't be done.
pub fn begin_anew() -> Problem {
    show::note("the disk has room again: this process restarts and resumes its runs");
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    // By its own path, or `ps` would call it `exe`; which is the only one left after an upgrade.
    let own = std::env::current_exe().unwrap_or_default();
    let mut error = io::Error::other("nothing was tried");
    for program in [own.as_path(), Path::new("/proc/self/exe")] {
        error = Command::new(program).arg0(&name).args(&arguments).exec();
    }
    Problem::bug(format!("this process can't be restarted: {error}"))
}
