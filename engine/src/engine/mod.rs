//! The engine: owns the journals, and takes runs from their beginning to their end.
//!
//! ```text
//! start, resume, undo -> launch -> a thread that drives the run -> Outcome
//! decide, cancel      -> journal or control of that run
//! plan, view, entries, runs, subscribe: look, and change nothing
//! ```

mod error;
mod inspect;
mod launch;
mod open;

pub use error::EngineError;
pub use launch::RunHandle;
pub use open::{KEY_CHECK, Options};

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
///
/// A clone may act for somebody else than the process does: [`Engine::acting`].
#[derive(Clone)]
pub struct Engine(Arc<Inner>, Option<Arc<Origin>>);

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
    /// Moves whenever a thread lets go of its run.
    let_go: watch::Sender<()>,
}

/// A run that a thread drives.
struct Live {
    control: Arc<Control>,
    ledger: Arc<Ledger>,
}

impl Engine {
    /// Returns the same engine in the name of somebody else: what is begun, taken up or decided
    /// through it is journaled as theirs.
    #[must_use]
    pub fn acting(&self, by: Origin) -> Self {
        Engine(self.0.clone(), Some(Arc::new(by)))
    }

    /// Returns who acts through this engine.
    fn by(&self) -> Origin {
        self.1.as_deref().unwrap_or(&self.0.by).clone()
    }
}

impl Inner {
    fn live(&self) -> MutexGuard<'_, HashMap<RunId, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
