//! Take the swarm that answers now for the one where a run began.

use windlass_engine::event::RunView;

use super::super::prelude::*;
use super::super::{Because, OPERATOR, reason};
use super::{ACCEPTED, INTERRUPTED, NOT_NOW, act, in_full};

/// Take the swarm that answers now for the one where a run began.
pub struct MoveHere;

impl Operation for MoveHere {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/runs/{run}/move";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Take the swarm that answers now for the one where a run began";
    const CHANGES: bool = true;
    const MEANT: Meant = INTERRUPTED;
    const SUCCEEDS: &'static [(u16, &'static str)] = ACCEPTED;
    const REFUSES: &'static [Kind] = NOT_NOW;
    type Query = ();
    type Body = Because;
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), Because>) -> Result<Answer<RunView>, Problem> {
        let because = reason(&call.body.reason)?;
        act(&desk, &call, move |engine, run, by| engine.move_here(run, by, &because)).await?;
        Ok(in_full(&desk, call.run()).await?.into())
    }
}
