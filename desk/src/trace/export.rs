//! Sending traces, and knowing which have been sent.
//!
//! The store keeps one moment: all runs that ended before it have been sent. So nothing has to be
//! noted for a run that begins, and after a restart whatever ended since that moment is sent, some
//! of it perhaps a second time.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::{Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::{Event, What};
use windlass_engine::id::RunId;

use super::{document, spans};
use crate::desk::{Desk, blocking};
use crate::problem::Problem;

/// Under which name the store keeps the moment.
const SENT_UNTIL: &str = "trace/sent_until";

/// Runs end at the same time, and are not noted in the order of their ends: those that ended this
/// shortly before the moment are looked at again.
const OVERLAP_MS: Millis = 60_000;

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait after a receiver did not take a trace, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Spans in one request: a run of ten thousand calls is sent in parts.
const SPANS_MAX: usize = 2_000;

/// Returns where traces go, if `base` is the URL of a receiver.
pub(crate) fn endpoint(base: &str) -> Option<Uri> {
    let uri: Uri = format!("{}/v1/traces", base.trim_end_matches('/')).parse().ok()?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    (known && uri.host().is_some_and(|host| !host.is_empty())).then_some(uri)
}

/// Sends traces of runs that are over.
pub(crate) struct Export {
    desk: Desk,
    to: Uri,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Sent by this process, and not long before the moment.
    sent: BTreeSet<(Millis, RunId)>,
}

/// Why a trace was not sent.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error("the receiver can't be reached: {0}")]
    Unreachable(String),
    #[error("the receiver did not answer within ten seconds")]
    Late,
    #[error("the receiver answered {0}: {1}")]
    Refused(u16, String),
    #[error("{}", .0.detail)]
    Here(Problem),
}

impl From<Problem> for NotSent {
    fn from(problem: Problem) -> Self {
        NotSent::Here(problem)
    }
}

impl Export {
    /// Returns what sends traces.
    ///
    /// # Errors
    /// If the certificates of this machine can't be read.
    pub(crate) fn new(desk: Desk, to: Uri) -> std::io::Result<Self> {
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Export { desk, to, client, sent: BTreeSet::new() })
    }

    /// Sends until the console stops.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        tokio::select! {
            () = self.send_for_ever() => {}
            // An error means that whoever could stop us is gone.
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }

    async fn send_for_ever(mut self) {
        let mut events = self.desk.engine.subscribe();
        let mut backoff = BACKOFF.0;
        loop {
            match self.send_all().await {
                Ok(()) => {
                    backoff = BACKOFF.0;
                    if !next_end(&mut events).await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, retry_in = ?backoff, "a trace was not sent");
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
            }
        }
    }

    /// Sends whatever has ended and is not known to be sent.
    async fn send_all(&mut self) -> Result<(), NotSent> {
        let engine = self.desk.engine.clone();
        let (until, mut ended) = blocking(move || ended_since(&engine)).await??;
        self.sent.retain(|(at, _)| *at >= until.saturating_sub(OVERLAP_MS));
        ended.retain(|run| !self.sent.contains(run));
        for (at, run) in ended {
            if let Err(error) = self.send(&run).await {
                self.desk.metrics.traces_failed.inc();
                return Err(error);
            }
            self.desk.metrics.traces_sent.inc();
            let engine = self.desk.engine.clone();
            blocking(move || keep(&engine, at.max(until))).await??;
            self.sent.insert((at, run));
        }
        Ok(())
    }

    async fn send(&self, run: &RunId) -> Result<(), NotSent> {
        let (engine, of) = (self.desk.engine.clone(), run.clone());
        let read = blocking(move || engine.entries(&of).map(|entries| spans(&of, &entries)));
        let spans = match read.await? {
            Ok(spans) => spans,
            Err(error) => {
                // It will not get better by trying, and must not hold up all others.
                tracing::error!(%run, %error, "a run has no trace: its journal can't be read");
                return Ok(());
            }
        };
        for part in spans.chunks(SPANS_MAX) {
            self.post(document(part).to_string()).await?;
        }
        Ok(())
    }

    async fn post(&self, body: String) -> Result<(), NotSent> {
        let request = hyper::Request::post(self.to.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .map_err(|e| NotSent::Unreachable(e.to_string()))?;
        let sending = async {
            let response = self.client.request(request).await;
            let response = response.map_err(|e| NotSent::Unreachable(e.to_string()))?;
            let status = response.status();
            let text = Limited::new(response.into_body(), 4096).collect().await;
            let text = text.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            if status.is_success() {
                return Ok(());
            }
            Err(NotSent::Refused(status.as_u16(), String::from_utf8_lossy(&text).into_owned()))
        };
        tokio::time::timeout(PATIENCE, sending).await.map_err(|_| NotSent::Late)?
    }
}

/// Returns true when a run ends, or may have; false if no more will.
async fn next_end(events: &mut Receiver<Event>) -> bool {
    loop {
        match events.recv().await {
            Ok(event) if matches!(event.what, What::Finished { .. }) => return true,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Returns the moment up to which runs have been sent, and those that may not have been, oldest end
/// first.
fn ended_since(engine: &Engine) -> Result<(Millis, Vec<(Millis, RunId)>), Problem> {
    let kept = engine.store().value(SENT_UNTIL)?;
    let kept = kept.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse::<Millis>().ok());
    let Some(until) = kept else {
        // The first time: what ended before anybody asked for traces is not sent.
        let now = engine.clock().now();
        keep(engine, now)?;
        return Ok((now, Vec::new()));
    };
    let since = until.saturating_sub(OVERLAP_MS);
    let runs = engine.runs(false)?.into_iter();
    let ended = runs.filter(|run| !run.is_open() && run.heard >= since);
    let mut ended: Vec<(Millis, RunId)> = ended.map(|run| (run.heard, run.run)).collect();
    ended.sort();
    Ok((until, ended))
}

fn keep(engine: &Engine, until: Millis) -> Result<(), Problem> {
    let store = engine.store();
    store.sync(store.put_value(SENT_UNTIL, until.to_string().as_bytes())?)?;
    Ok(())
}
