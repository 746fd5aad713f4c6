//! Say that the process answers.

use axum::http::StatusCode;

use super::super::ANYBODY;
use super::super::prelude::*;
use super::TEXT;
use crate::router::plain;

/// Say that the process answers.
pub struct Alive;

impl Operation for Alive {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/healthz";
    const NEED: Need = ANYBODY;
    const ABOUT: &'static str = "Say that the process answers";
    const CONTENT: &'static str = "text/plain";
    type Query = ();
    type Body = ();
    type Answer = ();

    async fn carry_out(_: Desk, _: Call<(), ()>) -> Result<Answer<()>, Problem> {
        Ok(Answer::other(plain(StatusCode::OK, TEXT, "alive\n")))
    }
}
