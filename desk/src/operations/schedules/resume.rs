//! Resume a paused schedule, from its next time on.

use super::super::OPERATOR;
use super::super::prelude::*;
use super::{CHANGED, ScheduleInFull, paused};

/// Resume a paused schedule, from its next time on.
pub struct Resume;

impl Operation for Resume {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/schedules/{name}/resume";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Resume a paused schedule, from its next time on";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = CHANGED;
    const REFUSES: &'static [Kind] = &[Kind::NO_SCHEDULE, Kind::FIXED_SCHEDULE];
    type Query = ();
    type Body = ();
    type Answer = ScheduleInFull;

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<ScheduleInFull>, Problem> {
        paused(desk, call.name, None, call.peer.is_here()).await
    }
}
