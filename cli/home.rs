//! The state directory: who owns it, and what lies in it.
//!
//! ```text
//! owner.lock      held (flock) by the process that writes; gone with it, however it ends
//! windlass.sock   where that process answers the others
//! journal/        the store
//! keys/           a wrapped key for each run that has not finished
//! master.key      wraps them; elsewhere if WINDLASS_KEY_FILE or a systemd credential says so
//! in-use          there has been a journal: one that is missing now is not mounted, or was moved
//! ```

mod holder;

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use windlass_desk::people;
use windlass_engine::engine::EngineError;

use windlass_engine::secret::{FileKeys, Keyring, MasterKey};
use windlass_stores::SledStore;

use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;

/// The state directory, checked.
pub struct Home {
    path: PathBuf,
    key: PathBuf,
}

/// What says that there has been a journal.
const IN_USE: &str = "in-use";

/// The right to write, until it is dropped.
pub struct Ownership(#[expect(dead_code, reason = "held, not read")] File);

impl Home {
    /// Makes the directory if there is none, and checks that it is ours alone.
    ///
    /// # Errors
    /// If it can't be made, belongs to somebody else, or others can write to it.
    pub fn open(settings: &Settings) -> Result<Self, Problem> {
        let path = &settings.state;
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        // The store makes its own directory: an empty one in its place would hide that it is missing.
        for directory in [path.clone(), path.join("keys")] {
            // Checked before anything is made in it.
            if directory.exists() {
                ours_alone(&directory)?;
            }
            builder.create(&directory).map_err(|e| unusable(path, &e.to_string()))?;
        }
        let journal = path.join("journal");
        if journal.exists() {
            ours_alone(&journal)?;
        }
        let key = settings.key.clone().unwrap_or_else(|| path.join("master.key"));
        Ok(Home { path: path.clone(), key })
    }

    /// Takes the right to write, if no other process has it.
    ///
    /// # Errors
    /// If the lock file can't be used.
    pub fn own(&self) -> Result<Option<Ownership>, Problem> {
        let unusable = |e: &std::io::Error| unusable(&self.path, &e.to_string());
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            // Whoever can open it can hold it.
            .mode(0o600)
            .open(self.path.join("owner.lock"))
            .map_err(|e| unusable(&e))?;
        // Whoever can read it can lock it, and keep the owner out.
        file.set_permissions(Permissions::from_mode(0o600)).map_err(|e| unusable(&e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Ownership(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unusable(&error)),
        }
    }

    /// Returns when no process owns the state. Blocks.
    ///
    /// # Errors
    /// If the lock file can't be used.
    pub fn until_let_go(&self) -> Result<(), Problem> {
        let unusable = |e: std::io::Error| unusable(&self.path, &e.to_string());
        let file = File::open(self.path.join("owner.lock")).map_err(unusable)?;
        file.lock_shared().map_err(unusable)
    }

    /// Opens the store. Only the owner may.
    ///
    /// # Errors
    /// If it is damaged, or is not where the keys of its runs are.
    pub fn store(&self, owned: &Ownership) -> Result<SledStore, Problem> {
        self.must_not_be_missing()?;
        self.new_store(owned)
    }

    /// Opens the store, and makes one if there is none although there are keys: for an import. Only
    /// the owner may.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn new_store(&self, _owned: &Ownership) -> Result<SledStore, Problem> {
        let journal = self.path.join("journal");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&journal);
        made.map_err(|e| unusable(&self.path, &e.to_string()))?;
        let store = SledStore::open(&journal)?;
        // Once the journal is durable: if it can't be made now, the next opening makes it.
        let _ = File::options().create(true).append(true).mode(0o600).open(self.path.join(IN_USE));
        Ok(store)
    }

    /// A state that was in use and has no journal: a new journal would hide the runs of the one that
    /// is not mounted, or was moved.
    fn must_not_be_missing(&self) -> Result<(), Problem> {
        let journal = self.path.join("journal");
        let holds_something = fs::read_dir(&journal).is_ok_and(|mut files| files.next().is_some());
        let (keys, in_use) = (keys_in(&self.path), self.path.join(IN_USE).exists());
        if holds_something || (keys.is_empty() && !in_use) {
            return Ok(());
        }
        let path = self.path.display();
        let message = match keys.first() {
            Some(run) => format!(
                "{path} has the keys of {} runs, {run} among them, and no journal; nothing was changed",
                keys.len()
            ),
            None => format!("{path} has had a journal, and it is missing; nothing was changed"),
        };
        let away = if keys.is_empty() { IN_USE } else { "keys and in-use" };
        Err(Problem::new("WL0011", Exit::OutOfReach, message).hint(format!(
            "Mount or move the journal back to {path}/journal, or read an export with `windlass store import FILE`. To start afresh and give those runs up, move {away} in {path} away.",
        )))
    }

    /// Returns the problem that another process owns the state, which is named if that is known.
    pub fn taken(&self) -> Problem {
        taken(&self.path)
    }

    /// Opens what can be read of the store, and says what is missing. Only the owner may.
    ///
    /// # Errors
    /// If nothing of it can be read.
    pub fn salvage(&self, _owned: &Ownership) -> Result<(SledStore, Vec<String>), Problem> {
        self.must_not_be_missing()?;
        Ok(SledStore::salvage(&self.path.join("journal"))?)
    }

    /// Reads the keys, and makes a master key for a new store. Only the owner may.
    ///
    /// # Errors
    /// If the key can't be read, or is not one; or if it is missing, and the state `is_in_use`.
    pub fn keyring(&self, _owned: &Ownership, is_in_use: bool) -> Result<Keyring, Problem> {
        if !self.key.exists() && (is_in_use || !keys_in(&self.path).is_empty()) {
            let message = format!(
                "the master key {} is missing, and this state was made with one",
                self.key.display()
            );
            return Err(Problem::new("WL0012", Exit::OutOfReach, message).hint(
                "Restore that file, or name it with WINDLASS_KEY_FILE. A new key could not decrypt the sealed values, so none was made.",
            ));
        }
        let master = MasterKey::read_or_create(&self.key).map_err(EngineError::Key)?;
        Ok(Keyring::new(master, Box::new(FileKeys::at(self.path.join("keys")))))
    }

    /// Lets the members of a group ask over the socket. They get at nothing else: they may pass
    /// through the directory, and what else is in it is the owner's alone.
    ///
    /// # Errors
    /// If there is no such group, or the modes can't be set.
    pub fn let_in(&self, group: &str) -> Result<(), Problem> {
        let cannot = |why: &dyn std::fmt::Display| {
            Problem::new("WL0021", Exit::Usage, format!("the group {group} can't be let in: {why}"))
                .hint(
                    "`[serve] group` and `--group` name a group of this machine (`getent group`).",
                )
        };
        let gid = people::group_id(group).map_err(|e| cannot(&e))?;
        let gid = gid.ok_or_else(|| cannot(&"this machine has no such group"))?;
        let shut = [("keys", 0o700), ("journal", 0o700), ("owner.lock", 0o600)];
        for (name, mode) in shut {
            let set = fs::set_permissions(self.path.join(name), Permissions::from_mode(mode));
            set.map_err(|e| cannot(&e))?;
        }
        for (path, mode) in [(self.socket(), 0o660), (self.path.clone(), 0o710)] {
            let given = std::os::unix::fs::chown(&path, None, Some(gid));
            given.map_err(|e| cannot(&e))?;
            let set = fs::set_permissions(&path, Permissions::from_mode(mode));
            set.map_err(|e| cannot(&e))?;
        }
        Ok(())
    }

    /// Returns where the store lies. Only the owner may touch it.
    pub fn journal(&self, _owned: &Ownership) -> PathBuf {
        self.path.join("journal")
    }

    /// Returns the state directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the master key lies.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Returns the path of the socket.
    pub fn socket(&self) -> PathBuf {
        self.path.join("windlass.sock")
    }
}

