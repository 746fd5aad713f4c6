//! Waits: asked for durably, and gone on with after any restart.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::call::Making;
use super::decide::{Next, decide};
use super::drive::{Driver, Point, unrecorded};
use super::rest::Waits;
use crate::clock::{Millis, millis, utc};
use crate::event::{WaitView, What};
use crate::id::CallKey;
use crate::journal::{Answer, Body, CallHead, CallStatus};
use crate::journal::{Asked, Call, RunState};
use crate::runbook::Runbook;
use crate::script::{CallFailure, Look};
use crate::step::{AnyStep, ErrorClass, Kind, Mode, StepError};
use crate::wait::{Approval, Condition, Otherwise, Wait, Window};

/// A wait that is being gone on with.
struct Waiting<'a> {
    runbook: &'a Runbook,
    key: &'a CallKey,
    wait: &'a Wait,
    head: &'a CallHead,
}

impl Driver {
    /// Waits, or returns what is recorded of it.
    pub(super) fn make_wait(
        &self,
        runbook: &Runbook,
        key: &CallKey,
        name: &str,
        args: Value,
        look: Look<'_>,
    ) -> Result<Value, CallFailure> {
        let wait = Wait::parse(name, &args).map_err(|error| permanent("bad_arguments", &error))?;
        let head = CallHead { step: name.to_owned(), kind: Kind::Wait, args };
        self.check_replay(key, &head)?;
        let waiting = Waiting { runbook, key, wait: &wait, head: &head };
        loop {
            let next = self.ledger.look(|state| decide(state.calls.get(key)));
            if matches!(next, Next::Return(_) | Next::Raise(_)) {
                // What ended it from outside is still there, and would wake the run for ever.
                self.standby.waits.forget(key);
            }
            match next {
                Next::Return(output) => return Ok(output),
                Next::Raise(error) => return Err(CallFailure::Error(error)),
                Next::GoOn { .. } => self.go_on_waiting(&waiting, look)?,
                Next::Begin { .. } | Next::Sleep { .. } | Next::Probe => {
                    self.check_halt().map_err(CallFailure::Halt)?;
                    self.ask(&waiting)?;
                }
            }
        }
    }

    /// Records what is waited for. Durable: a deadline that was told holds.
    fn ask(&self, waiting: &Waiting<'_>) -> Result<(), CallFailure> {
        let Waiting { runbook, key, wait, head } = *waiting;
        let until = wait.until(self.now()).map_err(|error| permanent("no_window", &error))?;
        let bound = matches!(wait, Wait::Approve(_)).then(|| self.bound_so_far(runbook));
        let says = self.sealed.redact(&wait.says());
        let (key, head) = (key.clone(), head.clone());
        let body = Body::Waiting { key, head, says, until, bound };
        self.ledger.record(body).map_err(unrecorded)?;
        self.reach(Point::AfterAsking, waiting.key, &waiting.head.step);
        Ok(())
    }

    /// Looks whether it is over, records that if it is, and waits if it is not.
    fn go_on_waiting(&self, waiting: &Waiting<'_>, look: Look<'_>) -> Result<(), CallFailure> {
        self.check_halt().map_err(CallFailure::Halt)?;
        let key = waiting.key;
        if self.standby.waits.pending(key) {
            return self.rest(key);
        }
        self.standby.waits.take(key);
        let asked = self.ledger.look(|s| s.calls.get(key).and_then(|c| c.asked.clone()));
        let asked = asked.unwrap_or_default();
        let late = asked.until.is_some_and(|until| self.now() >= until);
        let mut due = asked.until;
        let answer = match waiting.wait {
            Wait::Sleep(_) => late.then_some(Answer::Over { output: Value::Null }),
            Wait::Window(window) if late => self.opened(waiting, window)?,
            Wait::Window(_) => None,
            Wait::Until(condition) => {
                due = due.map(|until| until.min(self.now() + millis(condition.every.0)));
                self.look_once(condition, key, late, look)?
            }
            Wait::Approve(approval) if late => Some(self.overdue(waiting, approval, &asked)?),
            Wait::Ask(_) if late => Some(Answer::Failed { error: nobody_answered(&asked) }),
            Wait::Approve(_) | Wait::Ask(_) => None,
        };
        match answer {
            Some(answer) => self.answered(waiting, answer),
            None => {
                let timer = |due| Waits::timer(self.ledger.clock().clone(), due);
                self.standby.waits.begin(key, &self.world.runtime, due.map(timer));
                // An answer that came before this was not told to anybody: look once more.
                let same = self.ledger.look(|state| {
                    let call = state.calls.get(key);
                    call.is_some_and(|call| call.waits() && call.asked.as_ref() == Some(&asked))
                });
                if same {
                    return self.rest(key);
                }
                self.standby.waits.forget(key);
                Ok(())
            }
        }
    }

