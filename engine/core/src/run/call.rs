//! Makes one call: look, say, record the intent, do it, record the outcome.
//!
//! Each function records what it learned and returns; what comes next is decided from the record
//! alone, so that a call goes on after a crash exactly as it would have without one.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::decide::{Next, decide};
use super::drive::{Driver, Point, unrecorded};
use super::retry::{BACKOFF_MAX, backoff};
use crate::clock::{Millis, millis};
use crate::event::{Event, What};
use crate::id::CallKey;
use crate::journal::{Body, CallHead, CallStatus, How};
use crate::journal::{Call, RunState};
use crate::mutant::{self, Mutant};
use crate::script::{CallFailure, Halt};
use crate::step::{AnyStep, Context, ErrorClass, Kind, Mode, Probe, StepError};

/// How long a look may take (`prepare`, `probe`).
pub(super) const LOOK_DEADLINE: Duration = Duration::from_secs(60);

/// A call that is being made.
pub(super) struct Making<'a> {
    pub(super) key: &'a CallKey,
    pub(super) step: &'a Arc<dyn AnyStep>,
    pub(super) head: CallHead,
}

impl Driver {
    /// Makes a call, or returns what is recorded of it.
    pub(super) fn make_call(
        &self,
        key: &CallKey,
        name: &str,
        args: Value,
    ) -> Result<Value, CallFailure> {
        let step = self.step(name).map_err(CallFailure::Error)?;
        let head = CallHead { step: name.to_owned(), kind: step.kind(), args };
        self.check_replay(key, &head)?;
        let call = Making { key, step: &step, head };
        loop {
            match self.ledger.look(|state| decide(state.calls.get(key))) {
                Next::Return(output) => return Ok(output),
                Next::Raise(error) => return Err(CallFailure::Error(error)),
                Next::Sleep { until, attempt } => {
                    // Stored before the clock was set back, it may be decades away.
                    let until = until.min(self.now().saturating_add(millis(BACKOFF_MAX)));
                    self.sleep(until)?;
                    self.begin(&call, attempt)?;
                }
                Next::Begin { attempt } => self.begin(&call, attempt)?,
                Next::GoOn { attempt } => {
                    let base = self.ledger.look(|s| s.calls.get(key).map(|c| c.base.value()));
                    self.attempt(&call, &base.unwrap_or_default(), attempt)?;
                }
                Next::Probe => self.probe(key, None)?,
            }
        }
    }

    /// A replay must make the calls that are recorded, or the script is not the one that ran.
    pub(super) fn check_replay(&self, key: &CallKey, head: &CallHead) -> Result<(), CallFailure> {
        let recorded = self
            .ledger
            .look(|state| state.calls.get(key).filter(|call| !call.is_of(head)).map(Call::head));
        let Some(recorded) = recorded else {
            return Ok(());
        };
        let show = |head: &CallHead| format!("{} {}", head.step, head.args);
        let message = format!(
            "replay diverged from the journal: call {key} was\n  {}\nand is now\n  {}",
            show(&recorded),
            show(head)
        );
        let error = StepError::needs_operator("diverged", message)
            .hint("Was this run begun by another version of windlass? Resume it with that one.");
        Err(CallFailure::Halt(Halt::Stuck(error, Some(key.clone()))))
    }

