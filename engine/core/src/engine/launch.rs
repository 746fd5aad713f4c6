//! Beginning, resuming, deciding: what moves a run.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::place::Answer;
use super::{Drive, Engine, EngineError, Live};
use crate::event::{Act, Needed, RunView};
use crate::id::RunId;
use crate::journal::{Body, Chain, Created, Decision, Origin, RunStatus, next, text_hash};
use crate::run::{Driver, Ledger, Outcome, Standby, Threads, in_question};
use crate::runbook::Runbook;
use crate::secret::{SealedValues, Secret};

/// A run that a thread drives.
pub struct RunHandle {
    /// The run.
    pub run: RunId,
    pub(super) outcome: oneshot::Receiver<Outcome>,
}

impl RunHandle {
    /// Returns how far the run got, when it stops. A run that waits has not stopped.
    pub async fn outcome(self) -> Outcome {
        let bug = || Outcome::Unrecorded("the thread that drove the run died: a bug".to_owned());
        self.outcome.await.unwrap_or_else(|_| bug())
    }
}

impl Engine {
    /// Begins a run. When this returns, the run is recorded durably and goes on by itself.
    ///
    /// # Errors
    /// If a parameter does not fit, a lock is held, or the run can't be recorded.
    pub fn start(
        &self,
        runbook: &Runbook,
        by: &Origin,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
    ) -> Result<RunHandle, EngineError> {
        self.start_because(runbook, by, given, secrets, None)
    }

