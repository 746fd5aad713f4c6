//! Beginning, resuming, deciding: what moves a run.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::place::Answer;
use super::{Drive, Engine, EngineError};
use crate::event::{Act, Needed, RunView};
use crate::id::RunId;
use crate::journal::{Body, Created, Decision, Origin, RunStatus, next};
use crate::run::{Ledger, Outcome, in_question};
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

        let _reserved = self.reserve(&run, &locks)?;
        let sealed = self.0.keyring.begin(&run)?;
        for (name, value) in secrets {
            sealed.seal(&name, value).map_err(|e| EngineError::Machine(e.to_string()))?;
        }
        let created = Created {
            run: run.clone(),
            runbook: runbook.name().to_owned(),
            title: runbook.header().title.clone(),
            text: runbook.hash(),
            params,
            sealed: sealed.take_fresh(),
            locks,
            place: self.address(runbook).unwrap_or_default(),
            identity,
            by: by.clone(),
            version: self.0.version.clone(),
            cause,
            language: runbook.language(),
        };
        let ledger = self.created(runbook, created)?;
        let driver = self.driver(ledger, sealed, self.standby(&run));
        let drive = Drive { driver, runbook: Arc::new(runbook.clone()) };
        self.0.compiled.put(drive.runbook.clone());
        self.take(&run, drive.driver.standby.clone(), Some(drive))
    }

    /// Records that a run begins.
    fn created(&self, runbook: &Runbook, created: Created) -> Result<Ledger, EngineError> {
        let _text_stays = self.0.texts.read().unwrap_or_else(PoisonError::into_inner);
        let ledger = self.ledger(&created.run)?;
        self.0.store.put_value(&runbook.hash(), runbook.text().as_bytes())?;
        ledger.record(Body::Created(Box::new(created)))?;
        Ok(ledger)
    }

    /// Makes sure that no other run holds one of these locks, or is about to.
    ///
    /// Two that begin at once see each other here; one that is recorded is seen in the store.
    fn reserve(&self, run: &RunId, locks: &[String]) -> Result<Reserved<'_>, EngineError> {
        let held = |by: &RunId, held: &[String]| {
            let lock = locks.iter().find(|lock| held.contains(lock))?;
            Some(EngineError::Locked { lock: lock.clone(), by: by.clone() })
        };
        {
            let mut beginning = self.beginning();
            if let Some(locked) = beginning.iter().find_map(|(run, locks)| held(run, locks)) {
                return Err(locked);
            }
            beginning.insert(run.clone(), locks.to_vec());
        }
        let reserved = Reserved { engine: self, run: run.clone() };
        let open = self.records_beside(true)?;
        match open.iter().find_map(|summary| held(&summary.run, &summary.locks)) {
            Some(locked) => Err(locked),
            None => Ok(reserved),
        }
    }

    fn beginning(&self) -> MutexGuard<'_, HashMap<RunId, Vec<String>>> {
        self.0.beginning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a run that was interrupted.
    ///
    /// # Errors
    /// If it is over, stuck, driven already, or can't be read.
    pub fn resume(&self, run: &RunId, by: &Origin) -> Result<RunHandle, EngineError> {
        self.take_up(run, by, None)
    }

    /// Undoes everything that an interrupted or stuck run did.
    ///
    /// # Errors
    /// If it is over or past its pivot, driven already, or can't be read.
    pub fn undo(&self, run: &RunId, by: &Origin, reason: &str) -> Result<RunHandle, EngineError> {
        EngineError::if_not_fit(reason)?;
        self.take_up(run, by, Some(reason))
    }

    /// Asks a run that is being driven to stop and undo everything.
    ///
    /// # Errors
    /// If it is not being driven by this process, or is past its pivot.
    pub fn cancel(&self, run: &RunId, by: &Origin, reason: &str) -> Result<(), EngineError> {
        EngineError::if_not_fit(reason)?;
        self.may_block(self.same_place(run, Answer::Welcome))?;
        let not_driven = || EngineError::NotNow(format!("{run} is not running"));
        let hold = self.hold_live(run)?.ok_or_else(not_driven)?;
        let driver = &hold.drive.driver;
        if let Some(pivot) = driver.ledger.look(|state| state.pivot.clone()) {
            return Err(EngineError::PastPivot { run: run.clone(), pivot });
        }
        let decision = Decision::Cancel;
        let (reason_given, by) = (reason.to_owned(), by.clone());
        let body = Body::Decided { decision, reason: reason_given, by };
        self.0.alone(run, || match hold.is_current() {
            true => Ok(driver.ledger.record(body)?),
            false => Err(not_driven()),
        })?;
        driver.standby.control.cancel(reason);
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
        if self.is_driven(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        self.may_block(self.same_place(run, Answer::Welcome))?;
        self.0.alone(run, || self.decide_alone(run, by, decision, reason))
    }

    fn decide_alone(
        &self,
        run: &RunId,
        by: &Origin,
        decision: Decision,
        reason: &str,
    ) -> Result<(), EngineError> {
        if self.is_driven(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
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
        let problem = if told.is_null() { "no output is given".to_owned() } else { error.problem };
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
        if let Some(hold) = self.hold_live(run)? {
            return Err(match hold.drive.driver.ledger.look(|state| state.pivot.clone()) {
                Some(pivot) if undo.is_some() => EngineError::PastPivot { run: run.clone(), pivot },
                _ => EngineError::AlreadyDriven(run.clone()),
            });
        }
        self.0.alone(run, || self.take_up_alone(run, by, undo))
    }

    fn take_up_alone(
        &self,
        run: &RunId,
        by: &Origin,
        undo: Option<&str>,
    ) -> Result<RunHandle, EngineError> {
        if self.is_driven(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        let (ledger, sealed) = self.opened(run)?;
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
        let driver = self.driver_of(run, ledger, &sealed, self.standby(run))?;
        driver.ledger.append(Body::Resumed { by: by.clone() })?;
        if let Some(reason) = undo {
            let (decision, reason) = (Decision::Cancel, reason.to_owned());
            driver.ledger.record(Body::Decided { decision, reason, by: by.clone() })?;
        }
        // Asked for now, or before a crash: a decision that is recorded is carried out.
        if let Some(reason) = driver.ledger.look(|state| state.cancel.clone()) {
            driver.standby.control.cancel(&reason);
        }
        let drive = Drive { driver, runbook };
        self.take(run, drive.driver.standby.clone(), Some(drive))
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

/// The locks of a run that is about to begin; the store shows them when this is dropped, or never.
struct Reserved<'a> {
    engine: &'a Engine,
    run: RunId,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.engine.beginning().remove(&self.run);
    }
}
