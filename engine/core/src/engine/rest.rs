//! Threads of runs: begun, parked while a run waits, begun again.
//!
//! ```text
//! launch -> a thread drives the run -> it ends                     -> let go, RunHandle is told
//!                ^                  -> it waits: parked, no thread
//!                |                                 |
//!                +------------- wake <-------------+  a wait is over, an answer, a cancellation
//! ```
//!
//! A run that waits is not kept in memory (`run/standby`): whoever needs its journal loads it.

use super::hand::Live;
use super::life::{Happens, Life};
use super::turns::Turn;
use super::{Drive, Engine, EngineError, RunHandle};
use crate::event::SummaryRecord;
use crate::id::RunId;
use crate::journal::RunStatus;
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
        let waiting = self.records_beside(true)?.into_iter().filter(waits);
        let waiting = waiting.filter(|run| !self.is_driven(&run.run));
        let here = self.elsewhere();
        Ok(waiting
            .map(|run| (run.run.clone(), here(&run).and_then(|()| self.stand_by(&run))))
            .collect())
    }

    /// True if this process holds the run, and no thread does: it waits.
    pub fn is_put_away(&self, run: &RunId) -> bool {
        self.0.live().get(run).is_some_and(|live| live.life == Life::Resting)
    }

    /// Waits for what a run waits for, without a thread if that can be done.
    pub(super) fn stand_by(&self, summary: &SummaryRecord) -> Result<RunHandle, EngineError> {
        let run = &summary.run;
        self.0.alone(run, || {
            if self.is_driven(run) {
                return Err(EngineError::AlreadyDriven(run.clone()));
            }
            let standby = self.standby(run);
            let (clock, runtime) = (&self.0.clock, &self.0.world.runtime);
            // An answer that nothing has come of yet is acted upon by the script alone.
            let begun = !summary.answered
                && !summary.waits.is_empty()
                && (standby.begin(&summary.waits, clock, runtime)
                    || self.wait_again(run, &standby)?);
            if !begun {
                return self.queue(run);
            }
            standby.waits.left_alone();
            let (resting, outcome) = Live::new(Life::Resting, standby.clone(), None);
            drop(self.insert(run, resting)?);
            // Before this, a wait that was over at once would have woken nobody.
            if standby.waits.any_over() {
                self.wake(run);
            }
            Ok(RunHandle { run: run.clone(), outcome })
        })
    }

    /// Begins the waits of a run as its journal tells them. False if they can't be.
    fn wait_again(&self, run: &RunId, standby: &Standby) -> Result<bool, EngineError> {
        Ok(self.read(run, standby.clone())?.driver.wait_again())
    }

    /// Puts a run away whose thread is about to end.
    fn put_away(&self, run: &RunId) {
        let again = {
            let mut live = self.0.live();
            let Some(live) = live.get_mut(run) else { return };
            live.happens(Happens::Rests);
            let standby = &live.hand.standby;
            standby.waits.left_alone();
            // Before this, nobody would have woken it.
            let again = standby.waits.any_over() || standby.control.is_asked_to_stop();
            if !again && live.users == 0 {
                live.hand.unload();
            }
            again
        };
        if again {
            self.wake(run);
        }
        self.0.clock.at_work(-1);
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
        let unknown = || EngineError::NoSuchRun(run.to_string());
        let unrecorded = |error: EngineError| Stop::Ended(Outcome::Unrecorded(error.to_string()));
        let Some(hand) = self.hand(run) else { return unrecorded(unknown()) };
        let Drive { driver, runbook } = match self.load(run, &hand) {
            Ok(drive) => drive,
            Err(error) => return unrecorded(error),
        };
        // Before anything is recorded: it may take its time.
        if let Some(stop) = driver.arrived(&runbook) {
            return stop;
        }
        match self.loaded(run, &hand) {
            Ok(Drive { driver, runbook }) => driver.drive(&runbook),
            Err(error) => unrecorded(error),
        }
    }

    fn ended(&self, mut outcome: Outcome, gone: Gone<'_>) {
        gone.standby.stop(&self.0.world.runtime);
        // Only then: a run that is stuck or parked needs its values when it goes on.
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
