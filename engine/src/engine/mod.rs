//! The engine: owns the journals, and takes runs from their beginning to their end.
//!
//! ```text
//! start, resume, undo -> launch -> a thread that drives the run -> Outcome
//! decide, cancel      -> journal or control of that run
//! plan, view, entries, runs, subscribe: look, and change nothing
//! backup, prunable, forget: keep house
//! ```

mod backup;
mod error;
mod inspect;
mod launch;
mod open;
mod prune;

pub use backup::Gone;
pub use error::EngineError;
pub use launch::RunHandle;
pub use open::{KEY_CHECK, Options};
pub use prune::{Retention, Tombstone};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::event::EventSink;
use crate::id::RunId;
use crate::journal::{JournalStore, Origin};
use crate::run::{Control, Ledger, World};
use crate::secret::Keyring;

/// The engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Arc<dyn JournalStore>,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    world: Arc<World>,
    events: EventSink,
    by: Origin,
    place: String,
    version: String,
    /// Runs that a thread of this process drives. Also guards the taking of locks.
    live: Mutex<HashMap<RunId, Live>>,
    /// Held by a backup and by what forgets runs: one of them at a time.
    keeping: Mutex<()>,
    /// Moves whenever a thread lets go of its run.
    let_go: watch::Sender<()>,
}

/// A run that a thread drives.
struct Live {
    control: Arc<Control>,
    ledger: Arc<Ledger>,
}

impl Inner {
    fn live(&self) -> MutexGuard<'_, HashMap<RunId, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
