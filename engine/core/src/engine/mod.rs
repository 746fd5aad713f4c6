//! The engine: owns the journals, and takes runs from their beginning to their end.
//!
//! ```text
//! start, resume, undo -> launch -> a thread that drives the run -> Outcome
//! decide, cancel      -> journal or control of that run
//! approve, deny, answer: people, to a run that waits for them
//! plan, view, entries, runs, subscribe: look, and change nothing
//! backup, prunable, forget: keep house
//! ```

mod answer;
mod archive;
mod backup;
mod error;
mod hand;
mod hold;
mod inspect;
mod launch;
mod life;
mod load;
mod open;
mod place;
mod prune;
mod rest;
mod turns;

pub use answer::{Approved, Person};
pub use backup::Gone;
pub use error::EngineError;
pub use launch::RunHandle;
pub use open::{KEY_CHECK, Options};
pub use prune::{Retention, Tombstone};
pub use rest::TakenUp;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::event::EventSink;
use crate::id::RunId;
use crate::journal::{JournalStore, Origin};
use crate::run::{Driver, World};
use crate::runbook::Runbook;
use crate::secret::Keyring;

/// The engine. Cheap to clone; all clones are the same engine.
///
/// Whatever begins, moves or decides something is told who asks for it: nobody is assumed.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Arc<dyn JournalStore>,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    world: Arc<World>,
    events: EventSink,
    process: Origin,
    version: String,
    /// Runs that this process has in hand. Locked for a moment only (`hand`).
    live: Mutex<hand::Hands>,
    /// One lock for each run that somebody is at: held while it is read, and recorded in from outside.
    gates: Mutex<HashMap<RunId, Arc<Mutex<()>>>>,
    /// The locks of runs that are being recorded for the first time.
    beginning: Mutex<HashMap<RunId, Vec<String>>>,
    /// Held by what removes texts of runbooks; shared by those who begin runs with them.
    texts: RwLock<()>,
    /// Runbooks that were compiled before.
    compiled: load::Compiled,
    /// Which of them may have a thread. Locked after `live`.
    turns: Mutex<turns::Turns>,
    /// Held by a backup and by what forgets runs: one of them at a time.
    keeping: Mutex<()>,
    /// Locks under which a run would end this process itself.
    ground: OnceLock<Vec<String>>,
    /// Moves whenever a run is let go of.
    let_go: watch::Sender<()>,
    /// Held while an answer to a run is weighed: one at a time.
    answering: Mutex<HashMap<RunId, Weak<tokio::sync::Mutex<()>>>>,
}

/// What drives a run: its journal, open for writing, and its runbook.
#[derive(Clone)]
struct Drive {
    driver: Arc<Driver>,
    runbook: Arc<Runbook>,
}

impl Inner {
    fn turns(&self) -> MutexGuard<'_, turns::Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