    /// Begins a run, and records what started it: so whoever started it knows it again after a
    /// crash, and does not start it twice.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_because(
        &self,
        runbook: &Runbook,
        by: &Origin,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
        cause: Option<String>,
    ) -> Result<RunHandle, EngineError> {
        let ground = self.0.ground.get().map_or(&[][..], Vec::as_slice);
        self.begin(runbook, by, given, secrets, cause, ground)
    }

    /// Says under which locks a run would end this very process: a node that it runs on, a secret
    /// that its own service uses. Such a run is not begun without a word.
    pub fn stands_on(&self, locks: Vec<String>) {
        // A process does not move: what was said first stays true.
        let _ = self.0.ground.set(locks);
    }

    /// Begins a run although it may end this process in the middle. It goes on when the process is
    /// started again.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_anyway(
        &self,
        runbook: &Runbook,
        by: &Origin,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
        cause: Option<String>,
    ) -> Result<RunHandle, EngineError> {
        self.begin(runbook, by, given, secrets, cause, &[])
    }

    /// Begins a run, but not under one of the locks in `ground`.
    fn begin(
        &self,
        runbook: &Runbook,
        by: &Origin,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
        cause: Option<String>,
        ground: &[String],
    ) -> Result<RunHandle, EngineError> {
        let names: Vec<String> = secrets.iter().map(|(name, _)| name.clone()).collect();
        let params = runbook.header().values(given, &names)?;
        let locks = runbook.header().locks(&params);
        if let Some(lock) = ground.iter().find(|lock| locks.contains(lock)) {
            return Err(EngineError::OwnGround { lock: lock.clone() });
        }
        let identity = self.may_block(self.place_for(runbook))?.flatten();
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|e| EngineError::Machine(e.to_string()))?;
        let run = RunId::new(self.0.clock.now(), u128::from_le_bytes(random));

        let live = self.0.live();
        self.check_locks(&live, &locks)?;
        let sealed = self.0.keyring.begin(&run)?;
        for (name, value) in secrets {
            sealed.seal(&name, value).map_err(|e| EngineError::Machine(e.to_string()))?;
        }
        let ledger = self.ledger(&run)?;
        self.0.store.put_value(&runbook.hash(), runbook.text().as_bytes())?;
        ledger.record(Body::Created(Box::new(Created {
            run: run.clone(),
            runbook: runbook.name().to_owned(),
            title: runbook.header().title.clone(),
            text: runbook.hash(),
            params,
            sealed: sealed.take_fresh(),
            locks,
            place: self.0.place.clone(),
            identity,
            by: by.clone(),
            version: self.0.version.clone(),
            cause,
            language: runbook.language(),
        })))?;
        let driver = self.driver(ledger, sealed, self.standby(&run));
        self.launch(live, run, Drive { driver, runbook: Arc::new(runbook.clone()) })
    }

    /// Takes up a run that was interrupted.
    ///
    /// # Errors
    /// If it is over, stuck, driven already, or can't be read.
    pub fn resume(&self, run: &RunId, by: &Origin) -> Result<RunHandle, EngineError> {
        self.take_up(run, by, None)
    }

    /// Takes everything back that an interrupted or stuck run did.
    ///
    /// # Errors
    /// If it is over or past its pivot, driven already, or can't be read.
    pub fn undo(&self, run: &RunId, by: &Origin, reason: &str) -> Result<RunHandle, EngineError> {
        EngineError::if_not_fit(reason)?;
        self.take_up(run, by, Some(reason))
    }

    /// Asks a run that is being driven to stop and take everything back.
    ///
    /// # Errors
    /// If it is not being driven by this process, or is past its pivot.
    pub fn cancel(&self, run: &RunId, by: &Origin, reason: &str) -> Result<(), EngineError> {
        EngineError::if_not_fit(reason)?;
        self.may_block(self.same_place(run, Answer::Welcome))?;
        let mut live = self.0.live();
        let not_driven = || EngineError::NotNow(format!("{run} is not being driven"));
        let driver = self.loaded(run, live.get_mut(run).ok_or_else(not_driven)?)?.driver;
        if let Some(pivot) = driver.ledger.look(|state| state.pivot.clone()) {
            return Err(EngineError::PastPivot { run: run.clone(), pivot });
        }
        let decision = Decision::Cancel;
        let (reason_given, by) = (reason.to_owned(), by.clone());
        driver.ledger.record(Body::Decided { decision, reason: reason_given, by })?;
        driver.standby.control.cancel(reason);
        drop(live);
        self.wake(run);
        Ok(())
    }

    /// Records a person's decision about a stuck run; a resume acts on it.
    ///
    /// # Errors
    /// If the run is not stuck, or the decision does not fit where the call stands.
    pub fn decide(
        &self,
        run: &RunId,
        by: &Origin,
        decision: Decision,
        reason: &str,
    ) -> Result<(), EngineError> {
        EngineError::if_not_fit(reason)?;
        if self.0.live().contains_key(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        self.may_block(self.same_place(run, Answer::Welcome))?;
        let ledger = self.ledger(run)?;
        let (status, call) = ledger
            .look(|state| (state.status, decision.key().and_then(|key| state.status_of(key))));
        if let Some(RunStatus::Finished(end)) = status {
            return Err(EngineError::Over { run: run.clone(), end });
        }
        if let (Some(key), None) = (decision.key(), call) {
            return Err(EngineError::NoSuchCall { run: run.clone(), key: key.clone() });
        }
        let body = Body::Decided { decision, reason: reason.to_owned(), by: by.clone() };
        if next(status, call, &body).is_err() {
            let about = body.key().map(|key| format!("call {key} of ")).unwrap_or_default();
            let why = if status.is_some_and(RunStatus::is_stuck) {
                "is not what the run is stuck over"
            } else {
                "is not stuck: there is nothing to decide"
            };
            return Err(EngineError::NotNow(format!("{about}{run} {why}")));
        }
        self.fits(run, &ledger, &body)?;
        ledger.record(body)?;
        Ok(())
    }

    /// Refuses to leave a call out whose outcome the script needs, and an outcome that it can't be.
    fn fits(&self, run: &RunId, ledger: &Ledger, body: &Body) -> Result<(), EngineError> {
        let Body::Decided { decision, .. } = body else { return Ok(()) };
        let (key, told) = match decision {
            Decision::Skip { key } => (key, &Value::Null),
            Decision::MarkDone { key, output } => (key, output),
            Decision::Retry { .. } | Decision::Cancel | Decision::GoOn => return Ok(()),
        };
        let state = ledger.look(Clone::clone);
        let needed = if in_question(&state).as_ref() == Some(key) {
            self.needed(&state)
        } else {
            Needed::Nothing
        };
        let step = state.calls.get(key).and_then(|call| self.steps().get(&call.step));
        let (Some(step), true) = (step, needed != Needed::Nothing || !told.is_null()) else {
            return Ok(());
        };
        let Err(error) = step.check_output(told) else { return Ok(()) };
        let problem = if told.is_null() { "nothing is told".to_owned() } else { error.problem };
        let example = match needed {
            Needed::Output(example) => example,
            Needed::Nothing => Value::Null,
        };
        let (run, key, step) = (run.clone(), key.clone(), error.step.into_owned());
        Err(EngineError::Output { run, key, step, problem, example: Box::new(example) })
    }

    fn take_up(
        &self,
        run: &RunId,
        by: &Origin,
        undo: Option<&str>,
    ) -> Result<RunHandle, EngineError> {
        if !self.is_driven(run) {
            self.may_block(self.same_place(run, Answer::Needed))?;
        }
        let mut live = self.0.live();
        if let Some(driven) = live.get_mut(run) {
            let drive = self.loaded(run, driven)?;
            return Err(match drive.driver.ledger.look(|state| state.pivot.clone()) {
                Some(pivot) if undo.is_some() => EngineError::PastPivot { run: run.clone(), pivot },
                _ => EngineError::AlreadyDriven(run.clone()),
            });
        }
        let ledger = self.ledger(run)?;
        let (status, pivot, created) =
            ledger.look(|s| (s.status, s.pivot.clone(), s.created.clone()));
        let created = created.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
        match (status, undo) {
            (Some(RunStatus::Finished(end)), _) => {
                return Err(EngineError::Over { run: run.clone(), end });
            }
            (Some(status), None) if status.is_stuck() => {
                let view = ledger.look(|state| RunView::of(run, state, false, &Needed::Nothing));
                if view.safe.iter().all(|safe| safe.act != Act::Resume) {
                    return Err(EngineError::Stuck(Box::new(view)));
                }
                // There is nothing to decide about a call: going on is the only decision there is.
                let (decision, reason) = (Decision::GoOn, "resumed".to_owned());
                ledger.record(Body::Decided { decision, reason, by: by.clone() })?;
            }
            _ => {}
        }
        if let (Some(pivot), Some(_)) = (&pivot, undo) {
            return Err(EngineError::PastPivot { run: run.clone(), pivot: pivot.clone() });
        }
        let runbook = self.recorded_runbook(&created)?;
        let driver = self.driver_of(&created, ledger, self.standby(run))?;
        driver.ledger.append(Body::Resumed { by: by.clone() })?;
        if let Some(reason) = undo {
            let (decision, reason) = (Decision::Cancel, reason.to_owned());
            driver.ledger.record(Body::Decided { decision, reason, by: by.clone() })?;
        }
        // Asked for now, or before a crash: a decision that is recorded is carried out.
        if let Some(reason) = driver.ledger.look(|state| state.cancel.clone()) {
            driver.standby.control.cancel(&reason);
        }
        self.launch(live, run.clone(), Drive { driver, runbook: Arc::new(runbook) })
    }

    fn check_locks(
        &self,
        live: &HashMap<RunId, Live>,
        wanted: &[String],
    ) -> Result<(), EngineError> {
        for summary in self.records_beside(live, true)? {
            if let Some(lock) = wanted.iter().find(|lock| summary.locks.contains(lock)) {
                return Err(EngineError::Locked { lock: lock.clone(), by: summary.run });
            }
        }
        Ok(())
    }

    pub(super) fn recorded_runbook(&self, created: &Created) -> Result<Runbook, EngineError> {
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
        Ok(Runbook::recorded(&created.runbook, &text, created.language, steps)?)
    }

    pub(super) fn restore_sealed(
        &self,
        run: &RunId,
        created: &Created,
        sealed: &SealedValues,
    ) -> Result<(), EngineError> {
        sealed.restore(&created.sealed);
        for entry in Chain::over(self.0.store.read(run)?) {
            let entry = entry.map_err(|e| EngineError::Damaged(format!("{run}: {e}")))?;
            if let Body::Applied { sealed: values, .. } | Body::Answered { sealed: values, .. } =
                &entry.body
            {
                sealed.restore(values);
            }
        }
        Ok(())
    }

    pub(super) fn ledger(&self, run: &RunId) -> Result<Ledger, EngineError> {
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

    fn driver(&self, ledger: Ledger, sealed: SealedValues, standby: Standby) -> Arc<Driver> {
        let threads = Threads::new(self.0.clock.clone(), standby.control.clone());
        let (world, ledger, sealed) = (self.0.world.clone(), Arc::new(ledger), Arc::new(sealed));
        Arc::new(Driver { world, ledger, sealed, standby, threads })
    }

    /// Returns a driver with the values that a run has sealed so far.
    pub(super) fn driver_of(
        &self,
        created: &Created,
        ledger: Ledger,
        standby: Standby,
    ) -> Result<Arc<Driver>, EngineError> {
        let sealed = self.0.keyring.resume(&created.run)?;
        self.restore_sealed(&created.run, created, &sealed)?;
        Ok(self.driver(ledger, sealed, standby))
    }

    /// Checks parameters and makes the values that a plan opens.
    pub(super) fn planned_params(
        &self,
        runbook: &Runbook,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
    ) -> Result<(Map<String, Value>, SealedValues), EngineError> {
        let names: Vec<String> = secrets.iter().map(|(name, _)| name.clone()).collect();
        let params = runbook.header().values(given, &names)?;
        let sealed = self.0.keyring.ephemeral()?;
        for (name, value) in secrets {
            sealed.seal(&name, value).map_err(|e| EngineError::Machine(e.to_string()))?;
        }
        Ok((params, sealed))
    }
}
