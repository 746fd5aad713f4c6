//! Events as server-sent events.
//!
//! `id` is the place of an event, and a client that connects again sends the last one back: the
//! browser's `EventSource` does so by itself. For one run it is the number of the journal's entry;
//! for all runs it is `<at>.<run>.<seq>`, and on a new connection what happened within ten seconds
//! before comes again, because runs write at the same time: run and seq tell what one has.
//!
//! A stream lasts no longer than the right to it: when its token is removed or expires, it ends with
//! an event `problem` that says so.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use prometheus_client::metrics::gauge::Gauge;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_engine::clock::Millis;
use windlass_engine::event::Event;

use super::feed::{Feed, Item};
use crate::console::{Console, blocking};
use crate::endpoint::Call;
use crate::problem::{Kind, Problem};
use crate::seats::{Full, Seat};

/// The header in which a client says what it had last.
pub(crate) const HEADER: &str = "last-event-id";

/// How long a line stays silent: proxies and clients close one that is dead.
const SILENCE: Duration = Duration::from_secs(15);

/// How much of what a new connection to all events had may come again.
const OVERLAP_MS: Millis = 10_000;

/// From where on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    /// The `id` of the last event that the client has, if it can't send a header.
    after: Option<String>,
}

/// Sends the events of a run from its beginning, or from where the client left off.
pub(crate) async fn run(console: Console, call: Call<From, ()>) -> Result<Response, Problem> {
    let (run, pass) = (call.run(), Pass::of(&console, &call)?);
    let after = match last(&call.headers, call.query.after)? {
        Some(id) => Some(id.parse::<u64>().map_err(|_| bad_id(&id, "a number"))?),
        None => None,
    };
    let from = after.map_or(0, |after| after.saturating_add(1));
    let (engine, of) = (console.engine.clone(), run.clone());
    let (view, rest) =
        blocking(move || Ok::<_, Problem>((engine.view(&of)?, engine.events(&of, from, 1)?)))
            .await??;
    if rest.is_empty() && view.summary.status.is_finished() {
        // What tells an EventSource not to come again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let feed = Feed::of_run(&console, &run, from);
    Ok(send(&console, pass, feed, |_, seq| seq.to_string()))
}

/// Sends the events of all runs from now on, or from where the client left off.
pub(crate) async fn all(console: Console, call: Call<From, ()>) -> Result<Response, Problem> {
    let pass = Pass::of(&console, &call)?;
    let since = match last(&call.headers, call.query.after)? {
        Some(id) => {
            let at = id.split('.').next().and_then(|at| at.parse::<Millis>().ok());
            let at = at.ok_or_else(|| bad_id(&id, "`<at>.<run>.<seq>`"))?;
            Some(at.saturating_sub(OVERLAP_MS))
        }
        None => None,
    };
    let feed = Feed::of_all(&console, since).await?;
    Ok(send(&console, pass, feed, |event, seq| format!("{}.{}.{seq}", event.at, event.run)))
}

fn last(headers: &HeaderMap, query: Option<String>) -> Result<Option<String>, Problem> {
    let Some(header) = headers.get(HEADER) else { return Ok(query) };
    let id = header.to_str().map_err(|_| bad_id("?", "text"))?;
    Ok(Some(id.to_owned()))
}

fn bad_id(id: &str, expected: &str) -> Problem {
    let detail = format!("`{id}` is not the id of an event: expected {expected}");
    Kind::UNREADABLE.because(detail).hint("Leave it out to begin anew.")
}

/// What a stream goes on with: a place, and a token that is good.
struct Pass {
    _seat: Seat,
    refused: Pin<Box<dyn Future<Output = Problem> + Send>>,
}

impl Pass {
    fn of(console: &Console, call: &Call<From, ()>) -> Result<Self, Problem> {
        let who = call.who()?.clone();
        let seat = console.streams.take(&who.token).map_err(|full| match full {
            Full::Each(most) => Kind::TOO_MANY
                .because(format!("this token watches {most} streams, as many as one may"))
                .hint("Close some; GET /api/v1/events has the events of all runs in one stream."),
            Full::All(most) => Kind::BUSY
                .because(format!("{most} streams are open, as many as there may be"))
                .hint("Try again in a moment; `[console] connections_max` allows more."),
        })?;
        let refused = Box::pin(who.until_refused(console.clone(), call.need));
        Ok(Pass { _seat: seat, refused })
    }
}

fn send(console: &Console, pass: Pass, feed: Feed, id: fn(&Event, u64) -> String) -> Response {
    let watched = Watched::new(console.metrics.streams.clone());
    let metrics = console.metrics.clone();
    let items = stream::unfold(Some((feed, pass, watched)), move |state| {
        let metrics = metrics.clone();
        async move {
            let (mut feed, mut pass, watched) = state?;
            let next = tokio::select! {
                biased;
                problem = &mut pass.refused => Err(problem),
                next = feed.next() => next,
            };
            let (sent, go_on) = match next {
                Ok(Some(Item::Event(event))) => (told(&event, id), true),
                Ok(Some(Item::Lagged)) => {
                    metrics.lagged.inc();
                    (sse::Event::default().event("lagged").data("{}"), true)
                }
                Ok(None) => return None,
                Err(problem) => (problem_of(&problem), false),
            };
            Some((Ok::<_, Infallible>(sent), go_on.then_some((feed, pass, watched))))
        }
    });
    let stream = Sse::new(items).keep_alive(KeepAlive::new().interval(SILENCE));
    // A proxy that collects a stream before it hands it on makes it useless.
    ([("x-accel-buffering", "no")], stream).into_response()
}

fn told(event: &Event, id: fn(&Event, u64) -> String) -> sse::Event {
    let sent = sse::Event::default();
    let sent = match event.seq {
        Some(seq) => sent.id(id(event, seq)),
        None => sent,
    };
    // Types of ours, whose keys are texts: they are JSON.
    sent.data(serde_json::to_string(event).unwrap_or_default())
}

fn problem_of(problem: &Problem) -> sse::Event {
    sse::Event::default().event("problem").data(problem.json())
}

/// Counts a stream for as long as it lives.
struct Watched(Gauge);

impl Watched {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Watched(gauge)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.dec();
    }
}
