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

use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use prometheus_client::metrics::gauge::Gauge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::event::Event;

use super::feed::{Feed, Item};
use crate::desk::Desk;
use crate::operation::Call;
use crate::problem::{Kind, Problem};
use crate::seats::{Full, Seat};

/// The media type.
pub(crate) const EVENTS: &str = "text/event-stream";

/// The type of the event that says why a stream ends.
pub(crate) const PROBLEM: &str = "problem";

/// The header in which a client says what it had last.
pub(crate) const LAST: &str = "last-event-id";

/// How long a line stays silent: proxies and clients close one that is dead.
const SILENCE: Duration = Duration::from_secs(15);

/// From where on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct From {
    /// The `id` of the last event that the client has, if it can't send a header.
    pub after: Option<String>,
}

/// Returns the `id` that a client had last, if it says so.
///
/// # Errors
/// If it is not text.
pub(crate) fn last(headers: &HeaderMap, query: Option<String>) -> Result<Option<String>, Problem> {
    let Some(header) = headers.get(LAST) else { return Ok(query) };
    let id = header.to_str().map_err(|_| bad_id("?", "text"))?;
    Ok(Some(id.to_owned()))
}

/// Returns the problem of an `id` that is none.
pub(crate) fn bad_id(id: &str, expected: &str) -> Problem {
    let detail = format!("`{id}` is not the id of an event: expected {expected}");
    Kind::UNREADABLE.because(detail).hint("Leave it out to start from the beginning.")
}

/// What a stream goes on with: a place, and a token that is good.
pub(crate) struct Pass {
    _seat: Option<Seat>,
    at_machine: bool,
    pub(crate) refused: Pin<Box<dyn Future<Output = Problem> + Send>>,
}

impl Pass {
    /// Takes a place. Those at the machine need none.
    ///
    /// # Errors
    /// If there is none left.
    pub(crate) fn of<Q, B>(desk: &Desk, call: &Call<Q, B>) -> Result<Self, Problem> {
        let (who, at_machine) = (call.who()?.clone(), call.peer.is_here());
        let seat = match at_machine {
            true => None,
            false => Some(desk.streams.take(&who.key()).map_err(full)?),
        };
        let refused = Box::pin(who.until_refused(desk.clone(), call.need));
        Ok(Pass { _seat: seat, at_machine, refused })
    }

    /// Returns the event that says why a stream ends.
    pub(crate) fn problem(&self, problem: &Problem) -> sse::Event {
        sse::Event::default().event(PROBLEM).data(problem.json(self.at_machine))
    }
}

fn full(full: Full) -> Problem {
    match full {
        Full::Each(most) => Kind::TOO_MANY
            .because(format!("this token watches {most} streams, as many as one may"))
            .hint("Close some; GET /api/v1/events has the events of all runs in one stream."),
        Full::All(most) => Kind::BUSY
            .because(format!("{most} streams are open, as many as there may be"))
            .hint("Try again in a moment; `[console] connections_max` allows more."),
    }
}

/// Sends what a feed has, until it ends or the right to it does.
pub(crate) fn send(desk: &Desk, pass: Pass, feed: Feed, id: fn(&Event, u64) -> String) -> Response {
    let watched = Watched::new(desk.metrics.streams.clone());
    let metrics = desk.metrics.clone();
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
                Err(problem) => (pass.problem(&problem), false),
            };
            Some((Ok::<_, Infallible>(sent), go_on.then_some((feed, pass, watched))))
        }
    });
    answer(items)
}

/// Returns an answer of events.
pub(crate) fn answer<S>(events: S) -> Response
where
    S: stream::Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
{
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(SILENCE));
    // A proxy that collects a stream before it hands it on makes it useless.
    ([("x-accel-buffering", "no")], stream).into_response()
}

/// Returns an event of a run as it is sent.
pub(crate) fn told(event: &Event, id: fn(&Event, u64) -> String) -> sse::Event {
    let sent = sse::Event::default();
    let sent = match event.seq {
        Some(seq) => sent.id(id(event, seq)),
        None => sent,
    };
    // Types of ours, whose keys are texts: they are JSON.
    sent.data(serde_json::to_string(event).unwrap_or_default())
}

/// Counts a stream for as long as it lives.
pub(crate) struct Watched(Gauge);

impl Watched {
    pub(crate) fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Watched(gauge)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.dec();
    }
}