    /// Looks, says what will change, records the intent, and does it.
    fn begin(&self, call: &Making<'_>, attempt: u32) -> Result<(), CallFailure> {
        self.check_halt().map_err(CallFailure::Halt)?;
        if call.head.kind == Kind::Read {
            return self.attempt(call, &Value::Null, attempt);
        }
        let before = self.ledger.look(|s| s.calls.get(call.key).map(|c| c.base.value()));
        let cx = self.context(call.key, Mode::Run).after(before.unwrap_or_default());
        let prepared = self.look_at(LOOK_DEADLINE, call.step.prepare(&cx, &call.head.args))?;
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.failed(call, true, attempt, error),
        };
        self.ledger
            .record(Body::Intended {
                key: call.key.clone(),
                head: call.head.clone(),
                attempt,
                base: prepared.base.clone(),
                says: self.sealed.redact(&prepared.says),
            })
            .map_err(unrecorded)?;
        self.reach(Point::AfterIntent, call.key, &call.head.step);
        if mutant::is(Mutant::RecordFirst) && mutant::foretold(&prepared.expected) {
            self.applied(call, prepared.expected)?;
        }
        self.attempt(call, &prepared.base, attempt)
    }

    /// Does it, and records what came of it.
    fn attempt(&self, call: &Making<'_>, base: &Value, attempt: u32) -> Result<(), CallFailure> {
        let cx = self.context(call.key, Mode::Run);
        let args = &call.head.args;
        let deadline = call.step.deadline(args);
        let doing = call.step.apply(&cx, args, base);
        let result = match call.head.kind {
            // Not to be interrupted: a change that has begun is seen to its end.
            Kind::Change | Kind::Destroy => {
                self.world.runtime.block_on(within(deadline, call.head.kind, doing))
            }
            Kind::Read => self.look_at_within(deadline, Kind::Read, doing)?,
            Kind::Wait => self.wait_for_step(call, base)?,
        };
        match result {
            Ok(output) => {
                self.reach(Point::AfterEffect, call.key, &call.head.step);
                let recorded = |state: &RunState| state.status_of(call.key);
                if mutant::is(Mutant::RecordFirst)
                    && self.ledger.look(recorded) == Some(CallStatus::Applied)
                {
                    return Ok(());
                }
                self.applied(call, output)
            }
            Err(error) => self.failed(call, call.head.kind == Kind::Read, attempt, error),
        }
    }

    /// Records an outcome; the next intent shares its flush.
    fn applied(&self, call: &Making<'_>, output: Value) -> Result<(), CallFailure> {
        let head = (call.head.kind == Kind::Read).then(|| call.head.clone());
        let sealed = self.sealed.take_fresh_of(&format!("call {}", call.key));
        let key = call.key.clone();
        let body = Body::Applied { key, head, output, sealed, how: How::Returned };
        self.ledger.append(body).map_err(unrecorded)?;
        self.reach(Point::AfterOutcome, call.key, &call.head.step);
        Ok(())
    }

    /// Records that an attempt failed, and when it is made again.
    fn failed(
        &self,
        call: &Making<'_>,
        without_intent: bool,
        attempt: u32,
        error: StepError,
    ) -> Result<(), CallFailure> {
        // What another place says is no outcome of this run.
        self.still_there().map_err(CallFailure::Halt)?;
        let error = self.redacted(error);
        // A conflict may be with an earlier delivery of the same request: it was done then.
        let doubtful = matches!(error.class, ErrorClass::Ambiguous | ErrorClass::Conflict);
        if doubtful && !without_intent && call.head.kind.changes() {
            return self.probe(call.key, Some((error, attempt)));
        }
        let needs_operator = error.class == ErrorClass::NeedsOperator;
        let retry_at = backoff(error.class, attempt).map(|wait| self.now() + millis(wait));
        let head = without_intent.then(|| call.head.clone());
        let body = Body::Failed { key: call.key.clone(), head, error: error.clone(), retry_at };
        self.ledger.record(body).map_err(unrecorded)?;
        if needs_operator {
            return Err(CallFailure::Halt(Halt::Stuck(error, Some(call.key.clone()))));
        }
        Ok(())
    }

    /// Finds out whether an attempt took effect, and records it.
    ///
    /// `cause` is the error that left the doubt, with its attempt; none if the process died.
    pub(super) fn probe(
        &self,
        key: &CallKey,
        cause: Option<(StepError, u32)>,
    ) -> Result<(), CallFailure> {
        let recorded = self.ledger.look(|s| s.calls.get(key).cloned());
        let Some(call) = recorded else { return Ok(()) };
        let step = self.step(&call.step).map_err(CallFailure::Error)?;
        let stuck = |code: &str, message: String| {
            let error = StepError::needs_operator(code, message);
            Err(CallFailure::Halt(Halt::Stuck(self.redacted(error), Some(key.clone()))))
        };
        let what = if call.says.is_empty() { call.step.clone() } else { call.says.clone() };
        let looked = match mutant::is(Mutant::RepeatBlindly) {
            true => Ok(Probe::NotApplied),
            false => self.probe_patiently(key, &step, &call.args.value(), &call.base.value())?,
        };
        // Who lost against another writer has not written: the next attempt looks at what there is.
        let lost = cause.as_ref().is_some_and(|(error, _)| error.class == ErrorClass::Conflict);
        match looked {
            Ok(Probe::Foreign(_) | Probe::Unknown(_)) | Err(_) if lost => self.not_done(key, cause),
            Ok(Probe::Applied(output)) => {
                let sealed = self.sealed.take_fresh_of(&format!("call {key}"));
                let key = key.clone();
                let body = Body::Applied { key, head: None, output, sealed, how: How::Probed };
                self.ledger.append(body).map_err(unrecorded)?;
                Ok(())
            }
            Ok(Probe::NotApplied | Probe::Partial(_)) => self.not_done(key, cause),
            Ok(Probe::Foreign(difference)) => stuck(
                "foreign_change",
                format!(
                    "\"{what}\" was interrupted, and somebody else has changed it since: {difference}"
                ),
            ),
            Ok(Probe::Unknown(tried)) => stuck(
                "outcome_unknown",
                format!(
                    "\"{what}\" was interrupted, and it can't be told whether it was done: {tried}"
                ),
            ),
            Err(error) => stuck(
                "outcome_unknown",
                format!("\"{what}\" was interrupted, and looking at what it left failed: {error}"),
            ),
        }
    }

    /// Records that an attempt did not take effect, and when the next one is due.
    fn not_done(&self, key: &CallKey, cause: Option<(StepError, u32)>) -> Result<(), CallFailure> {
        let (error, retry_at) = match cause {
            Some((error, attempt)) => {
                let wait = backoff(error.class, attempt);
                (error, wait.map(|wait| self.now() + millis(wait)))
            }
            None => {
                let message = "interrupted before it took effect";
                (StepError::transient("interrupted", message), Some(self.now()))
            }
        };
        let body = Body::Failed { key: key.clone(), head: None, error, retry_at };
        self.ledger.append(body).map_err(unrecorded)?;
        Ok(())
    }

    /// Probes, and again when the world does not answer.
    fn probe_patiently(
        &self,
        key: &CallKey,
        step: &Arc<dyn AnyStep>,
        args: &Value,
        base: &Value,
    ) -> Result<Result<Probe<Value>, StepError>, CallFailure> {
        let cx = self.context(key, Mode::Run);
        for attempt in 1.. {
            let error = match self.look_at(LOOK_DEADLINE, step.probe(&cx, args, base))? {
                Ok(probe) => return Ok(Ok(probe)),
                Err(error) => self.redacted(error),
            };
            let Some(wait) = backoff(error.class, attempt) else {
                return Ok(Err(error));
            };
            cx.progress(&format!("looking again in {} s: {error}", wait.as_secs().max(1)));
            self.sleep(self.now() + millis(wait))?;
        }
        unreachable!("a backoff ends")
    }

    /// Calls a read step and records nothing: a look of a condition, which may be repeated.
    pub(super) fn read_only(
        &self,
        key: &CallKey,
        name: &str,
        args: &Value,
    ) -> Result<Value, CallFailure> {
        self.check_halt().map_err(CallFailure::Halt)?;
        let step = self.step(name).map_err(CallFailure::Error)?;
        if step.kind() != Kind::Read {
            let message = format!("`{name}` changes things, and a condition can only read");
            return Err(CallFailure::Error(StepError::permanent("not_a_read", message)));
        }
        let cx = self.context(key, Mode::Run);
        let reading = step.apply(&cx, args, &Value::Null);
        let read = self.look_at_within(step.deadline(args), Kind::Read, reading)?;
        read.map_err(|error| CallFailure::Error(self.redacted(error)))
    }

    pub(super) fn step(&self, name: &str) -> Result<Arc<dyn AnyStep>, StepError> {
        self.world.steps.get(name).cloned().ok_or_else(|| {
            StepError::needs_operator("no_such_step", format!("this windlass has no step `{name}`"))
                .hint("Resume the run with the version that began it.")
        })
    }

    pub(super) fn context(&self, key: &CallKey, mode: Mode) -> Context {
        // Not the ledger: a step that waits must not keep the journal of its run in memory.
        let (events, clock) = (self.ledger.events().clone(), self.ledger.clock().clone());
        let (run, at_key) = (self.ledger.run().clone(), key.clone());
        Context {
            run: self.ledger.run().clone(),
            key: key.clone(),
            mode,
            clock: self.ledger.clock().clone(),
            sealed: self.sealed.clone(),
            progress: Arc::new(move |text| {
                let what = What::CallProgressed { key: at_key.clone(), text: text.to_owned() };
                let (run, at) = (run.clone(), clock.now());
                events.send(Event { run, at, seq: None, what });
            }),
            before: Value::Null,
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.ledger.clock().now()
    }

    /// Sleeps before another attempt; then it must still be the place where the run began.
    pub(super) fn sleep(&self, until: Millis) -> Result<(), CallFailure> {
        let clock = self.ledger.clock().clone();
        let pivoted = self.pivoted();
        self.world.runtime.block_on(async {
            tokio::select! {
                biased;
                halt = self.standby.control.halted(pivoted) => Err(CallFailure::Halt(halt)),
                () = clock.sleep_until(until) => Ok(()),
            }
        })?;
        self.still_there().map_err(CallFailure::Halt)
    }

    fn look_at<T>(
        &self,
        deadline: Duration,
        looking: impl Future<Output = Result<T, StepError>>,
    ) -> Result<Result<T, StepError>, CallFailure> {
        self.look_at_within(deadline, Kind::Read, looking)
    }

    /// Awaits something that may be dropped at any point, and drops it if the run should stop.
    fn look_at_within<T>(
        &self,
        deadline: Duration,
        kind: Kind,
        looking: impl Future<Output = Result<T, StepError>>,
    ) -> Result<Result<T, StepError>, CallFailure> {
        let pivoted = self.pivoted();
        self.world.runtime.block_on(async {
            tokio::select! {
                biased;
                halt = self.standby.control.halted(pivoted) => Err(CallFailure::Halt(halt)),
                result = within(deadline, kind, looking) => Ok(result),
            }
        })
    }
}

/// Bounds an attempt in time; what running out of it means depends on the kind of call.
pub(crate) async fn within<T>(
    deadline: Duration,
    kind: Kind,
    doing: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    tokio::time::timeout(deadline, doing).await.unwrap_or_else(|_| {
        let message = format!("no answer within {} s", deadline.as_secs());
        Err(match kind {
            Kind::Read => StepError::transient("timed_out", message),
            Kind::Wait => StepError::permanent("timed_out", message),
            Kind::Change | Kind::Destroy => StepError::ambiguous("timed_out", message),
        })
    })
}
