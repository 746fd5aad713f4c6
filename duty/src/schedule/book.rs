//! The book of schedules: keeping them in the store, and changing them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::shown;
use windlass_engine::journal::{JournalStore, Position, StoreError};

use super::Config;
use super::standing::{Kept, Occurrence, Origin, Standing};

const PREFIX: &str = "schedule/";

/// Occurrences that are remembered for each schedule.
const REMEMBERED_MAX: usize = 200;

/// Why a schedule can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// There is none of that name.
    #[error("there is no schedule `{0}`")]
    NoSuchSchedule(String),
    /// A reason would do something to the terminal that shows it.
    #[error("a reason can't hold the control character `{}`", shown::escaped(*.0))]
    ControlCharacter(char),
    /// There is one of that name.
    #[error("there is a schedule `{0}` already")]
    Taken(String),
    /// It is told in the file.
    #[error("the schedule `{0}` is in windlass.toml: change it there")]
    InFile(String),
    /// What is kept can't be read.
    #[error("the stored state of the schedule `{name}` can't be read: {problem}")]
    Unreadable {
        /// The schedule.
        name: String,
        /// What was found.
        problem: String,
    },
    /// The store can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the operating system refused: {0}")]
    Machine(String),
}

/// The schedules that a store keeps. Its methods block.
#[derive(Clone)]
pub struct Book {
    store: Arc<dyn JournalStore>,
}

/// Guards every read that a write depends on. A store is open in one process at a time, so it is
/// enough to guard this process; the ticker and the desk have no other thing in common.
static WRITING: Mutex<()> = Mutex::new(());

/// Wakes the tickers of this process: a schedule was changed.
static CHANGED: Notify = Notify::const_new();

impl Book {
    /// Opens the book of an engine's store.
    pub fn of(engine: &Engine) -> Self {
        Book { store: engine.store().clone() }
    }

