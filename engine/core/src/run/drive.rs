//! Takes a run as far as it goes: forward, back, or to a stop.

use std::sync::{Arc, OnceLock, PoisonError};

use serde_json::Value;
use tokio::runtime::Handle;

use super::ledger::Ledger;
use super::rest::Threads;
use super::standby::Standby;
use crate::clock::Clock;
use crate::event::{Event, What};
use crate::id::CallKey;
use crate::journal::{Body, End, RunStatus, StoreError};
use crate::runbook::Runbook;
use crate::script::{CallFailure, Caller, Halt, Look, ScriptFailure};
use crate::secret::SealedValues;
use crate::step::{Place, Registry, StepError};

/// A named place in the life of a call, where a test may stop or kill the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The intent is durable, the world untouched.
    AfterIntent,
    /// The world is changed, no outcome recorded.
    AfterEffect,
    /// The outcome is recorded (durable with the next flush).
    AfterOutcome,
    /// The undo's intent is durable, nothing undone.
    AfterUndoIntent,
    /// The call is undone, no outcome recorded.
    AfterUndoEffect,
    /// A wait is durable, and has not begun.
    AfterAsking,
    /// What came of a wait is recorded (durable with the next flush).
    AfterAnswer,
}

/// Called at every [`Point`] of every call.
pub type Points = Arc<dyn Fn(Point, &CallKey, &str) + Send + Sync>;

/// How far a run got in this process.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is over.
    Finished(End),
    /// It needs a person.
    Stuck,
    /// It was asked to stop, and can be resumed.
    Parked,
    /// It could not be recorded any further; it can be resumed when the store is well.
    Unrecorded(String),
    /// Another place answers than the one where it began, and nothing was recorded: why.
    Elsewhere(String),
}

/// Why a thread no longer drives a run.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It got no further.
    Ended(Outcome),
    /// It waits: it is resumed again when one of its waits is over.
    Resting,
}

/// What all runs of an engine share.
pub(crate) struct World {
    /// The steps.
    pub(crate) steps: Registry,
    /// Where steps run.
    pub(crate) runtime: Handle,
    /// Where tests may interfere.
    pub(crate) points: Option<Points>,
}

/// A run that is being driven.
pub(crate) struct Driver {
    pub(crate) world: Arc<World>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) sealed: Arc<SealedValues>,
    pub(crate) standby: Standby,
    pub(crate) threads: Threads,
    /// Where the run acts, once it has arrived there.
    pub(crate) place: OnceLock<Arc<dyn Place>>,
}

impl Driver {
    /// Waits until the place where the run acts answers. Nothing, if the run can go on there; else
    /// how that ends this drive.
    pub(crate) fn arrived(&self, runbook: &Runbook) -> Option<Stop> {
        let halt = self.arrive(runbook).err()?;
        match self.halted(halt) {
            Ok(outcome) => Some(Stop::Ended(outcome.unwrap_or(Outcome::Parked))),
            Err(error) => Some(Stop::Ended(Outcome::Unrecorded(error.to_string()))),
        }
    }

    /// Drives the run until it is over, stuck or parked, or only waits. Blocks; call it on a thread
    /// of its own.
    pub(crate) fn drive(self: &Arc<Self>, runbook: &Arc<Runbook>) -> Stop {
        let stop = self.try_drive(runbook);
        stop.unwrap_or_else(|error| Stop::Ended(Outcome::Unrecorded(error.to_string())))
    }

