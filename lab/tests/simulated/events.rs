//! Events, and time that flows.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use windlass_lab::simulated::{Edit, Fault, On, What};

use crate::bench::{Bench, app};

/// A stream that is open, by lines; those of the HTTP framing are passed over.
struct Stream(Lines<BufReader<UnixStream>>);

impl Stream {
    async fn open(bench: &Bench, query: &str) -> Self {
        let mut stream = UnixStream::connect(bench.served.socket()).await.unwrap();
        let head = format!("GET /events{query} HTTP/1.1\r\nHost: d\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        while !lines.next_line().await.unwrap().unwrap().is_empty() {}
        Stream(lines)
    }

    /// Returns the next event; none if the stream has ended or broken.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let line = self.0.next_line().await.ok()??;
            if line.starts_with('{') {
                return serde_json::from_str(&line).ok();
            }
            if line == "0" {
                return None;
            }
        }
    }
}

#[tokio::test]
async fn events_tell_of_updates_but_not_of_tasks() {
    let bench = Bench::new().await;
    let began = bench.swarm.now() / 1_000;
    let filters = "%7B%22type%22%3A%5B%22service%22%2C%22node%22%5D%7D";
    let mut live = Stream::open(&bench, &format!("?filters={filters}")).await;
    bench.secret("s", "v").await;
    bench.service(&app("web", 1)).await;
    bench.pass(3.0);
    bench.swarm.edit(&Edit::Scale { service: "web".into(), replicas: 2 }).unwrap();
    bench
        .swarm
        .edit(&Edit::Image { service: "web".into(), image: "windlass/app:2".into() })
        .unwrap();
    bench.pass(20.0);
    let drain = Edit::Availability { node: "node003".into(), availability: "drain".into() };
    bench.swarm.edit(&drain).unwrap();
    let expected = [
        json!({ "name": "web" }),
        json!({ "name": "web", "replicas.new": "2", "replicas.old": "1" }),
        json!({ "name": "web", "image.new": "windlass/app:2", "image.old": "windlass/app:latest" }),
        json!({ "name": "web", "updatestate.new": "updating" }),
        json!({ "name": "web", "updatestate.new": "completed", "updatestate.old": "updating" }),
        json!({ "name": "node003", "availability.new": "drain", "availability.old": "active" }),
    ];
    let mut past = Stream::open(&bench, &format!("?since={began}&filters={filters}")).await;
    for stream in [&mut live, &mut past] {
        for attributes in &expected {
            assert_eq!(&stream.next().await.unwrap()["Actor"]["Attributes"], attributes);
        }
    }
    let until = bench.swarm.now() / 1_000 + 1;
    let mut all = Stream::open(&bench, &format!("?since={began}&until={until}")).await;
    assert_eq!(all.next().await.unwrap()["Type"], "secret");
    bench.pass(2.0);
    let mut rest = 0;
    while all.next().await.is_some() {
        rest += 1;
    }
    assert_eq!(rest, expected.len());
}

#[tokio::test]
async fn streams_break_when_the_daemon_goes_away() {
    let bench = Bench::new().await;
    let mut stream = Stream::open(&bench, "").await;
    let on = On { target: Some("/info".into()), ..On::default() };
    bench.swarm.set_faults(vec![Fault { on, what: What::Away { ms: 1_000 } }]);
    bench.secret("s", "v").await;
    assert_eq!(stream.next().await.unwrap()["Action"], "create");
    let socket = bench.served.socket();
    assert!(crate::bench::ask(socket, "GET", "/info", &[], &Value::Null).await.is_none());
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn time_flows_at_the_speed_that_it_is_told() {
    let bench = Bench::new().await;
    bench.service(&app("web", 1)).await;
    let began = bench.swarm.now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(bench.swarm.now(), began, "it stands until it is let go");
    let flow = bench.swarm.flow(100.0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(bench.swarm.now(), began + 2_000);
    assert_eq!(bench.states("web"), ["running running"]);
    bench.swarm.advance_to(began + 60_000);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(bench.swarm.now(), began + 61_000);
    drop(flow);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(bench.swarm.now(), began + 61_000);
}

#[tokio::test]
async fn a_socket_that_is_not_served_any_more_is_gone() {
    let bench = Bench::new().await;
    let socket = bench.served.socket().to_owned();
    let mut stream = Stream::open(&bench, "").await;
    assert!(bench.swarm.serve(&socket).await.is_err(), "it is taken");
    drop(bench.served);
    assert_eq!(stream.next().await, None);
    assert!(!socket.exists());
    let again = bench.swarm.serve(&socket).await.unwrap();
    assert_eq!(again.socket(), socket);
}
