//! Traces of runs that are over, for whatever reads OTLP.
//!
//! ```text
//! journal -> spans (run > call > attempt) -> OTLP/HTTP JSON -> POST {otlp}/v1/traces
//! ```
//!
//! They are made from the journal when a run has ended, not while it goes on: so a restart loses
//! none, and a run that waited for a week over three restarts is one trace. The ids are made from
//! the run's name: what is sent twice is the same trace twice.
//!
//! The exporter of the OpenTelemetry project was left out: it would bring two dozen crates, and it
//! keeps what it could not send in memory, where this keeps a moment in the store.

mod export;
mod otlp;
mod spans;

pub(crate) use export::{Export, endpoint};
pub use otlp::document;
pub use spans::{Span, spans};