    fn try_drive(self: &Arc<Self>, runbook: &Arc<Runbook>) -> Result<Stop, StoreError> {
        loop {
            match self.ledger.look(|state| state.status) {
                Some(RunStatus::Running) => {
                    let halt = match self.forward(runbook) {
                        Ok(()) => return self.finish(End::Done),
                        Err(halt) => halt,
                    };
                    if halt == Halt::Waiting {
                        self.ledger.put_away()?;
                        return Ok(Stop::Resting);
                    }
                    if let Some(outcome) = self.halted(halt)? {
                        return Ok(Stop::Ended(outcome));
                    }
                }
                Some(RunStatus::Unwinding) => match self.unwind() {
                    Ok(end) => return self.finish(end),
                    Err(halt) => {
                        if let Some(outcome) = self.halted(halt)? {
                            return Ok(Stop::Ended(outcome));
                        }
                    }
                },
                Some(RunStatus::Finished(end)) => return Ok(Stop::Ended(Outcome::Finished(end))),
                Some(RunStatus::Stuck | RunStatus::StuckUnwinding) => {
                    return Ok(Stop::Ended(Outcome::Stuck));
                }
                Some(RunStatus::Waiting) | None => {
                    let problem = "the journal does not say where the run stands".to_owned();
                    return Ok(Stop::Ended(Outcome::Unrecorded(problem)));
                }
            }
        }
    }

    /// Evaluates the script once, and says why it did not reach its end.
    fn forward(self: &Arc<Self>, runbook: &Arc<Runbook>) -> Result<(), Halt> {
        let pivoted = self.pivoted();
        if self.standby.control.parked() {
            return Err(Halt::Parked);
        }
        if let (Some(reason), false) = (self.standby.control.cancelled(), pivoted) {
            return Err(Halt::Cancelled(reason));
        }
        self.standby.control.go_forward();
        self.threads.begin();
        let params = self.ledger.look(|s| s.created.as_ref().map(|c| c.params.clone()));
        let (driver, of) = (self.clone(), runbook.clone());
        let caller: Arc<dyn Caller> = Arc::new(Evaluation { driver, runbook: of });
        let result =
            runbook.script().evaluate(&params.unwrap_or_default(), &self.world.steps, caller);
        match result {
            // Asked for during the last call: nobody was left to be stopped by it.
            Ok(_) => match self.standby.control.cancelled() {
                Some(reason) if !self.pivoted() => Err(Halt::Cancelled(reason)),
                _ => Ok(()),
            },
            // Ended from outside: by whom is what the control says.
            Err(ScriptFailure::Halted(Halt::Sibling)) => {
                Err(self.standby.control.halt(self.pivoted()).unwrap_or(Halt::Parked))
            }
            Err(ScriptFailure::Halted(halt)) => Err(halt),
            Err(ScriptFailure::Failed(failure)) => {
                let (mut error, key, place) = *failure;
                if key.is_none() {
                    // The mistake is in the script; a call's error says enough by itself.
                    error.message = format!("{}\n{place}", error.message);
                }
                Err(Halt::Failed(error, key))
            }
        }
    }

    /// Records why the run does not go on, and returns how that ends this drive, if it does.
    fn halted(&self, halt: Halt) -> Result<Option<Outcome>, StoreError> {
        match halt {
            Halt::Parked | Halt::Sibling | Halt::Waiting => {
                self.ledger.flush()?;
                Ok(Some(Outcome::Parked))
            }
            Halt::Store(problem) => Ok(Some(Outcome::Unrecorded(problem))),
            Halt::Elsewhere(why) => Ok(Some(Outcome::Elsewhere(why))),
            Halt::Stuck(error, key) => {
                self.ledger.record(Body::Stuck { error: self.redacted(error), key })?;
                Ok(Some(Outcome::Stuck))
            }
            Halt::Failed(error, key) => self.turn_back(error, key, false),
            Halt::Cancelled(reason) => {
                self.turn_back(StepError::permanent("cancelled", reason), None, true)
            }
        }
    }

