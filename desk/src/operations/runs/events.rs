//! Watch a run, from its beginning or from where the client left off.

use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::super::VIEWER;
use super::super::prelude::*;
use super::NO_RUN;
use crate::stream::{EVENTS, Feed, From, LAST, Pass, bad_id, last, send};

/// Watch a run.
pub struct Events;

impl Operation for Events {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runs/{run}/events";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Watch a run, from its beginning or from where you left off";
    const MEANT: Meant = Meant::Latest;
    const CONTENT: &'static str = EVENTS;
    const HEADERS: &'static [(&'static str, &'static str)] =
        &[(LAST, "The `id` of the last event that you have.")];
    const SUCCEEDS: &'static [(u16, &'static str)] = &[
        (200, "Events, until the run is over."),
        (204, "The run is over, and you have all of it."),
    ];
    const REFUSES: &'static [Kind] = NO_RUN;
    type Query = From;
    type Body = ();
    type Answer = ();

    async fn carry_out(desk: Desk, call: Call<From, ()>) -> Result<Answer<()>, Problem> {
        let (run, pass) = (call.run(), Pass::of(&desk, &call)?);
        let after = match last(&call.headers, call.query.after)? {
            Some(id) => Some(id.parse::<u64>().map_err(|_| bad_id(&id, "a number"))?),
            None => None,
        };
        let from = after.map_or(0, |after| after.saturating_add(1));
        let (engine, of) = (desk.engine.clone(), run.clone());
        let (view, rest) =
            blocking(move || Ok::<_, Problem>((engine.view(&of)?, engine.events(&of, from, 1)?)))
                .await??;
        if rest.is_empty() && view.summary.status.is_finished() {
            // What tells an EventSource not to come again.
            return Ok(Answer::other(StatusCode::NO_CONTENT.into_response()));
        }
        let feed = Feed::of_run(&desk, &run, from);
        Ok(Answer::other(send(&desk, pass, feed, |_, seq| seq.to_string())))
    }
}
