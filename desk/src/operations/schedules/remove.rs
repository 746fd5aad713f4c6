//! Remove a schedule; its runs stay.

use axum::http::StatusCode;
use windlass_duty::schedule::Book;

use super::super::prelude::*;
use super::super::{ADMIN_HERE, GONE};

/// Remove a schedule; its runs stay.
pub struct Remove;

impl Operation for Remove {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/schedules/{name}";
    const NEED: Need = ADMIN_HERE;
    const ABOUT: &'static str = "Remove a schedule; its runs stay";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = GONE;
    const REFUSES: &'static [Kind] = &[Kind::NO_SCHEDULE, Kind::FIXED_SCHEDULE];
    type Query = ();
    type Body = ();
    type Answer = ();

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<()>, Problem> {
        blocking(move || Book::of(&desk.engine).remove(&call.name)).await??;
        Ok(Answer::from(()).with(StatusCode::NO_CONTENT))
    }
}
