//! What comes next for a call, from what is recorded of it. Pure, and tested as a table.

use serde_json::Value;

use crate::clock::Millis;
use crate::journal::Call;
use crate::journal::CallStatus;
use crate::step::{Kind, StepError};

/// What comes next for a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Look, say, record the intent, do it.
    Begin {
        /// The number of the attempt that begins.
        attempt: u32,
    },
    /// Go on waiting from the recorded start.
    GoOn {
        /// The number of the attempt that goes on.
        attempt: u32,
    },
    /// Find out whether it took effect.
    Probe,
    /// Wait until a stored time, then begin.
    Sleep {
        /// Until when.
        until: Millis,
        /// The number of the attempt that then begins.
        attempt: u32,
    },
    /// Give the script what is recorded.
    Return(Value),
    /// Raise in the script what is recorded.
    Raise(StepError),
}

/// Returns what comes next for a call.
pub(super) fn decide(recorded: Option<&Call>) -> Next {
    let Some(call) = recorded else {
        return Next::Begin { attempt: 1 };
    };
    let attempt = call.attempt + 1;
    match call.status {
        CallStatus::Applied | CallStatus::Settled => Next::Return(call.output.value()),
        CallStatus::InDoubt if call.kind == Kind::Wait => Next::GoOn { attempt: call.attempt },
        CallStatus::Waiting => Next::GoOn { attempt: call.attempt },
        CallStatus::InDoubt => Next::Probe,
        CallStatus::Backoff => match call.retry_at {
            Some(until) => Next::Sleep { until, attempt },
            None => Next::Begin { attempt },
        },
        CallStatus::Retrying => Next::Begin { attempt },
        CallStatus::Failed => Next::Raise(call.error.clone().unwrap_or_else(|| {
            StepError::permanent("failed", "the call failed, and the journal does not say why")
        })),
        // A run that goes back is not evaluated; seeing one of these forward is a broken invariant
        // of ours, and raising it ends the evaluation without touching the world.
        CallStatus::Undoing
        | CallStatus::Undone
        | CallStatus::UndoFailed
        | CallStatus::Branches => Next::Raise(StepError::needs_operator(
            "bug",
            "the call has been undone, and the run went forward again",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::Packed;

    fn call(kind: Kind, status: CallStatus) -> Call {
        Call {
            step: "a.b".into(),
            kind,
            args: Packed::of(&json!({})),
            status,
            attempt: 2,
            base: Packed::of(&json!({})),
            says: String::new(),
            output: Packed::of(&json!({ "id": 1 })),
            how: None,
            error: Some(StepError::permanent("no", "no")),
            retry_at: Some(77),
            asked: None,
            began: 0,
            heard: 0,
            idle_ms: 0,
        }
    }

    #[test]
    fn what_is_recorded_decides() {
        let change = |status| decide(Some(&call(Kind::Change, status)));
        let table = [
            (decide(None), Next::Begin { attempt: 1 }),
            (change(CallStatus::InDoubt), Next::Probe),
            (decide(Some(&call(Kind::Destroy, CallStatus::InDoubt))), Next::Probe),
            (decide(Some(&call(Kind::Wait, CallStatus::InDoubt))), Next::GoOn { attempt: 2 }),
            (decide(Some(&call(Kind::Wait, CallStatus::Waiting))), Next::GoOn { attempt: 2 }),
            (change(CallStatus::Applied), Next::Return(json!({ "id": 1 }))),
            (change(CallStatus::Settled), Next::Return(json!({ "id": 1 }))),
            (change(CallStatus::Failed), Next::Raise(StepError::permanent("no", "no"))),
            (change(CallStatus::Backoff), Next::Sleep { until: 77, attempt: 3 }),
            (change(CallStatus::Retrying), Next::Begin { attempt: 3 }),
        ];
        for (is, should) in table {
            assert_eq!(is, should);
        }
    }

    #[test]
    fn a_change_in_doubt_is_never_repeated_blindly() {
        for kind in [Kind::Change, Kind::Destroy] {
            assert_eq!(decide(Some(&call(kind, CallStatus::InDoubt))), Next::Probe);
        }
    }
}
