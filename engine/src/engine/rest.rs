//! Threads of runs: begun, put away while a run waits, begun again.
//!
//! ```text
//! launch -> a thread drives the run -> it ends                     -> let go, RunHandle is told
//!                ^                  -> it waits: put away, no thread
//!                |                                 |
//!                +------------- wake <-------------+  a wait is over, an answer, a cancellation
//! ```

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};

use tokio::sync::oneshot;

use super::{Engine, EngineError, Live, RunHandle};
use crate::event::Summary;
use crate::id::RunId;
use crate::journal::RunStatus;
use crate::run::{Driver, Outcome, Stop};
use crate::runbook::Runbook;
use crate::script::STACK_BYTES;

impl Engine {
    /// Takes up every run that waits, so that it goes on when its time comes. For a process that
    /// stays. Runs that were interrupted at something else are left to people.
    ///
    /// # Errors
    /// If the store is damaged. That one run can't be taken up does not keep the others.
    pub fn resume_waiting(
        &self,
    ) -> Result<Vec<(RunId, Result<RunHandle, EngineError>)>, EngineError> {
        let waits = |run: &Summary| run.status == RunStatus::Waiting && !self.is_driven(&run.run);
        let waiting = self.runs(true)?.into_iter().filter(waits);
        Ok(waiting.map(|run| (run.run.clone(), self.resume(&run.run))).collect())
    }

    /// True if this process holds the run, and no thread does: it waits.
    pub fn is_put_away(&self, run: &RunId) -> bool {
        self.0.live().get(run).is_some_and(|live| live.resting)
    }

    /// Drives a run on a thread of its own until it stops.
    pub(super) fn launch(
        &self,
        mut live: MutexGuard<'_, HashMap<RunId, Live>>,
        run: RunId,
        driver: Arc<Driver>,
        runbook: Runbook,
    ) -> Result<RunHandle, EngineError> {
        let (tell, outcome) = oneshot::channel();
        let (tell, runbook) = (Some(tell), Arc::new(runbook));
        let begun = Live { driver, runbook, tell, resting: false };
        self.begin_thread(&run, &begun)?;
        live.insert(run.clone(), begun);
        Ok(RunHandle { run, outcome })
    }

    /// Takes a run up that was put away.
    pub(super) fn wake(&self, run: &RunId) {
        let mut live = self.0.live();
        let Some(resting) = live.get_mut(run).filter(|live| live.resting) else { return };
        resting.resting = false;
        if let Err(error) = self.begin_thread(run, resting) {
            // Whoever follows the run hears of it; what is recorded can be resumed.
            if let Some(tell) = resting.tell.take() {
                let _ = tell.send(Outcome::Unrecorded(error.to_string()));
            }
            live.remove(run);
            self.0.let_go.send_replace(());
        }
    }

    /// Puts a run away whose thread is about to end.
    fn put_away(&self, run: &RunId) {
        let again = {
            let mut live = self.0.live();
            let Some(live) = live.get_mut(run) else { return };
            live.resting = true;
            live.driver.waits.left_alone();
            // Before this, nobody would have woken it.
            live.driver.waits.any_over() || live.driver.control.is_asked_to_stop()
        };
        if again {
            self.wake(run);
        }
        self.0.clock.at_work(-1);
    }

    fn begin_thread(&self, run: &RunId, live: &Live) -> Result<(), EngineError> {
        let (engine, id) = (self.clone(), run.clone());
        let (driver, runbook) = (live.driver.clone(), live.runbook.clone());
        let drive = move || {
            let gone = Gone(&engine, &id, &driver);
            match driver.drive(&runbook) {
                Stop::Resting => {
                    std::mem::forget(gone);
                    engine.put_away(&id);
                }
                Stop::Ended(outcome) => engine.ended(&id, outcome, gone),
            }
        };
        let thread = std::thread::Builder::new().name(run.to_string()).stack_size(STACK_BYTES);
        self.0.clock.at_work(1);
        thread.spawn(drive).map(drop).map_err(|error| {
            self.0.clock.at_work(-1);
            EngineError::Machine(format!("no thread for {run}: {error}"))
        })
    }

    fn ended(&self, run: &RunId, mut outcome: Outcome, gone: Gone<'_>) {
        gone.2.stop_waiting();
        // Only then: a run that is stuck or put away needs its values when it goes on.
        if matches!(outcome, Outcome::Finished(_))
            && let Err(error) = self.0.keyring.destroy(run)
        {
            let problem = format!("the run is over, but its key remains: {error}");
            outcome = Outcome::Unrecorded(problem);
        }
        let tell = self.0.live().get_mut(run).and_then(|live| live.tell.take());
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
struct Gone<'a>(&'a Engine, &'a RunId, &'a Arc<Driver>);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.2.waits.close();
        self.0.let_go(self.1);
    }
}
