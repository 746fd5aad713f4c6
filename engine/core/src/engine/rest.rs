//! Threads of runs: begun, put away while a run waits, begun again.
//!
//! ```text
//! launch -> a thread drives the run -> it ends                     -> let go, RunHandle is told
//!                ^                  -> it waits: put away, no thread
//!                |                                 |
//!                +------------- wake <-------------+  a wait is over, an answer, a cancellation
//! ```
//!
//! A run that waits is not kept in memory (`run/standby`): whoever needs its journal loads it.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};

use tokio::sync::oneshot;

use super::turns::Turn;
use super::{Drive, Engine, EngineError, Live, RunHandle};
use crate::event::SummaryRecord;
use crate::id::RunId;
use crate::journal::{Body, RunStatus};
use crate::run::{Outcome, Standby, Stop};
use crate::script::STACK_BYTES;

/// A run, and who follows it, or why it could not be taken up.
pub type TakenUp = (RunId, Result<RunHandle, EngineError>);

impl Engine {
    /// Takes up every run that waits, so that it goes on when its time comes. For a process that
    /// stays. Runs that were interrupted at something else are left to [`Engine::resume`].
    ///
    /// What a run waits for is taken from its line in lists, which was put right when the engine
    /// was opened; so neither its script is evaluated nor, as a rule, its journal read.
    ///
    /// # Errors
    /// If the store is damaged. That one run can't be taken up does not keep the others.
    pub fn resume_waiting(&self) -> Result<Vec<TakenUp>, EngineError> {
        let waits = |run: &SummaryRecord| run.status == RunStatus::Waiting;
        let waiting = self.records_beside(&self.0.live(), true)?.into_iter().filter(waits);
        let waiting = waiting.filter(|run| !self.is_driven(&run.run));
        let here = self.elsewhere();
        Ok(waiting
            .map(|run| (run.run.clone(), here(&run).and_then(|()| self.stand_by(&run))))
            .collect())
    }

    /// True if this process holds the run, and no thread does: it waits.
    pub fn is_put_away(&self, run: &RunId) -> bool {
        self.0.live().get(run).is_some_and(|live| live.resting)
    }

    /// Asks every run that is being driven to stop after its current call, and lets go of those that
    /// wait or queue.
    pub fn park_all(&self) {
        let mut live = self.0.live();
        let waiting = live.iter().filter(|(_, live)| live.resting).map(|(run, _)| run.clone());
        let idle: Vec<RunId> = waiting.chain(self.0.turns().clear()).collect();
        for live in idle.iter().filter_map(|run| live.remove(run)) {
            // Where it stands is recorded: there is nothing left to do, and no thread to do it.
            live.standby.waits.close();
            // Nobody has to listen.
            live.tell.into_iter().for_each(|tell| drop(tell.send(Outcome::Parked)));
        }
        live.values().for_each(|live| live.standby.control.park());
        drop(live);
        self.0.let_go.send_replace(());
    }