    fn answered(&self, waiting: &Waiting<'_>, answer: Answer) -> Result<(), CallFailure> {
        let again = matches!(answer, Answer::Lapsed { .. });
        let (key, sealed) = (waiting.key.clone(), std::collections::BTreeMap::new());
        let body = Body::Answered { key, answer, by: None, sealed };
        self.ledger.append(body).map_err(unrecorded)?;
        self.reach(Point::AfterAnswer, waiting.key, &waiting.head.step);
        if again { self.ask(waiting) } else { Ok(()) }
    }

    /// The time of a window has come: it is open, unless nobody was there while it was.
    fn opened(
        &self,
        waiting: &Waiting<'_>,
        window: &Window,
    ) -> Result<Option<Answer>, CallFailure> {
        let now = self.now();
        let next = window.next(now).map_err(|error| permanent("no_window", &error))?;
        let (opens, closes) = next;
        if now < opens {
            self.ask(waiting)?;
            return Ok(None);
        }
        let output = json!({ "opened": utc(opens), "closes": utc(closes) });
        Ok(Some(Answer::Over { output }))
    }

    /// Evaluates a condition. What it reads is not recorded, and only its outcome counts.
    fn look_once(
        &self,
        condition: &Condition,
        key: &CallKey,
        late: bool,
        look: Look<'_>,
    ) -> Result<Option<Answer>, CallFailure> {
        let trouble = match look() {
            Ok(true) => return Ok(Some(Answer::Over { output: Value::Bool(true) })),
            Ok(false) => None,
            Err(CallFailure::Error(error)) => match error.class {
                ErrorClass::Transient | ErrorClass::Ambiguous | ErrorClass::Conflict => Some(error),
                ErrorClass::Permanent | ErrorClass::NeedsOperator => {
                    return Ok(Some(Answer::Failed { error: self.redacted(error) }));
                }
            },
            Err(halt) => return Err(halt),
        };
        let trouble = trouble.map(|error| self.redacted(error));
        if late {
            let why = trouble.map(|error| format!("; the last look failed: {error}"));
            let message = format!(
                "the condition did not hold within {}{}",
                condition.timeout,
                why.unwrap_or_default()
            );
            let error = StepError::permanent("timed_out", message);
            return Ok(Some(Answer::Failed { error }));
        }
        if let Some(error) = trouble {
            let text = format!("looking again in {}: {error}", condition.every);
            self.tell(What::CallProgressed { key: key.clone(), text });
        }
        Ok(None)
    }

    /// Nobody has approved in time.
    fn overdue(
        &self,
        waiting: &Waiting<'_>,
        approval: &Approval,
        asked: &Asked,
    ) -> Result<Answer, CallFailure> {
        let within = approval.deadline.map(|span| span.to_string()).unwrap_or_default();
        match approval.otherwise {
            Otherwise::Deny => {
                let count = asked.approvals.len();
                let reason = format!("{count} of {} approved within {within}", approval.of);
                Ok(Answer::Denied { reason })
            }
            Otherwise::Approve => {
                self.check_halt().map_err(CallFailure::Halt)?;
                let now = self.bound_so_far(waiting.runbook);
                match self.lapsed(asked.bound.as_ref(), &now) {
                    Some(why) => Ok(Answer::Lapsed { why }),
                    None => {
                        let reason = Some(format!("nobody denied it within {within}"));
                        Ok(Answer::Approved { reason, enough: true })
                    }
                }
            }
        }
    }

