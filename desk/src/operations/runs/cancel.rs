//! Stop a run, and undo what it did.

use windlass_engine::event::{RunView, Summary};

use super::super::prelude::*;
use super::super::{Because, OPERATOR, reason};
use super::{ACCEPTED, FOLLOWS, NOT_NOW, act};
use crate::stream::{EVENTS, Ears};

/// Stop a run, and undo what it did.
pub struct Cancel;

impl Operation for Cancel {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/cancel";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Stop a run, and undo what it did";
    const CHANGES: bool = true;
    const MEANT: Meant = Meant::Only("goes on", could);
    const CONTENT: &'static str = EVENTS;
    const HEADERS: &'static [(&'static str, &'static str)] = FOLLOWS;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_NOW;
    type Query = ();
    type Body = Because;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), Because>) -> Result<Answer<RunView>, Problem> {
        let because = reason(&call.body.reason)?;
        let ears = Ears::of(&desk, &call)?;
        let acted = act(&desk, &call, move |engine, run, by| match engine.is_driven(run) {
            true => engine.cancel(run, by, &because).map(|()| None),
            false => engine.undo(run, by, &because).map(Some),
        });
        let handle = acted.await?;
        ears.answer(call.run(), handle).await
    }
}

fn could(run: &Summary) -> bool {
    run.driven && !run.status.goes_back()
}
