//! Undo what an interrupted or stuck run did.

use windlass_engine::event::{RunView, Summary};

use super::super::prelude::*;
use super::super::{Because, OPERATOR, reason};
use super::{ACCEPTED, FOLLOWS, NOT_NOW, act};
use crate::stream::{EVENTS, Ears};

/// Undo what an interrupted or stuck run did.
pub struct Undo;

impl Operation for Undo {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/undo";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Undo what an interrupted or stuck run did";
    const CHANGES: bool = true;
    const MEANT: Meant = Meant::Only("is interrupted or stuck", could);
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
        let handle =
            act(&desk, &call, move |engine, run, by| engine.undo(run, by, &because)).await?;
        ears.answer(call.run(), Some(handle)).await
    }
}

fn could(run: &Summary) -> bool {
    !run.driven && !run.status.goes_back()
}
