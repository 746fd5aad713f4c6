//! Which entry may follow which.

use super::{Answer, Body, Decision, End};
use crate::step::Kind;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Going forward.
    Running,
    /// Going forward, and nothing is left to do but to wait. Journals don't have it: it is what
    /// [`RunStatus::Running`] is called in lists when all that is open is a wait.
    Waiting,
    /// Going back.
    Unwinding,
    /// Needs a person; it was going forward.
    Stuck,
    /// Needs a person; it was going back.
    StuckUnwinding,
    /// Over.
    Finished(End),
}

impl RunStatus {
    /// True if the run is over.
    pub fn is_finished(self) -> bool {
        matches!(self, RunStatus::Finished(_))
    }

    /// True if the run needs a person.
    pub fn is_stuck(self) -> bool {
        matches!(self, RunStatus::Stuck | RunStatus::StuckUnwinding)
    }
}

/// Where a call stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Intended, no outcome recorded.
    InDoubt,
    /// Failed, and to be tried again at a stored time.
    Backoff,
    /// Waits for the time or for people; nothing of it is under way.
    Waiting,
    /// A person asked for another attempt.
    Retrying,
    /// Took effect.
    Applied,
    /// Did not take effect, and will not be tried again.
    Failed,
    /// A person left it out, or did it by hand.
    Settled,
    /// Its undo is intended, no outcome recorded.
    Undoing,
    /// Undone.
    Undone,
    /// Its undo failed.
    UndoFailed,
    /// Not a call but the place of branches.
    Branches,
}

/// An entry that can't stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry} can't follow when the run is {run:?} and the call {call:?}")]
pub struct Illegal {
    entry: &'static str,
    run: Option<RunStatus>,
    call: Option<CallStatus>,
}

