//! Spans as the JSON of OTLP.

use serde_json::{Value, json};
use windlass_engine::clock::Millis;

use super::Span;

/// Returns the body of an `ExportTraceServiceRequest`.
pub fn document(spans: &[Span]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let spans: Vec<Value> = spans.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [
            attribute("service.name", "windlass"),
            attribute("service.version", version),
        ] },
        "scopeSpans": [{ "scope": { "name": "windlass", "version": version }, "spans": spans }],
    }] })
}

fn span(span: &Span) -> Value {
    let attributes: Vec<Value> =
        span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    let event = |(at, what): &(Millis, String)| json!({ "timeUnixNano": nanos(*at), "name": what });
    let events: Vec<Value> = span.events.iter().map(event).collect();
    let mut told = json!({
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": 1,
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes,
        "events": events,
        "status": match &span.error {
            None => json!({ "code": 1 }),
            Some(error) => json!({ "code": 2, "message": error }),
        },
    });
    if let Some(parent) = &span.parent {
        told["parentSpanId"] = parent.as_str().into();
    }
    told
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

/// Numbers of 64 bits are texts in the JSON of protobuf.
fn nanos(at: Millis) -> String {
    (i128::from(at) * 1_000_000).to_string()
}