/// Returns the socket in a state directory of root's, for anybody else: they may be let in there,
/// and only there. In a directory of another user that user would read what is asked.
pub fn of_root(settings: &Settings) -> Option<PathBuf> {
    let meta = fs::metadata(&settings.state).ok()?;
    let theirs = meta.uid() == 0 && meta.mode() & 0o022 == 0;
    let foreign = !rustix::process::geteuid().is_root();
    (theirs && foreign).then(|| settings.state.join("windlass.sock"))
}

/// Returns the names of runs that have not finished, without opening the store: such a run has a key.
pub fn unfinished(settings: &Settings) -> Vec<String> {
    keys_in(&settings.state)
}

/// Returns the problem that another process owns a state, which is named if that is known.
pub fn taken(state: &Path) -> Problem {
    let message = format!("{} owns {}", owner(state), state.display());
    Problem::new("WL0005", Exit::NotStarted, message).hint(
        "`windlass runs --open` lists what it is doing; `windlass drain` asks it to park its runs and exit.",
    )
}

/// Returns which process owns a state, in words.
pub fn owner(state: &Path) -> String {
    let holder = holder::of(&state.join("owner.lock"));
    holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string())
}

/// Keeps others from becoming the owner of a state in which nothing can be written, until the result
/// is dropped.
///
/// # Errors
/// If a process owns it.
pub fn share(settings: &Settings) -> Result<Option<File>, Problem> {
    // Without the file nobody can be the owner.
    let Ok(file) = File::open(settings.state.join("owner.lock")) else { return Ok(None) };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Err(taken(&settings.state)),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

/// Returns the names of the runs of which there are keys.
pub fn keys_in(state: &Path) -> Vec<String> {
    let Ok(keys) = fs::read_dir(state.join("keys")) else { return Vec::new() };
    let names = keys.filter_map(|key| key.ok()?.file_name().into_string().ok());
    let mut runs: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".key").map(str::to_owned)).collect();
    runs.retain(|run| run.starts_with("run_"));
    runs.sort();
    runs
}

