//! Numbers for Prometheus.
//!
//! Counters begin with the process; what a restart must not forget is in the journals, and the
//! gauges are read from there whenever somebody asks.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::{Event, Status, What};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    path: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Path {
    path: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    step: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Step {
    step: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    end: String,
}

type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// The numbers. Clones are the same.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    request_seconds: Times<Path>,
    pub(crate) connections: Gauge,
    pub(crate) streams: Gauge,
    pub(crate) lagged: Counter,
    refused: Family<Why, Counter>,
    calls: Family<Call, Counter>,
    call_seconds: Times<Step>,
    ended: Family<Ended, Counter>,
    missed: Counter,
    pub(crate) traces_sent: Counter,
    pub(crate) traces_failed: Counter,
}

impl Metrics {
    /// Returns numbers that are all zero.
    pub(crate) fn new() -> Self {
        let mut metrics = Metrics {
            registry: Arc::default(),
            requests: Family::default(),
            request_seconds: Times::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.001, 4.0, 8))
            }),
            connections: Gauge::default(),
            streams: Gauge::default(),
            lagged: Counter::default(),
            refused: Family::default(),
            calls: Family::default(),
            call_seconds: Times::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.01, 4.0, 10))
            }),
            ended: Family::default(),
            missed: Counter::default(),
            traces_sent: Counter::default(),
            traces_failed: Counter::default(),
        };
        metrics.registry = Arc::new(metrics.registered());
        metrics
    }

    #[rustfmt::skip]
    fn registered(&self) -> Registry {
        let mut all = Registry::with_prefix("windlass");
        all.register("runs_ended", "Runs that ended since this process began, by how", self.ended.clone());
        all.register("calls", "Calls since this process began, by step and by what they came to", self.calls.clone());
        all.register("call_seconds", "How long calls took that took effect", self.call_seconds.clone());
        all.register("http_requests", "Requests, by endpoint and status", self.requests.clone());
        all.register("http_request_seconds", "How long requests took", self.request_seconds.clone());
        all.register("http_connections", "Connections that are open", self.connections.clone());
        all.register("event_streams", "Streams of events that are being read", self.streams.clone());
        all.register("event_streams_lagged", "How often a reader was too slow and went on from the journal", self.lagged.clone());
        all.register("tokens_refused", "Tokens that were refused, by why", self.refused.clone());
        all.register("events_missed", "Events that these numbers lack, because they came too fast", self.missed.clone());
        all.register("traces_sent", "Traces that the receiver has taken", self.traces_sent.clone());
        all.register("traces_failed", "Traces that the receiver did not take; they are sent again", self.traces_failed.clone());
        all
    }

    /// Counts a request.
    pub(crate) fn answered(&self, path: &str, method: &str, status: u16, took: Duration) {
        // Whatever a client makes up must not become a series.
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&method);
        let method = if known { method } else { "other" }.to_owned();
        let path = path.to_owned();
        self.requests.get_or_create(&Request { method, path: path.clone(), status }).inc();
        self.request_seconds.get_or_create(&Path { path }).observe(took.as_secs_f64());
    }

    /// Counts a token that was refused.
    pub(crate) fn token_refused(&self, why: &'static str) {
        self.refused.get_or_create(&Why { why }).inc();
    }

    /// Counts what happens, until the console stops.
    pub(crate) async fn watch(self, engine: Engine, mut stopping: watch::Receiver<bool>) {
        let mut events = engine.subscribe();
        // Held only for its subscription, or the engine would never be let go of.
        drop(engine);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => self.count(event),
                    Err(RecvError::Lagged(missed)) => drop(self.missed.inc_by(missed)),
                    Err(RecvError::Closed) => return,
                },
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    fn count(&self, event: Event) {
        let (step, outcome) = match event.what {
            What::CallEnded { step, took_ms, .. } => {
                let seconds = Duration::from_millis(took_ms.unsigned_abs()).as_secs_f64();
                let step_of = Step { step: step.clone() };
                self.call_seconds.get_or_create(&step_of).observe(seconds);
                (step, "applied")
            }
            What::CallFailed { step, .. } => (step, "failed"),
            What::UndoEnded { step, .. } => (step, "undone"),
            What::UndoFailed { step, .. } => (step, "undo_failed"),
            What::Finished { end } => {
                let end = Status::from(end).to_string();
                self.ended.get_or_create(&Ended { end }).inc();
                return;
            }
            _ => return,
        };
        self.calls.get_or_create(&Call { step, outcome }).inc();
    }

    /// Returns all numbers as text; reads the open runs, and blocks.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(crate) fn text(&self, engine: &Engine) -> Result<String, EngineError> {
        let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
        for status in Status::ALL.into_iter().filter(|status| !status.is_finished()) {
            by_status.insert(status.word(), 0);
        }
        for run in engine.runs(true)? {
            *by_status.entry(run.status.word()).or_default() += 1;
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP windlass_runs_open Runs that have not finished, by status.");
        let _ = writeln!(text, "# TYPE windlass_runs_open gauge");
        for (status, count) in by_status {
            let _ = writeln!(text, "windlass_runs_open{{status=\"{status}\"}} {count}");
        }
        let _ = writeln!(text, "# HELP windlass_runs_driven Runs that this process drives.");
        let _ = writeln!(text, "# TYPE windlass_runs_driven gauge");
        let _ = writeln!(text, "windlass_runs_driven {}", engine.driven().len());
        let _ = encode(&mut text, &self.registry);
        Ok(text)
    }
}
