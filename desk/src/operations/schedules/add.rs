//! Add a schedule.

use serde_json::{Map, Value};
use windlass_duty::schedule::{Book, Config, Origin};

use super::super::ADMIN_HERE;
use super::super::prelude::*;
use super::{CAME_MAX, CHANGED, ScheduleInFull, in_full};

/// A schedule to add.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// What `[[schedule]]` in windlass.toml says of one.
    #[schemars(with = "Map<String, Value>")]
    pub config: Box<Config>,
}

/// Add a schedule.
pub struct Add;

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/schedules";
    const NEED: Need = ADMIN_HERE;
    const ABOUT: &'static str = "Add a schedule";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = CHANGED;
    const REFUSES: &'static [Kind] = &[Kind::FIXED_SCHEDULE];
    type Query = ();
    type Body = NewSchedule;
    type Answer = ScheduleInFull;

    async fn carry_out(
        desk: Desk,
        call: Call<(), NewSchedule>,
    ) -> Result<Answer<ScheduleInFull>, Problem> {
        let (engine, here) = (desk.engine, call.peer.is_here());
        let adding = blocking(move || {
            let now = engine.clock().now();
            let kept = Book::of(&engine).add(*call.body.config, Origin::Command, now)?;
            in_full(&engine, kept, usize::from(CAME_MAX), here)
        });
        Ok(adding.await??.into())
    }
}
