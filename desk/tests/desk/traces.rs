//! Traces: what a receiver gets, and that none is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use windlass_desk::{Config, Role};

use crate::rig::{Disk, PATIENCE, Rig, process};

/// A receiver that refuses the first few requests.
struct Receiver {
    url: String,
    got: mpsc::UnboundedReceiver<Value>,
}

impl Receiver {
    async fn refusing(first: usize) -> Self {
        let (tell, got) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicUsize::new(0));
        let take = move |body: Bytes| {
            let refused = count.fetch_add(1, Ordering::SeqCst) < first;
            if !refused {
                let _ = tell.send(serde_json::from_slice(&body).unwrap());
            }
            let status = if refused { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            std::future::ready(status)
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver { url, got }
    }

    async fn spans(&mut self) -> Vec<Value> {
        let got = tokio::time::timeout(PATIENCE, self.got.recv()).await.unwrap().unwrap();
        assert_eq!(got["resourceSpans"][0]["resource"]["attributes"][0]["key"], "service.name");
        got["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
    }
}

fn with(receiver: &Receiver) -> Config {
    Config { otlp: Some(receiver.url.clone()), ..Config::default() }
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let all = span["attributes"].as_array().unwrap();
    &all.iter().find(|a| a["key"] == name).unwrap()["value"]["stringValue"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_a_trace_of_calls_of_attempts() {
    let mut receiver = Receiver::refusing(0).await;
    let rig = Rig::with(Disk::new(), with(&receiver)).await;
    let token = rig.token("olga", &[Role::Operator]);
    let run = rig.start("fails", &token).await;
    let spans = receiver.spans().await;
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fails", "thing.make", "thing.fail", "attempt 1", "attempt 1", "undo"]);
    let (of_run, make, fail) = (&spans[0], &spans[1], &spans[2]);
    assert_eq!(attribute(of_run, "windlass.run"), run.as_str());
    assert_eq!(attribute(of_run, "windlass.by"), "olga@127.0.0.1");
    assert_eq!(attribute(of_run, "windlass.end"), "undone");
    assert_eq!(of_run.get("parentSpanId"), None);
    assert_eq!(
        (&make["parentSpanId"], &fail["parentSpanId"]),
        (&of_run["spanId"], &of_run["spanId"])
    );
    assert_eq!(spans[4]["parentSpanId"], fail["spanId"]);
    assert_eq!(spans[5]["parentSpanId"], make["spanId"]);
    assert_eq!((&of_run["status"]["code"], &make["status"]["code"]), (&json!(2), &json!(1)));
    assert_eq!(fail["status"]["message"], "the world refuses");
    let mut ids = Vec::new();
    for span in &spans {
        assert_eq!(span["traceId"], of_run["traceId"]);
        assert_eq!(span["traceId"].as_str().unwrap().len(), 32);
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        let nanos = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        let (began, ended) = (nanos("startTimeUnixNano"), nanos("endTimeUnixNano"));
        assert!(began <= ended && began % 1_000_000 == 0);
        ids.push(span["spanId"].clone());
    }
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), spans.len(), "two spans have one id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_was_refused_or_whose_process_died_is_sent_later_and_the_same() {
    let mut receiver = Receiver::refusing(1).await;
    let rig = Rig::with(Disk::new(), with(&receiver)).await;
    let token = rig.token("olga", &[Role::Operator]);
    let first = rig.start("quick", &token).await;
    rig.until(&first, &token, "done").await;
    let sent = receiver.spans().await;
    assert_eq!(attribute(&sent[0], "windlass.run"), first.as_str());

    // Ended while nobody sends: the console is down, the engine is not.
    let Rig { disk, engine, bound, world, .. } = rig;
    bound.close().await;
    let text = "//! title = \"T\"\nthing::make(#{ name: \"a\" });\n";
    let compiled = windlass_engine::runbook::Runbook::compile("late", text, &world.steps());
    let handle = engine.start(&compiled.unwrap(), &process(), &[], Vec::new()).unwrap();
    let late = handle.run.to_string();
    handle.outcome().await;
    let _rig = Rig::with(disk.after_a_crash(), with(&receiver)).await;
    let again = receiver.spans().await;
    let next = receiver.spans().await;
    // The moment up to which traces were sent overlaps a little: the same is the same.
    assert_eq!(again, sent);
    assert_eq!(attribute(&next[0], "windlass.run"), late.as_str());
}
