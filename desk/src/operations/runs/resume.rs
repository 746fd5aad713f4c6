//! Resume an interrupted run.

use windlass_engine::event::RunView;

use super::super::OPERATOR;
use super::super::prelude::*;
use super::{ACCEPTED, FOLLOWS, INTERRUPTED, NOT_NOW, act};
use crate::stream::{EVENTS, Ears};

/// Resume an interrupted run.
pub struct Resume;

impl Operation for Resume {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/resume";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Resume an interrupted run";
    const CHANGES: bool = true;
    const MEANT: Meant = INTERRUPTED;
    const CONTENT: &'static str = EVENTS;
    const HEADERS: &'static [(&'static str, &'static str)] = FOLLOWS;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_NOW;
    type Query = ();
    type Body = ();
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<RunView>, Problem> {
        let ears = Ears::of(&desk, &call)?;
        let handle = act(&desk, &call, |engine, run, by| engine.resume(run, by)).await?;
        ears.answer(call.run(), Some(handle)).await
    }
}
