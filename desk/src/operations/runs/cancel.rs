//! Stop a run, and undo what it did.

use windlass_engine::event::{RunView, Summary};

use super::super::prelude::*;
use super::super::{Because, OPERATOR, reason};
use super::{ACCEPTED, FOLLOWS, NOT_NOW};
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
        let (ears, by) = (Ears::of(&desk, &call)?, call.origin(&desk)?);
        let (engine, run) = (desk.engine.clone(), call.run());
        let handle = blocking(move || {
            // A run that there is not gets no journal from being asked about.
            engine.view(&run)?;
            if engine.is_driven(&run) {
                return engine.cancel(&run, &by, &because).map(|()| None);
            }
            engine.undo(&run, &by, &because).map(Some)
        });
        ears.answer(call.run(), handle.await??).await
    }
}

fn could(run: &Summary) -> bool {
    run.driven && !run.status.goes_back()
}