/// Returns where the run and the entry's call stand after an entry.
///
/// `run` is `None` before the first entry, `call` is `None` if the entry's call is not known yet
/// or the entry is not about a call.
///
/// # Errors
/// If the entry is not legal there.
#[rustfmt::skip]
pub fn next(
    run: Option<RunStatus>,
    call: Option<CallStatus>,
    body: &Body,
) -> Result<(RunStatus, Option<CallStatus>), Illegal> {
    use CallStatus::{Applied, Backoff, Branches, Failed, InDoubt, Retrying, Settled, Undoing, Undone, UndoFailed, Waiting};
    use RunStatus::{Finished, Running, Stuck, StuckUnwinding, Unwinding};

    let illegal = |entry| Err(Illegal { entry, run, call });
    let Some(status) = run else {
        return match body {
            Body::Created(_) => Ok((Running, None)),
            _ => illegal("an entry before `created`"),
        };
    };
    Ok(match (body, status, call) {
        (Body::Intended { .. }, Running, None | Some(InDoubt | Backoff | Retrying)) => (Running, Some(InDoubt)),

        // A read has no intent. Doubts are settled before a run goes back.
        (Body::Applied { head: Some(_), .. }, Running, None | Some(Backoff | Retrying)) => (Running, Some(Applied)),
        (Body::Applied { head: None, .. }, Running, Some(InDoubt)) => (Running, Some(Applied)),

        (Body::Failed { head: Some(_), retry_at: Some(_), .. }, Running, None | Some(Backoff | Retrying)) => (Running, Some(Backoff)),
        (Body::Failed { head: Some(_), retry_at: None, .. }, Running, None | Some(InDoubt | Backoff | Retrying)) => (Running, Some(Failed)),
        (Body::Failed { head: None, retry_at: Some(_), .. }, Running, Some(InDoubt)) => (Running, Some(Backoff)),
        (Body::Failed { head: None, retry_at: None, .. }, Running, Some(InDoubt)) => (Running, Some(Failed)),

        (Body::Parallel { .. }, Running, None) => (Running, Some(Branches)),

        // A step that waits is in doubt, as far as the journal can tell, and stays so.
        (Body::Waiting { head, .. }, Running, Some(InDoubt)) if head.kind == Kind::Wait => (Running, Some(InDoubt)),
        (Body::Waiting { .. }, Running, None | Some(Waiting | Retrying)) => (Running, Some(Waiting)),
        (Body::Answered { answer, .. }, Running, Some(Waiting)) => (Running, Some(match answer {
            Answer::Over { .. } | Answer::Given { .. } | Answer::Approved { enough: true, .. } => Applied,
            Answer::Denied { .. } | Answer::Failed { .. } => Failed,
            Answer::Approved { enough: false, .. } | Answer::Lapsed { .. } => Waiting,
        })),

        (Body::Unwinding { .. }, Running, call) => (Unwinding, call),
        // Who died between `undo_failed` and `stuck` tries again; so does a branch that a person's
        // decision about another one has set going.
        (Body::UndoIntended { .. }, Unwinding, Some(Applied | Undoing | UndoFailed)) => (Unwinding, Some(Undoing)),
        (Body::UndoApplied { .. }, Unwinding, Some(Undoing)) => (Unwinding, Some(Undone)),
        (Body::UndoFailed { .. }, Unwinding, Some(Undoing)) => (Unwinding, Some(UndoFailed)),

        (Body::Stuck { .. }, Running, call) => (Stuck, call),
        (Body::Stuck { .. }, Unwinding, call) => (StuckUnwinding, call),

        (Body::Decided { decision, .. }, Stuck | StuckUnwinding, call) => {
            let forward = if status == Stuck { Running } else { Unwinding };
            match (decision, call) {
                (Decision::Cancel | Decision::GoOn, None) => (forward, None),
                (Decision::Retry { .. }, Some(Failed | Backoff | Settled)) if status == Stuck => (forward, Some(Retrying)),
                (Decision::Retry { .. }, Some(InDoubt)) => (forward, Some(InDoubt)),
                (Decision::Retry { .. }, Some(UndoFailed | Undoing)) => (forward, Some(Undoing)),
                (Decision::Skip { .. } | Decision::MarkDone { .. }, Some(Undoing | UndoFailed)) => (forward, Some(Undone)),
                (Decision::Skip { .. } | Decision::MarkDone { .. }, Some(InDoubt | Failed | Backoff)) => (forward, Some(Settled)),
                _ => return illegal("a decision about this call"),
            }
        }
        (Body::Decided { decision: Decision::Cancel, .. }, Running | Unwinding, None) => (status, None),

        (Body::Resumed { .. } | Body::Placed { .. }, Running | Unwinding | Stuck | StuckUnwinding, None) => (status, None),
        (Body::Finished { end: End::Done }, Running, None) => (Finished(End::Done), None),
        (Body::Finished { end }, Unwinding, None) if *end != End::Done => (Finished(*end), None),

        (Body::Created(_), ..) => return illegal("a second `created`"),
        (_, Finished(_), _) => return illegal("an entry after `finished`"),
        (Body::Intended { .. }, ..) => return illegal("`intended`"),
        (Body::Applied { .. }, ..) => return illegal("`applied`"),
        (Body::Failed { .. }, ..) => return illegal("`failed`"),
        (Body::Parallel { .. }, ..) => return illegal("`parallel`"),
        (Body::Waiting { .. }, ..) => return illegal("`waiting`"),
        (Body::Answered { .. }, ..) => return illegal("`answered`"),
        (Body::Unwinding { .. }, ..) => return illegal("`unwinding`"),
        (Body::UndoIntended { .. }, ..) => return illegal("`undo_intended`"),
        (Body::UndoApplied { .. }, ..) => return illegal("`undo_applied`"),
        (Body::UndoFailed { .. }, ..) => return illegal("`undo_failed`"),
        (Body::Stuck { .. }, ..) => return illegal("`stuck`"),
        (Body::Decided { .. }, ..) => return illegal("`decided`"),
        (Body::Resumed { .. }, ..) => return illegal("`resumed`"),
        (Body::Placed { .. }, ..) => return illegal("`placed`"),
        (Body::Finished { .. }, ..) => return illegal("`finished`"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::id::CallKey;
    use crate::step::StepError;

    fn key() -> CallKey {
        CallKey::ROOT.child(1)
    }

    fn undo_intended() -> Body {
        Body::UndoIntended { key: key() }
    }

    #[test]
    fn only_created_can_come_first() {
        let error = next(None, None, &undo_intended()).unwrap_err();
        assert!(error.to_string().contains("before `created`"));
    }

    #[test]
    fn a_failed_call_is_never_undone() {
        let failed = Some(CallStatus::Failed);
        assert!(next(Some(RunStatus::Unwinding), failed, &undo_intended()).is_err());
        let applied = Some(CallStatus::Applied);
        assert!(next(Some(RunStatus::Unwinding), applied, &undo_intended()).is_ok());
    }

    #[test]
    fn nothing_follows_the_end() {
        let error = StepError::permanent("x", "x");
        let stuck = Body::Stuck { error, key: None };
        let end = Some(RunStatus::Finished(End::Done));
        assert!(next(end, None, &stuck).unwrap_err().to_string().contains("after `finished`"));
    }

    #[test]
    fn a_run_that_goes_back_can_not_end_done() {
        let done = Body::Finished { end: End::Done };
        assert!(next(Some(RunStatus::Unwinding), None, &done).is_err());
        let undone = Body::Finished { end: End::Undone };
        assert!(next(Some(RunStatus::Running), None, &undone).is_err());
    }

    #[test]
    fn nobody_answers_a_wait_that_is_over_or_not_asked() {
        let answered = |answer: Answer| Body::Answered {
            key: key(),
            answer,
            by: None,
            sealed: std::collections::BTreeMap::default(),
        };
        let some = answered(Answer::Approved { reason: None, enough: false });
        let last = answered(Answer::Approved { reason: None, enough: true });
        let denied = answered(Answer::Denied { reason: "no".to_owned() });
        let running = Some(RunStatus::Running);
        let waiting = Some(CallStatus::Waiting);
        let table = [
            (&some, CallStatus::Waiting),
            (&last, CallStatus::Applied),
            (&denied, CallStatus::Failed),
        ];
        for (body, after) in table {
            assert_eq!(next(running, waiting, body).unwrap().1, Some(after));
            for status in [None, Some(CallStatus::Applied), Some(CallStatus::Failed)] {
                assert!(next(running, status, body).is_err(), "{body:?} after {status:?}");
            }
            assert!(next(Some(RunStatus::Unwinding), waiting, body).is_err());
        }
    }

    #[test]
    fn a_decision_needs_a_run_that_is_stuck() {
        let decision = Decision::MarkDone { key: key(), output: Value::Null };
        let by = super::super::Origin::default();
        let decided = Body::Decided { decision, reason: "by hand".to_owned(), by };
        let doubt = Some(CallStatus::InDoubt);
        assert!(next(Some(RunStatus::Running), doubt, &decided).is_err());
        let after = next(Some(RunStatus::Stuck), doubt, &decided).unwrap();
        assert_eq!(after, (RunStatus::Running, Some(CallStatus::Settled)));
    }
}
