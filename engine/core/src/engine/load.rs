//! Reading a run: its journal once, its runbook compiled once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::hand::Hand;
use super::{Drive, Engine, EngineError};
use crate::id::RunId;
use crate::journal::{Body, Created, Hash, Language, RunStatus, text_hash};
use crate::run::{Driver, Ledger, Sealed, Standby, Threads};
use crate::runbook::Runbook;
use crate::secret::SealedValues;

/// So many compiled runbooks are kept.
const COMPILED_MAX: usize = 32;

/// Runbooks that were compiled before, the last one last: a run that waits is read again each time
/// that it looks, and its text does not change.
#[derive(Default)]
pub(super) struct Compiled(Mutex<VecDeque<(Key, Arc<Runbook>)>>);

/// The name of a runbook is in its mistakes.
type Key = (String, Hash, Language);

impl Compiled {
    fn get(&self, key: &Key) -> Option<Arc<Runbook>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(kept, _)| kept == key)?;
        let found = kept.remove(at)?;
        let runbook = found.1.clone();
        kept.push_back(found);
        Some(runbook)
    }

    /// Keeps a runbook.
    pub(super) fn put(&self, runbook: Arc<Runbook>) {
        let key = (runbook.name().to_owned(), runbook.hash(), runbook.language());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(kept, _)| *kept != key);
        kept.push_back((key, runbook));
        if kept.len() > COMPILED_MAX {
            kept.pop_front();
        }
    }
}

impl Engine {
    /// Returns what drives a run that this process has in hand, from the store if it waited; the
    /// journal says from then on that this process has taken it over.
    pub(super) fn loaded(&self, run: &RunId, hand: &Hand) -> Result<Drive, EngineError> {
        self.0.alone(run, || {
            let drive = self.load_alone(run, hand)?;
            self.take_over(&drive, hand)?;
            Ok(drive)
        })
    }

    /// As [`Engine::loaded`], and records nothing.
    pub(super) fn load(&self, run: &RunId, hand: &Hand) -> Result<Drive, EngineError> {
        self.0.alone(run, || self.load_alone(run, hand))
    }

    fn load_alone(&self, run: &RunId, hand: &Hand) -> Result<Drive, EngineError> {
        if let Some(drive) = hand.drive() {
            return Ok(drive);
        }
        let drive = self.read(run, hand.standby.clone())?;
        hand.keep(drive.clone());
        Ok(drive)
    }

    /// Records, once, that this process has taken the run over.
    fn take_over(&self, drive: &Drive, hand: &Hand) -> Result<(), EngineError> {
        if hand.is_taken_over() {
            return Ok(());
        }
        let driver = &drive.driver;
        driver.ledger.append(Body::Resumed { by: self.0.process.clone() })?;
        hand.is_now_taken_over();
        // A decision that was recorded before a crash is carried out.
        if let Some(reason) = driver.ledger.look(|state| state.cancel.clone()) {
            driver.standby.control.cancel(&reason);
        }
        Ok(())
    }

    /// Reads a run that has not finished.
    pub(super) fn read(&self, run: &RunId, standby: Standby) -> Result<Drive, EngineError> {
        let (ledger, sealed) = self.opened(run)?;
        let (status, created) = ledger.look(|state| (state.status, state.created.clone()));
        let created = created.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
        if let Some(RunStatus::Finished(end)) = status {
            return Err(EngineError::Over { run: run.clone(), end });
        }
        let runbook = self.recorded_runbook(&created)?;
        let driver = self.driver_of(run, ledger, &sealed, standby)?;
        Ok(Drive { driver, runbook })
    }

    pub(super) fn recorded_runbook(&self, created: &Created) -> Result<Arc<Runbook>, EngineError> {
        let key = (created.runbook.clone(), created.text.clone(), created.language);
        if let Some(runbook) = self.0.compiled.get(&key) {
            return Ok(runbook);
        }
        let text = self.0.store.value(&created.text)?.ok_or_else(|| {
            EngineError::Damaged(format!("the text of {} is missing", created.runbook))
        })?;
        if text_hash(&text) != created.text {
            return Err(EngineError::Damaged(format!(
                "the text of {} is not the one with which {} began: it was changed in the store",
                created.runbook, created.run
            )));
        }
        let text = String::from_utf8_lossy(&text);
        let steps = &self.0.world.steps;
        let runbook = Runbook::recorded(&created.runbook, &text, created.language, steps)?;
        let runbook = Arc::new(runbook);
        self.0.compiled.put(runbook.clone());
        Ok(runbook)
    }

    /// Opens the journal of a run.
    pub(super) fn ledger(&self, run: &RunId) -> Result<Ledger, EngineError> {
        self.opened(run).map(|(ledger, _)| ledger)
    }

    /// Opens the journal of a run, with the values that it has sealed so far.
    pub(super) fn opened(&self, run: &RunId) -> Result<(Ledger, Sealed), EngineError> {
        let (store, clock) = (self.0.store.clone(), self.0.clock.clone());
        // A store that can't be read just now is no damaged journal.
        let records = store.read(run)?;
        Ledger::open(run.clone(), records, store, clock, self.0.events.clone())
            .map_err(EngineError::Damaged)
    }

    /// Returns what stays of a run while it waits.
    pub(super) fn standby(&self, run: &RunId) -> Standby {
        let (engine, of) = (Arc::downgrade(&self.0), run.clone());
        let wake = move || {
            // Without an engine there is nobody who could go on with the run.
            engine.upgrade().into_iter().for_each(|engine| Engine(engine).wake(&of));
        };
        Standby::new(self.0.clock.clone(), Arc::new(wake))
    }

    pub(super) fn driver(
        &self,
        ledger: Ledger,
        sealed: SealedValues,
        standby: Standby,
    ) -> Arc<Driver> {
        let threads = Threads::new(self.0.clock.clone(), standby.control.clone());
        let (world, ledger, sealed) = (self.0.world.clone(), Arc::new(ledger), Arc::new(sealed));
        Arc::new(Driver { world, ledger, sealed, standby, threads, place: OnceLock::new() })
    }

    /// Returns a driver with the values that a run has sealed so far.
    pub(super) fn driver_of(
        &self,
        run: &RunId,
        ledger: Ledger,
        sealed: &Sealed,
        standby: Standby,
    ) -> Result<Arc<Driver>, EngineError> {
        let values = self.0.keyring.resume(run)?;
        values.restore(sealed);
        Ok(self.driver(ledger, values, standby))
    }
}
