//! Say whether requests are carried out: the store can be read, what is changed can be recorded, and
//! nothing stops.

use axum::http::StatusCode;
use windlass_engine::engine::KEY_CHECK;

use super::super::ANYBODY;
use super::super::prelude::*;
use super::TEXT;
use crate::router::plain;

/// Say whether requests are carried out.
pub struct Ready;

impl Operation for Ready {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/readyz";
    const NEED: Need = ANYBODY;
    const ABOUT: &'static str = "Say whether requests are carried out";
    const CONTENT: &'static str = "text/plain";
    const REFUSES: &'static [Kind] = &[Kind::STORE];
    type Query = ();
    type Body = ();
    type Answer = ();

    async fn carry_out(desk: Desk, _: Call<(), ()>) -> Result<Answer<()>, Problem> {
        if *desk.stopping.borrow() {
            return Err(Kind::BUSY.because("the daemon is stopping"));
        }
        desk.is_ready()?;
        blocking(move || desk.engine.store().value(KEY_CHECK)).await??;
        Ok(Answer::other(plain(StatusCode::OK, TEXT, "ready\n")))
    }
}