    /// Waits for a step: with this thread for a while, then without any.
    pub(super) fn wait_for_step(
        &self,
        call: &Making<'_>,
        base: &Value,
    ) -> Result<Result<Value, StepError>, CallFailure> {
        let args = &call.head.args;
        self.begin_step_wait(call.key, call.step, args, base);
        if !self.attend(call.key, call.step.patience(args))? {
            self.note_waiting(call, call.step.until(args, base))?;
            self.rest(call.key)?;
        }
        // Gone without a result, the run is being parked.
        self.standby.waits.take(call.key).ok_or(CallFailure::Halt(crate::script::Halt::Parked))
    }

    fn begin_step_wait(&self, key: &CallKey, step: &Arc<dyn AnyStep>, args: &Value, base: &Value) {
        let (step, args, base) = (step.clone(), args.clone(), base.clone());
        let cx = self.context(key, Mode::Run);
        let (clock, deadline) = (self.ledger.clock().clone(), step.deadline(&args));
        let waiting = async move {
            let began = clock.now();
            let waiting = step.apply(&cx, &args, &base);
            within_by(clock.as_ref(), began, deadline, waiting).await
        };
        self.standby.waits.begin(key, &self.world.runtime, Some(waiting));
    }

    /// Begins all waits of a run that was parked in another process, without its script. False if
    /// that can't be done, because a step is not there any more.
    pub(crate) fn wait_again(&self) -> bool {
        let waits = |state: &RunState| -> Vec<(CallKey, Call)> {
            state.waits().into_iter().map(|(key, call)| (key.clone(), call.clone())).collect()
        };
        let clock = self.ledger.clock();
        self.ledger.look(waits).into_iter().all(|(key, call)| {
            if call.status == CallStatus::Waiting {
                let wait = WaitView::of(&key, &call);
                return self.standby.begin(&[wait], clock, &self.world.runtime);
            }
            let Ok(step) = self.step(&call.step) else { return false };
            self.begin_step_wait(&key, &step, &call.args.value(), &call.base.value());
            true
        })
    }

    /// Records, once, that a step waits without a thread.
    fn note_waiting(&self, call: &Making<'_>, until: Option<Millis>) -> Result<(), CallFailure> {
        let noted = |state: &RunState| {
            let call = state.calls.get(call.key);
            (call.is_some_and(Call::waits), call.map(|call| call.says.clone()))
        };
        let (noted, says) = self.ledger.look(noted);
        if noted {
            return Ok(());
        }
        let (key, head) = (call.key.clone(), call.head.clone());
        let says = says.unwrap_or_default();
        let body = Body::Waiting { key, head, says, until, bound: None };
        self.ledger.append(body).map_err(unrecorded)?;
        Ok(())
    }
}

/// Bounds a wait in time. A clock that was set back has the wait go on for as much longer; one that
/// was set forward leaves it its time, and the step sees for itself that it is over.
async fn within_by<T>(
    clock: &dyn crate::clock::Clock,
    began: Millis,
    deadline: Duration,
    waiting: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    tokio::pin!(waiting);
    let ends = began.saturating_add(millis(deadline));
    let mut left = deadline;
    loop {
        if let Ok(result) = tokio::time::timeout(left, &mut waiting).await {
            return result;
        }
        left = Duration::from_millis((ends - clock.now()).max(0).unsigned_abs());
        if left.is_zero() {
            let message = format!("no answer within {} s", deadline.as_secs());
            return Err(StepError::permanent("timed_out", message));
        }
    }
}

fn nobody_answered(asked: &Asked) -> StepError {
    let until = asked.until.map(utc).unwrap_or_default();
    StepError::permanent("timed_out", format!("nobody answered until {until}"))
}

fn permanent(code: &str, error: &impl ToString) -> CallFailure {
    CallFailure::Error(StepError::permanent(code, error.to_string()))
}
