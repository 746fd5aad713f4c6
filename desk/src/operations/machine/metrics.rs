//! Numbers for Prometheus.

use axum::http::StatusCode;

use super::super::VIEWER;
use super::super::prelude::*;
use crate::router::plain;

/// The format of what Prometheus reads.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Numbers for Prometheus.
pub struct Metrics;

impl Operation for Metrics {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/metrics";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Numbers for Prometheus";
    const CONTENT: &'static str = "application/openmetrics-text";
    type Query = ();
    type Body = ();
    type Answer = ();

    async fn carry_out(desk: Desk, _: Call<(), ()>) -> Result<Answer<()>, Problem> {
        let text = blocking(move || desk.metrics.text(&desk.engine)).await??;
        Ok(Answer::other(plain(StatusCode::OK, FORMAT, text)))
    }
}
