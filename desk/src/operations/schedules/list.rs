//! List the schedules, and when each comes next.

use windlass_duty::schedule::{Book, BookError};

use super::super::VIEWER;
use super::super::prelude::*;
use super::{Schedule, ScheduleList};

/// List the schedules, and when each comes next.
pub struct List;

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/schedules";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "List the schedules, and when each comes next";
    type Query = ();
    type Body = ();
    type Answer = ScheduleList;

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<ScheduleList>, Problem> {
        let (engine, here) = (desk.engine, call.peer.is_here());
        let listing = blocking(move || {
            let now = engine.clock().now();
            let all = Book::of(&engine).all()?;
            Ok::<_, BookError>(all.into_iter().map(|kept| Schedule::of(kept, now, here)).collect())
        });
        Ok(ScheduleList { schedules: listing.await?? }.into())
    }
}
