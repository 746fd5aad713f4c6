//! Remove a token: from then on it is refused.

use axum::http::StatusCode;

use super::super::prelude::*;
use super::super::{ADMIN, GONE};

/// Remove a token.
pub struct Remove;

impl Operation for Remove {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/tokens/{id}";
    const NEED: Need = ADMIN;
    const ABOUT: &'static str = "Remove a token";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = GONE;
    const REFUSES: &'static [Kind] = &[Kind::NO_SUCH_TOKEN];
    type Query = ();
    type Body = ();
    type Answer = ();

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<()>, Problem> {
        blocking(move || desk.tokens.remove(&call.name)).await??;
        Ok(Answer::from(()).with(StatusCode::NO_CONTENT))
    }
}
