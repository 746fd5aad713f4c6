//! Opening the engine.

use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::load::Compiled;
use super::{Engine, EngineError, Inner};
use crate::clock::Clock;
use crate::event::{EventSink, SummaryRecord};
use crate::id::RunId;
use crate::journal::{JournalStore, Origin, RunStatus};
use crate::run::{Points, RunState, World};
use crate::secret::Keyring;
use crate::step::Registry;

/// The name under which the store keeps the check of its master key.
pub const KEY_CHECK: &str = "key_check";

/// What an engine is made of.
pub struct Options {
    /// Where journals are kept.
    pub store: Arc<dyn JournalStore>,
    /// Where keys are kept.
    pub keyring: Keyring,
    /// The steps that runbooks can call.
    pub steps: Registry,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where steps run.
    pub runtime: Handle,
    /// This process: it takes up what an earlier one left, and starts what is due, by itself.
    pub process: Origin,
    /// The version of windlass; for people.
    pub version: String,
    /// Where tests may interfere.
    pub points: Option<Points>,
}

/// Puts the summaries of open runs right: they may lag behind the journals, and then a run that is
/// over would keep its locks, and an answer would wait for another. One
/// that tells of as many entries as there are is right as it is, and its journal is not read: most
/// of a thousand runs wait, and a summary is written with each wait and with each answer.
fn put_right(store: &dyn JournalStore) -> Result<(), EngineError> {
    for (run, listed) in store.summaries(true)? {
        if let Ok(summary) = serde_json::from_slice::<SummaryRecord>(&listed)
            && summary.is_open()
            && summary.entries == store.count(&run)?
        {
            continue;
        }
        // A damaged journal is reported when somebody asks for that run; it stays open.
        let (state, _) = RunState::read(store.read(&run)?).unwrap_or_default();
        let summary = SummaryRecord::of(&run, &state);
        let bytes =
            serde_json::to_vec(&summary).map_err(|e| EngineError::Damaged(e.to_string()))?;
        if state.status.is_some() && bytes != listed {
            store.sync(store.put_summary(&run, summary.is_open(), &bytes)?)?;
        }
    }
    Ok(())
}

/// True if a run is known to be over: its journal says so, or it was forgotten since. Of a run that
/// has no journal nothing is known: it may lie in one that is not mounted, or not imported yet.
fn is_over(store: &dyn JournalStore, run: &RunId) -> bool {
    let forgotten = || {
        let stones = store.tombstones();
        stones.is_ok_and(|stones| stones.iter().any(|(stone, _)| stone == run))
    };
    match store.read(run) {
        Ok(records) if records.is_empty() => forgotten(),
        Ok(records) => RunState::read(records)
            .is_ok_and(|(state, _)| state.status.is_some_and(RunStatus::is_finished)),
        Err(_) => false,
    }
}

impl Engine {
    /// Opens an engine over a store. Runs that have not finished stay as they are until they are resumed.
    ///
    /// # Errors
    /// If the store belongs to another master key, or can't be read.
    pub fn open(options: Options) -> Result<Self, EngineError> {
        let Options { store, keyring, steps, clock, runtime, process, version, points } = options;
        let check = keyring.check();
        match store.value(KEY_CHECK)? {
            Some(recorded) if recorded != check.as_bytes() => {
                return Err(EngineError::WrongMasterKey);
            }
            Some(_) => {}
            None => store.sync(store.put_value(KEY_CHECK, check.as_bytes())?)?,
        }
        put_right(store.as_ref())?;
        keyring.sweep(|run| is_over(store.as_ref(), run))?;
        let world = Arc::new(World { steps, runtime, points });
        let events = EventSink::default();
        let let_go = watch::Sender::new(());
        let inner = Inner {
            store,
            keyring,
            clock,
            world,
            events,
            process,
            version,
            live: Mutex::default(),
            gates: Mutex::default(),
            beginning: Mutex::default(),
            texts: RwLock::default(),
            compiled: Compiled::default(),
            turns: Mutex::default(),
            keeping: Mutex::default(),
            ground: OnceLock::new(),
            let_go,
            answering: Mutex::default(),
        };
        Ok(Engine(Arc::new(inner)))
    }
}
