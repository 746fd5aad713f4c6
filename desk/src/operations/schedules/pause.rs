//! Pause a schedule until it is resumed.

use super::super::prelude::*;
use super::super::{Because, OPERATOR, reason};
use super::{CHANGED, ScheduleInFull, paused};

/// Pause a schedule until it is resumed.
pub struct Pause;

impl Operation for Pause {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/schedules/{name}/pause";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Pause a schedule until it is resumed";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = CHANGED;
    const REFUSES: &'static [Kind] = &[Kind::NO_SCHEDULE, Kind::PARAMETERS];
    type Query = ();
    type Body = Because;
    type Answer = ScheduleInFull;

    async fn carry_out(
        desk: Desk,
        call: Call<(), Because>,
    ) -> Result<Answer<ScheduleInFull>, Problem> {
        let because = reason(&call.body.reason)?;
        paused(desk, call.name, Some(because), call.peer.is_here()).await
    }
}
