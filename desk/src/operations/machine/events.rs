//! Watch all runs, from now on or from where the client left off.

use windlass_engine::clock::Millis;

use super::super::VIEWER;
use super::super::prelude::*;
use crate::stream::{EVENTS, Feed, From, LAST, Pass, bad_id, last, send};

/// How much of what a new connection to all events had may come again.
const OVERLAP_MS: Millis = 10_000;

/// Watch all runs, from now on or from where you left off.
pub struct AllEvents;

impl Operation for AllEvents {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/events";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Watch all runs, from now on or from where you left off";
    const CONTENT: &'static str = EVENTS;
    const HEADERS: &'static [(&'static str, &'static str)] =
        &[(LAST, "The `id` of the last event that you have.")];
    const SUCCEEDS: &'static [(u16, &'static str)] = &[(200, "Events, until the run is over.")];
    type Query = From;
    type Body = ();
    type Answer = ();

    async fn carry_out(desk: Desk, call: Call<From, ()>) -> Result<Answer<()>, Problem> {
        let pass = Pass::of(&desk, &call)?;
        let since = match last(&call.headers, call.query.after)? {
            Some(id) => {
                let at = id.split('.').next().and_then(|at| at.parse::<Millis>().ok());
                let at = at.ok_or_else(|| bad_id(&id, "`<at>.<run>.<seq>`"))?;
                Some(at.saturating_sub(OVERLAP_MS))
            }
            None => None,
        };
        let feed = Feed::of_all(&desk, since).await?;
        let id = |event: &windlass_engine::event::Event, seq| {
            format!("{}.{}.{seq}", event.at, event.run)
        };
        Ok(Answer::other(send(&desk, pass, feed, id)))
    }
}
