//! What machines ask: is it alive, is it ready, how much has it done, what can it be asked.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::console::{Console, blocking};
use crate::endpoint::Call;
use crate::openapi;
use crate::problem::{Kind, Problem};
use crate::router::plain;
use crate::table::table;

const TEXT: &str = "text/plain; charset=utf-8";

/// The format of what Prometheus reads.
pub(crate) const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Says that the process answers.
pub(crate) async fn alive(_: Console, _: Call<(), ()>) -> Result<Response, Problem> {
    Ok(plain(StatusCode::OK, TEXT, "alive\n"))
}

/// Says whether requests are carried out: the store can be read, what is changed can be recorded,
/// and the console does not stop.
pub(crate) async fn ready(console: Console, _: Call<(), ()>) -> Result<Response, Problem> {
    if *console.stopping.borrow() {
        return Err(Kind::BUSY.because("the console stops"));
    }
    console.is_ready()?;
    blocking(move || console.engine.store().value(windlass_engine::engine::KEY_CHECK)).await??;
    Ok(plain(StatusCode::OK, TEXT, "ready\n"))
}

/// Returns the numbers.
pub(crate) async fn metrics(console: Console, _: Call<(), ()>) -> Result<Response, Problem> {
    let text = blocking(move || console.metrics.text(&console.engine)).await??;
    Ok(plain(StatusCode::OK, METRICS, text))
}

/// Returns the document.
pub(crate) async fn document(_: Console, _: Call<(), ()>) -> Result<Response, Problem> {
    let document = openapi::document(&table()).to_string();
    Ok(([(header::CONTENT_TYPE, "application/json")], document).into_response())
}
