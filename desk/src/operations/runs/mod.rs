//! Runs: begun, looked at, moved, answered.

mod answer;
mod approve;
mod cancel;
mod deny;
mod events;
mod journal;
mod list;
mod mark_done;
mod move_here;
mod plan;
mod report;
mod resume;
mod retry;
mod show;
mod skip;
mod start;
mod undo;

use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::{RunView, Summary};
use windlass_engine::id::RunId;
use windlass_engine::journal::{Decision, Origin};

pub use answer::{AnswerRun, Fields};
pub use approve::{Approve, Weighed, Yes};
pub use cancel::Cancel;
pub use deny::{Deny, No};
pub use events::Events;
pub use journal::{Journal, JournalPart, Part};
pub use list::{List, Page, Which};
pub use mark_done::{ByHand, MarkDone};
pub use move_here::MoveHere;
pub use plan::{PlanResume, ResumePlan};
pub use report::{Report, Reported};
pub use resume::Resume;
pub use retry::{About, Retry};
pub use show::Show;
pub use skip::Skip;
pub use start::{Begin, Start};
pub use undo::Undo;

use crate::desk::{Desk, blocking};
use crate::operation::{Answer, Call};
use crate::problem::{Kind, Problem};
use crate::which::Meant;

const NO_RUN: &[Kind] = &[Kind::NO_RUN, Kind::PRUNED];
const NOT_NOW: &[Kind] = &[
    Kind::NO_RUN,
    Kind::PRUNED,
    Kind::IN_USE,
    Kind::OVER,
    Kind::STUCK,
    Kind::PAST_PIVOT,
    Kind::NOT_NOW,
    Kind::PARAMETERS,
];
const NOT_COUNTED: &[Kind] = &[
    Kind::NO_RUN,
    Kind::PRUNED,
    Kind::OVER,
    Kind::NOT_NOW,
    Kind::PARAMETERS,
    Kind::NOT_COUNTED,
    Kind::IN_THE_OPEN,
];
const ACCEPTED: &[(u16, &str)] = &[(200, "It is recorded. The run as it stands.")];
const FOLLOWS: &[(&str, &str)] = &[(
    "accept",
    "`text/event-stream`, to have what happens in the run from here on until it stops.",
)];

/// A run that a resume is about.
const INTERRUPTED: Meant = Meant::Only("is interrupted", |run| !run.driven);
/// A run that asks for approval.
const ASKS_APPROVAL: Meant = Meant::Only("asks for approval", |run| waits_at(run, "approve"));

fn waits_at(run: &Summary, step: &str) -> bool {
    run.waits.iter().any(|wait| wait.step == step)
}

/// Returns a run in full.
///
/// # Errors
/// If there is none, or it can't be read.
async fn in_full(desk: &Desk, run: RunId) -> Result<RunView, Problem> {
    let engine = desk.engine.clone();
    Ok(blocking(move || engine.view(&run)).await??)
}

/// Does something about the run that the path names, on a thread that may block. A run that there
/// is not gets no journal from being asked about.
async fn act<Q, B, T: Send + 'static>(
    desk: &Desk,
    call: &Call<Q, B>,
    act: impl FnOnce(&Engine, &RunId, &Origin) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, Problem> {
    let (engine, run, by) = (desk.engine.clone(), call.run(), call.origin(desk)?);
    Ok(blocking(move || engine.view(&run).and_then(|_| act(&engine, &run, &by))).await??)
}

/// Records what a person decides about a call of a stuck run.
async fn decide<B>(
    desk: &Desk,
    call: &Call<(), B>,
    decision: Decision,
    because: &str,
) -> Result<Answer<RunView>, Problem> {
    let because = super::reason(because)?;
    act(desk, call, move |engine, run, by| engine.decide(run, by, decision, &because)).await?;
    Ok(in_full(desk, call.run()).await?.into())
}