/// True if there is a state directory. A command that only looks makes none.
pub fn exists(settings: &Settings) -> bool {
    // Not its journal: that may be missing, and must not look like a state that was never used. Nor
    // is one that is somebody else's passed over in silence.
    settings.state.exists()
}

/// Refuses to look where there is no state.
///
/// # Errors
/// If there is none.
pub fn must_exist(settings: &Settings) -> Result<(), Problem> {
    if exists(settings) {
        return Ok(());
    }
    let message =
        format!("{} does not exist: no run has been started there", settings.state.display());
    Err(Problem::new("WL0006", Exit::Usage, message)
        .hint("Is it another directory? Name it with --state DIR or WINDLASS_STATE."))
}

/// True if a process owns the state directory at this moment, or seems to: members of the group
/// that root's daemon lets in see no more of it than its socket.
pub fn is_owned(settings: &Settings) -> bool {
    match File::open(settings.state.join("owner.lock")) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => of_root(settings).is_some_and(|socket| socket.exists()),
    }
}

fn ours_alone(path: &Path) -> Result<(), Problem> {
    let meta = fs::metadata(path).map_err(|e| unusable(path, &e.to_string()))?;
    let me = rustix::process::geteuid().as_raw();
    let shown = path.display();
    if meta.uid() != me {
        let message = format!("{shown} belongs to user {}, and you are user {me}", meta.uid());
        return Err(Problem::new("WL0013", Exit::OutOfReach, message)
            .hint("Run windlass as that user, or name a directory of your own with --state DIR. A daemon of root can let a group in: `windlass serve --group GROUP`."));
    }
    if meta.mode() & 0o022 != 0 {
        let message = format!("others can write to {shown} (mode {:o})", meta.mode() & 0o7777);
        return Err(Problem::new("WL0013", Exit::OutOfReach, message)
            .hint(format!("Run `chmod 700 {shown}`.")));
    }
    Ok(())
}

fn unusable(path: &Path, why: &str) -> Problem {
    let message = format!("the state directory {} can't be used: {why}", path.display());
    Problem::new("WL0013", Exit::OutOfReach, message)
        .hint("Name another one with --state DIR or WINDLASS_STATE.")
}