    /// Settles what is in doubt; then the run goes back, or is stuck if it is past its pivot.
    fn turn_back(
        &self,
        error: StepError,
        key: Option<CallKey>,
        cancelled: bool,
    ) -> Result<Option<Outcome>, StoreError> {
        let error = self.redacted(error);
        self.standby.control.go_back();
        self.stop_waiting();
        if let Err(halt) = self.settle_doubts() {
            return self.halted(halt);
        }
        if self.pivoted() && cancelled {
            // A doubt that is settled now has turned out to be the pivot: there is no way back any
            // more, and going forward is not what the person asked for. It stops here.
            self.ledger.flush()?;
            return Ok(Some(Outcome::Parked));
        }
        if self.pivoted() {
            self.ledger.record(Body::Stuck { error, key })?;
            return Ok(Some(Outcome::Stuck));
        }
        self.ledger.record(Body::Unwinding { error, key, cancelled })?;
        Ok(None)
    }

    fn finish(&self, end: End) -> Result<Stop, StoreError> {
        self.ledger.record(Body::Finished { end })?;
        Ok(Stop::Ended(Outcome::Finished(end)))
    }

    pub(super) fn pivoted(&self) -> bool {
        self.ledger.look(|state| state.pivot.is_some())
    }

    /// Ends the evaluation here if somebody asked for it.
    pub(super) fn check_halt(&self) -> Result<(), Halt> {
        self.standby.control.halt(self.pivoted()).map_or(Ok(()), Err)
    }

    pub(super) fn redacted(&self, mut error: StepError) -> StepError {
        error.message = self.sealed.redact(&error.message);
        error.hint = error.hint.map(|hint| self.sealed.redact(&hint));
        error
    }

    pub(super) fn reach(&self, point: Point, key: &CallKey, step: &str) {
        if let Some(points) = &self.world.points {
            points(point, key, step);
        }
    }

    pub(super) fn tell(&self, what: What) {
        let at = self.ledger.clock().now();
        self.ledger.tell(Event { run: self.ledger.run().clone(), at, seq: None, what });
    }
}

/// One evaluation of a run's script.
struct Evaluation {
    driver: Arc<Driver>,
    runbook: Arc<Runbook>,
}

impl Caller for Evaluation {
    fn call(&self, key: &CallKey, step: &str, args: Value) -> Result<Value, CallFailure> {
        self.driver.make_call(key, step, args)
    }

    fn wait(
        &self,
        key: &CallKey,
        name: &str,
        args: Value,
        look: Look<'_>,
    ) -> Result<Value, CallFailure> {
        self.driver.make_wait(&self.runbook, key, name, args, look)
    }

    fn read(&self, key: &CallKey, step: &str, args: Value) -> Result<Value, CallFailure> {
        self.driver.read_only(key, step, &args)
    }

    fn parallel(&self, key: &CallKey, branches: u32, bound: u32) -> Result<(), CallFailure> {
        let recorded = self.driver.ledger.look(|state| state.bounds.get(key).copied());
        match recorded {
            None => {
                let body = Body::Parallel { key: key.clone(), branches, bound };
                self.driver.ledger.append(body).map_err(unrecorded)?;
                Ok(())
            }
            Some((as_before, _)) if as_before == branches => Ok(()),
            Some((before, _)) => {
                let message = format!(
                    "replay diverged from the journal: at {key} there were {before} \
                     branches, and now there are {branches}"
                );
                let error = StepError::needs_operator("diverged", message);
                Err(CallFailure::Halt(Halt::Stuck(error, None)))
            }
        }
    }

    fn branch_failed(&self) {
        self.driver.standby.control.end_branches();
    }

    fn halting(&self) -> bool {
        self.driver.standby.control.halt(self.driver.pivoted()).is_some()
    }

    fn print(&self, branch: &CallKey, nth: u32, text: &str) {
        let driver = &self.driver;
        let mut printed = driver.standby.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let before = printed.entry(branch.clone()).or_default();
        if nth > *before {
            *before = nth;
            driver.tell(What::Printed { text: driver.sealed.redact(text) });
        }
    }

    fn clock(&self) -> &dyn Clock {
        &self.driver.threads
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is a map_err function")]
pub(super) fn unrecorded(error: StoreError) -> CallFailure {
    CallFailure::Halt(Halt::Store(error.to_string()))
}