    /// Returns what is ready once a schedule is changed after this call, awaited or not.
    pub(crate) fn changed() -> Notified<'static> {
        CHANGED.notified()
    }

    /// Keeps others from changing schedules while the guard lives.
    pub(crate) fn lock() -> MutexGuard<'static, ()> {
        WRITING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the names of the schedules, in order.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn names(&self) -> Result<Vec<String>, BookError> {
        let values = self.store.values(PREFIX, "", usize::MAX)?;
        let name = |(name, _): (String, Vec<u8>)| name.strip_prefix(PREFIX).map(str::to_owned);
        Ok(values.into_iter().filter_map(name).collect())
    }

    /// Returns all schedules, in the order of their names.
    ///
    /// # Errors
    /// If one can't be read.
    pub fn all(&self) -> Result<Vec<Kept>, BookError> {
        let values = self.store.values(PREFIX, "", usize::MAX)?;
        let read = |(place, value): (String, Vec<u8>)| {
            read(place.strip_prefix(PREFIX).unwrap_or(&place), &value)
        };
        values.into_iter().map(read).collect()
    }

    /// Returns a schedule.
    ///
    /// # Errors
    /// If there is none, or it can't be read.
    pub fn get(&self, name: &str) -> Result<Kept, BookError> {
        let value = self.store.value(&format!("{PREFIX}{name}"))?;
        let value = value.ok_or_else(|| BookError::NoSuchSchedule(name.to_owned()))?;
        read(name, &value)
    }

    /// Adds a schedule. It comes for the first time after `now`.
    ///
    /// # Errors
    /// If there is one of that name.
    pub fn add(&self, config: Config, origin: Origin, now: Millis) -> Result<Kept, BookError> {
        let _guard = Self::lock();
        let name = config.name.to_string();
        if self.store.value(&format!("{PREFIX}{name}"))?.is_some() {
            return Err(BookError::Taken(name));
        }
        let kept = Kept { config, origin, standing: fresh(now)? };
        self.change(&kept)?;
        Ok(kept)
    }

    /// Removes a schedule, and what is remembered of it. Its runs stay.
    ///
    /// # Errors
    /// If there is none, or it is told in the file.
    pub fn remove(&self, name: &str) -> Result<(), BookError> {
        let _guard = Self::lock();
        match self.get(name) {
            Ok(kept) if kept.origin == Origin::File => {
                return Err(BookError::InFile(name.to_owned()));
            }
            // One that can't be read can still be removed: there is no other way out.
            Ok(_) | Err(BookError::Unreadable { .. }) => {}
            Err(error) => return Err(error),
        }
        self.forget(name)
    }

    /// Pauses a schedule, or goes on with it: from the next time on.
    ///
    /// # Errors
    /// If there is none.
    pub fn pause(&self, name: &str, reason: Option<&str>, now: Millis) -> Result<Kept, BookError> {
        if let Some(c) = reason.and_then(shown::forbidden) {
            return Err(BookError::ControlCharacter(c));
        }
        let _guard = Self::lock();
        let mut kept = self.get(name)?;
        if reason.is_none() && kept.config.paused && kept.origin == Origin::File {
            return Err(BookError::InFile(name.to_owned()));
        }
        if reason.is_none() {
            kept.config.paused = false;
            kept.standing.through = kept.standing.through.max(now);
        }
        kept.standing.paused = reason.map(str::to_owned);
        self.change(&kept)?;
        Ok(kept)
    }

    /// Makes the schedules of the file what the file says: new ones come, changed ones change,
    /// those that are gone go. How the others stand is kept.
    ///
    /// # Errors
    /// If one has the name of a schedule that was added by command.
    pub fn follow_file(&self, configs: &[Config], now: Millis) -> Result<(), BookError> {
        let _guard = Self::lock();
        for config in configs {
            let name = config.name.as_str();
            let standing = match self.get(name) {
                Ok(kept) if kept.origin == Origin::Command => {
                    return Err(BookError::Taken(name.to_owned()));
                }
                Ok(kept) if kept.config == *config => continue,
                Ok(kept) => moved(&kept, config, now),
                Err(BookError::NoSuchSchedule(_) | BookError::Unreadable { .. }) => fresh(now)?,
                Err(error) => return Err(error),
            };
            self.change(&Kept { config: config.clone(), origin: Origin::File, standing })?;
        }
        for name in self.names()? {
            let told = configs.iter().any(|config| config.name.as_str() == name);
            let from_file = self.get(&name).is_ok_and(|kept| kept.origin == Origin::File);
            if from_file && !told {
                self.forget(&name)?;
            }
        }
        Ok(())
    }

    /// Returns what became of the last times at which a schedule came, latest last.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn occurrences(&self, name: &str) -> Result<Vec<Occurrence>, BookError> {
        let values = self.store.values(&occurrences_of(name), "", usize::MAX)?;
        values.into_iter().map(|(_, value)| read(name, &value)).collect()
    }

    /// Replaces what is kept of a schedule. On return it is visible, and not yet durable.
    pub(crate) fn put(&self, kept: &Kept) -> Result<Position, BookError> {
        let name = &kept.config.name;
        let value = serde_json::to_vec(kept).map_err(|e| unwritable(name.as_str(), &e))?;
        Ok(self.store.put_value(&format!("{PREFIX}{name}"), &value)?)
    }

    /// Records what became of a time. On return it is visible, and not yet durable.
    pub(crate) fn record(&self, name: &str, what: &Occurrence) -> Result<Position, BookError> {
        let value = serde_json::to_vec(what).map_err(|e| unwritable(name, &e))?;
        let place = format!("{}{:015}", occurrences_of(name), what.planned);
        Ok(self.store.put_value(&place, &value)?)
    }

    /// Forgets all but the latest occurrences of a schedule.
    pub(crate) fn prune(&self, name: &str) -> Result<(), BookError> {
        let values = self.store.values(&occurrences_of(name), "", usize::MAX)?;
        let old = values.len().saturating_sub(REMEMBERED_MAX);
        for (place, _) in values.into_iter().take(old) {
            self.store.remove_value(&place)?;
        }
        Ok(())
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&self, position: Position) -> Result<(), BookError> {
        Ok(self.store.sync(position)?)
    }

    fn change(&self, kept: &Kept) -> Result<(), BookError> {
        self.sync(self.put(kept)?)?;
        CHANGED.notify_waiters();
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), BookError> {
        for (place, _) in self.store.values(&occurrences_of(name), "", usize::MAX)? {
            self.store.remove_value(&place)?;
        }
        self.sync(self.store.remove_value(&format!("{PREFIX}{name}"))?)?;
        CHANGED.notify_waiters();
        Ok(())
    }
}

/// Returns the standing of a schedule that is told differently from now on.
fn moved(kept: &Kept, config: &Config, now: Millis) -> Standing {
    let mut standing = kept.standing.clone();
    let as_told = (&kept.config.cron, &kept.config.zone) == (&config.cron, &config.zone);
    if !as_told || kept.config.paused {
        // Times that the new words would have had in the past were never promised.
        standing.through = standing.through.max(now);
    }
    standing
}

fn fresh(now: Millis) -> Result<Standing, BookError> {
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|e| BookError::Machine(e.to_string()))?;
    let salt = u64::from_le_bytes(salt);
    Ok(Standing { salt, since: now, through: now, ..Standing::default() })
}

fn occurrences_of(name: &str) -> String {
    format!("occurrence/{name}/")
}

/// Reads what is kept of a schedule.
fn read<T: DeserializeOwned>(name: &str, value: &[u8]) -> Result<T, BookError> {
    serde_json::from_slice(value)
        .map_err(|e| BookError::Unreadable { name: name.to_owned(), problem: e.to_string() })
}

fn unwritable(name: &str, error: &serde_json::Error) -> BookError {
    BookError::Unreadable { name: name.to_owned(), problem: error.to_string() }
}
