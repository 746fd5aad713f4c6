//! Calls in doubt: settled before a run goes back, shown before it is resumed.

use serde::{Deserialize, Serialize};

use super::call::{LOOK_DEADLINE, within};
use super::drive::Driver;
use crate::id::CallKey;
use crate::journal::CallStatus;
use crate::journal::RunState;
use crate::script::{CallFailure, Halt};
use crate::step::{Kind, Mode, Probe};

/// A call that a resume has to deal with, and how it will.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OpenCall {
    /// Its place.
    pub key: CallKey,
    /// Its step.
    pub step: String,
    /// What it does.
    pub says: String,
    /// Where it stands.
    pub status: CallStatus,
    /// What a resume does with it: skip, repeat, ask, wait, undo.
    pub resume: String,
    /// What the world looks like.
    pub because: String,
}

impl Driver {
    /// Finds out about every change in doubt. On return there is none left.
    pub(super) fn settle_doubts(&self) -> Result<(), Halt> {
        for key in in_doubt(&self.ledger.look(Clone::clone)) {
            self.probe(&key, None).map_err(|failure| match failure {
                CallFailure::Halt(halt) => halt,
                CallFailure::Error(error) => Halt::Stuck(error, Some(key.clone())),
            })?;
        }
        Ok(())
    }
}

fn in_doubt(state: &RunState) -> Vec<CallKey> {
    let doubtful = state
        .calls
        .iter()
        .filter(|(_, call)| call.status == CallStatus::InDoubt && call.kind.changes());
    let mut keys: Vec<CallKey> = doubtful.map(|(key, _)| key.clone()).collect();
    keys.sort();
    keys
}

/// Returns the calls that a resume has to deal with. Looks at the world, and changes nothing.
pub(crate) async fn open_calls(driver: &Driver) -> Vec<OpenCall> {
    let state = driver.ledger.look(Clone::clone);
    let mut open: Vec<_> = state
        .calls
        .iter()
        .filter(|(_, call)| {
            !matches!(
                call.status,
                CallStatus::Applied | CallStatus::Undone | CallStatus::Settled | CallStatus::Failed
            )
        })
        .collect();
    open.sort_by(|a, b| a.0.cmp(b.0));
    let mut shown = Vec::new();
    for (key, call) in open {
        let (resume, because) = match call.status {
            CallStatus::Waiting => ("wait", "it goes on waiting".to_owned()),
            CallStatus::InDoubt if call.kind == Kind::Wait => {
                ("wait", "it goes on waiting from where it began".to_owned())
            }
            CallStatus::InDoubt => {
                let cx = driver.context(key, Mode::Run);
                let looked = match driver.step(&call.step) {
                    Ok(step) => {
                        let (args, base) = (call.args.value(), call.base.value());
                        let probing = step.probe(&cx, &args, &base);
                        within(LOOK_DEADLINE, Kind::Read, probing).await
                    }
                    Err(error) => Err(error),
                };
                verdict(looked)
            }
            CallStatus::Undoing | CallStatus::UndoFailed => {
                ("undo", "it was being undone".to_owned())
            }
            _ => ("repeat", call.error.as_ref().map(ToString::to_string).unwrap_or_default()),
        };
        shown.push(OpenCall {
            key: key.clone(),
            step: call.step.clone(),
            says: call.says.clone(),
            status: call.status,
            resume: resume.to_owned(),
            because: driver.sealed.redact(&because),
        });
    }
    shown
}

fn verdict(
    looked: Result<Probe<serde_json::Value>, crate::step::StepError>,
) -> (&'static str, String) {
    match looked {
        Ok(Probe::Applied(_)) => ("skip", "it took effect; its outcome was lost".to_owned()),
        Ok(Probe::NotApplied) => ("repeat", "it did not take effect".to_owned()),
        Ok(Probe::Partial(part)) => ("repeat", format!("it took effect in part: {part}")),
        Ok(Probe::Foreign(difference)) => {
            ("ask", format!("somebody else changed it: {difference}"))
        }
        Ok(Probe::Unknown(tried)) => ("ask", format!("it can't be told: {tried}")),
        Err(error) => ("ask", format!("looking failed: {error}")),
    }
}
