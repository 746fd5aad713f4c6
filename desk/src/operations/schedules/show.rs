//! Show a schedule, its next times, and what became of the last ones.

use windlass_duty::schedule::Book;

use super::super::prelude::*;
use super::super::{VIEWER, limit};
use super::{CAME_MAX, NO_SCHEDULE, ScheduleInFull, in_full};

/// How much to tell of a schedule.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HowMuch {
    /// How many of its last times; 50, if omitted.
    #[schemars(range(min = 1, max = CAME_MAX))]
    pub limit: Option<u16>,
}

/// Show a schedule, its next times, and what became of the last ones.
pub struct Show;

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/schedules/{name}";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Show a schedule, its next times, and what became of the last ones";
    const REFUSES: &'static [Kind] = NO_SCHEDULE;
    type Query = HowMuch;
    type Body = ();
    type Answer = ScheduleInFull;

    async fn carry_out(
        desk: Desk,
        call: Call<HowMuch, ()>,
    ) -> Result<Answer<ScheduleInFull>, Problem> {
        let (engine, name, here) = (desk.engine, call.name, call.peer.is_here());
        let limit = limit(call.query.limit, CAME_MAX)?;
        let showing =
            blocking(move || in_full(&engine, Book::of(&engine).get(&name)?, limit, here));
        Ok(showing.await??.into())
    }
}