    /// Waits for what a run waits for, without a thread if that can be done.
    pub(super) fn stand_by(&self, summary: &SummaryRecord) -> Result<RunHandle, EngineError> {
        let run = &summary.run;
        let mut live = self.0.live();
        if live.contains_key(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        let standby = self.standby(run);
        let (clock, runtime) = (&self.0.clock, &self.0.world.runtime);
        // An answer that nothing has come of yet is acted upon by the script alone.
        let begun = !summary.answered
            && !summary.waits.is_empty()
            && (standby.begin(&summary.waits, clock, runtime) || self.wait_again(run, &standby)?);
        if !begun {
            drop(live);
            return self.queue(run);
        }
        let (tell, outcome) = oneshot::channel();
        standby.waits.left_alone();
        let (tell, resting, users, taken_over) = (Some(tell), true, 0, false);
        let resting = Live { drive: None, standby, tell, resting, users, taken_over };
        live.insert(run.clone(), resting);
        drop(live);
        // Before this, a wait that was over at once would have woken nobody.
        if self.0.live().get(run).is_some_and(|live| live.standby.waits.any_over()) {
            self.wake(run);
        }
        Ok(RunHandle { run: run.clone(), outcome })
    }

    /// Begins the waits of a run as its journal tells them. False if they can't be.
    fn wait_again(&self, run: &RunId, standby: &Standby) -> Result<bool, EngineError> {
        let ledger = self.ledger(run)?;
        let created = ledger.look(|state| state.created.clone());
        let created = created.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
        Ok(self.driver_of(&created, ledger, standby.clone())?.wait_again())
    }

    /// Drives a run on a thread of its own until it stops.
    pub(super) fn launch(
        &self,
        mut live: MutexGuard<'_, HashMap<RunId, Live>>,
        run: RunId,
        drive: Drive,
    ) -> Result<RunHandle, EngineError> {
        let (tell, outcome) = oneshot::channel();
        let (standby, tell) = (drive.driver.standby.clone(), Some(tell));
        self.begin_thread(&run, &standby)?;
        let (resting, users, taken_over) = (false, 0, true);
        let drive = Some(drive);
        live.insert(run.clone(), Live { drive, standby, tell, resting, users, taken_over });
        Ok(RunHandle { run, outcome })
    }

    /// Takes a run up that was put away.
    pub(super) fn wake(&self, run: &RunId) {
        let mut live = self.0.live();
        let Some(resting) = live.get_mut(run).filter(|live| live.resting) else { return };
        resting.resting = false;
        if let Err(error) = self.begin_thread(run, &resting.standby) {
            // Whoever follows the run hears of it; what is recorded can be resumed.
            if let Some(tell) = resting.tell.take() {
                let _ = tell.send(Outcome::Unrecorded(error.to_string()));
            }
            live.remove(run);
            self.0.let_go.send_replace(());
        }
    }

    /// Returns what drives a run that this process has in hand, from the store if it waited.
    pub(super) fn loaded(&self, run: &RunId, live: &mut Live) -> Result<Drive, EngineError> {
        let drive = self.load(run, live)?;
        self.take_over(&drive, live)?;
        Ok(drive)
    }

    /// As [`Engine::loaded`], and records nothing.
    fn load(&self, run: &RunId, live: &mut Live) -> Result<Drive, EngineError> {
        if let Some(drive) = &live.drive {
            return Ok(drive.clone());
        }
        let ledger = self.ledger(run)?;
        let created = ledger.look(|state| state.created.clone());
        let created = created.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
        let runbook = Arc::new(self.recorded_runbook(&created)?);
        let driver = self.driver_of(&created, ledger, live.standby.clone())?;
        Ok(live.drive.insert(Drive { driver, runbook }).clone())
    }

    /// Records, once, that this process has taken the run over.
    fn take_over(&self, drive: &Drive, live: &mut Live) -> Result<(), EngineError> {
        if live.taken_over {
            return Ok(());
        }
        let driver = &drive.driver;
        driver.ledger.append(Body::Resumed { by: self.0.process.clone() })?;
        live.taken_over = true;
        // A decision that was recorded before a crash is carried out.
        if let Some(reason) = driver.ledger.look(|state| state.cancel.clone()) {
            driver.standby.control.cancel(&reason);
        }
        Ok(())
    }

    /// Puts a run away whose thread is about to end.
    fn put_away(&self, run: &RunId) {
        let again = {
            let mut live = self.0.live();
            let Some(live) = live.get_mut(run) else { return };
            live.resting = true;
            let standby = &live.standby;
            standby.waits.left_alone();
            // Before this, nobody would have woken it.
            let again = standby.waits.any_over() || standby.control.is_asked_to_stop();
            if !again && live.users == 0 {
                live.drive = None;
            }
            again
        };
        if again {
            self.wake(run);
        }
        self.0.clock.at_work(-1);
    }

    /// Gives a run a thread, now or when its turn comes. The caller holds `live`.
    pub(super) fn begin_thread(&self, run: &RunId, standby: &Standby) -> Result<(), EngineError> {
        let now = self.0.turns().take(run);
        if !now {
            return Ok(());
        }
        self.spawn(run, standby).inspect_err(|_| self.0.turns().untake())
    }

    pub(super) fn spawn(&self, run: &RunId, standby: &Standby) -> Result<(), EngineError> {
        let (engine, id, standby) = (self.clone(), run.clone(), standby.clone());
        let drive = move || {
            let _turn = Turn(&engine);
            let gone = Gone { engine: &engine, run: &id, standby: &standby };
            match engine.drive(&id) {
                Stop::Resting => {
                    std::mem::forget(gone);
                    engine.put_away(&id);
                }
                Stop::Ended(outcome) => engine.ended(outcome, gone),
            }
        };
        let thread = std::thread::Builder::new().name(run.to_string()).stack_size(STACK_BYTES);
        self.0.clock.at_work(1);
        thread.spawn(drive).map(drop).map_err(|error| {
            self.0.clock.at_work(-1);
            EngineError::Machine(format!("no thread for {run}: {error}"))
        })
    }

    fn drive(&self, run: &RunId) -> Stop {
        let of_live = |then: &dyn Fn(&mut Live) -> Result<Drive, EngineError>| {
            let mut live = self.0.live();
            let unknown = || EngineError::NoSuchRun(run.to_string());
            live.get_mut(run).ok_or_else(unknown).and_then(then)
        };
        let unrecorded = |error: EngineError| Stop::Ended(Outcome::Unrecorded(error.to_string()));
        let Drive { driver, runbook } = match of_live(&|live| self.load(run, live)) {
            Ok(drive) => drive,
            Err(error) => return unrecorded(error),
        };
        // Before anything is recorded, and without holding the others up: it may take its time.
        if let Some(stop) = driver.arrived(&runbook) {
            return stop;
        }
        match of_live(&|live| self.loaded(run, live)) {
            Ok(Drive { driver, runbook }) => driver.drive(&runbook),
            Err(error) => unrecorded(error),
        }
    }

    fn ended(&self, mut outcome: Outcome, gone: Gone<'_>) {
        gone.standby.stop(&self.0.world.runtime);
        // Only then: a run that is stuck or put away needs its values when it goes on.
        if matches!(outcome, Outcome::Finished(_))
            && let Err(error) = self.0.keyring.destroy(gone.run)
        {
            let problem = format!("the run is over, but its key remains: {error}");
            outcome = Outcome::Unrecorded(problem);
        }
        let tell = self.0.live().get_mut(gone.run).and_then(|live| live.tell.take());
        // Whoever hears of the outcome must find the run let go of.
        drop(gone);
        // Nobody has to listen.
        tell.into_iter().for_each(|tell| drop(tell.send(outcome.clone())));
    }

    /// Forgets a run that no thread drives any more, and wakes those who wait for that.
    fn let_go(&self, run: &RunId) {
        self.0.live().remove(run);
        self.0.clock.at_work(-1);
        self.0.let_go.send_replace(());
    }
}

/// Forgets a run that is no longer driven, however its thread ended.
struct Gone<'a> {
    engine: &'a Engine,
    run: &'a RunId,
    standby: &'a Standby,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.standby.waits.close();
        self.engine.let_go(self.run);
    }
}
