//! What a client may not do to the others, and to runs.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass_console::{Config, Role};

use crate::rig::{Disk, PATIENCE, Rig};
use crate::stream::Stream;

/// A run of many calls.
const LONG: &str = "//! title = \"Long\"\nfor n in 0..3000 { thing::make(#{ name: `n${n}` }); }\n";

const SLOW: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_and_a_flood_hold_no_run_up_and_a_good_reader_loses_nothing() {
    let rig = Rig::with(Disk::new(), Config { connections_max: 400, ..Config::default() }).await;
    let token = rig.token("anna", &[Role::Author]);

    // Readers who ask for all events and then read not a byte.
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = TcpStream::connect(rig.bound.address()).await.unwrap();
        let ask = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let metric = async |name: &str| -> f64 {
        let text = rig.get("/metrics", &token).await.is(200).text;
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or("x 0");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let all_watch = async { while metric("windlass_event_streams ").await < SLOW as f64 {} };
    tokio::time::timeout(PATIENCE, all_watch).await.unwrap();

    // And a flood of requests, good and bad, that does not end before the run does.
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let flood: Vec<_> = (0..16)
        .map(|n| {
            let (client, url, token) = (rig.client.clone(), rig.url("/api/v1/runs"), token.clone());
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let mut sent = 0_u32;
                while !*stopped.borrow() {
                    let token = if n % 2 == 0 { &token } else { "wl_wrong" };
                    let request = hyper::Request::get(&url)
                        .header("authorization", format!("Bearer {token}"))
                        .body(http_body_util::Full::default())
                        .unwrap();
                    let answer = client.request(request).await.unwrap();
                    assert!([200, 401, 429].contains(&answer.status().as_u16()));
                    sent += 1;
                }
                sent
            })
        })
        .collect();

    let body = json!({ "runbook": "long", "text": LONG });
    let got = rig.post("/api/v1/runs", &token, body).await.is(201).json();
    let run = got["run"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/runs/{run}/events");
    let mut good = Stream::open(&rig, &path, &token, None).await;
    let mut seqs = Vec::new();
    while let Some(told) = good.next().await {
        if let Some(id) = &told.id {
            seqs.push(id.parse::<u64>().unwrap());
        }
    }
    stop.send_replace(true);
    let mut sent = 0;
    for flooding in flood {
        sent += flooding.await.unwrap();
    }
    assert!(sent > 16, "there was no flood");
    let expected = rig.engine.events(&run.as_str().into(), 0, usize::MAX).unwrap();
    let expected: Vec<u64> = expected.into_iter().filter_map(|event| event.seq).collect();
    assert!(expected.len() > 6_000);
    assert_eq!(seqs, expected, "the good reader lost events, or got them twice");
    rig.until(&run, &token, "done").await;
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_lags_is_told_so_and_goes_on_from_the_journal() {
    let rig = Rig::new().await;
    let token = rig.token("anna", &[Role::Author]);
    // Far more than what the kernel holds between two sockets.
    let text =
        LONG.replace("3000", "8000").replace("n${n}", &format!("n${{n}}{}", "x".repeat(1500)));
    let body = json!({ "runbook": "long", "text": text });
    let got = rig.post("/api/v1/runs", &token, body).await.is(201).json();
    let run = got["run"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/runs/{run}/events");
    // Opened at once, and read only when the run is over.
    let mut late = Stream::open(&rig, &path, &token, None).await;
    rig.until(&run, &token, "done").await;
    let (mut seqs, mut lagged) = (Vec::new(), 0);
    while let Some(told) = late.next().await {
        match told.id {
            Some(id) => seqs.push(id.parse::<u64>().unwrap()),
            None if told.name == "lagged" => lagged += 1,
            None => {}
        }
    }
    let expected = rig.engine.events(&run.as_str().into(), 0, usize::MAX).unwrap();
    let expected: Vec<u64> = expected.into_iter().filter_map(|event| event.seq).collect();
    assert_eq!(seqs, expected);
    assert!(lagged > 0, "the reader was not late enough for this test");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_of_another_type_or_broken_is_refused() {
    let rig = Rig::new().await;
    let author = rig.token("anna", &[Role::Author]);
    let body = json!({ "name": "x", "text": "x".repeat(1 << 20) });
    let large = rig.post("/api/v1/check", &author, body).await.refused(413, "WL0042");
    // The rest of it would be read as the next request.
    assert_eq!(large.headers["connection"], "close");
    let whole = rig.post("/api/v1/check", &author, json!({ "name": 1 })).await;
    assert!(whole.refused(400, "WL0042").headers.get("connection").is_none());
    let post = |content: &'static str, body: &'static str| {
        let request = rig.request("POST", "/api/v1/check", &author);
        request.header("content-type", content).body(body.into()).unwrap()
    };
    rig.send(post("text/plain", "{}")).await.refused(415, "WL0042");
    rig.send(post("application/json", "{")).await.refused(400, "WL0042");
    rig.send(post("application/json; charset=utf-8", "[]")).await.refused(400, "WL0042");
    // Serde would read it as a name and a text.
    rig.send(post("application/json", "[\"x\", \"y\"]")).await.refused(400, "WL0042");
    rig.send(post("application/json", " {\"name\": \"x\", \"text\": \"y\"}")).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_limit_wait_for_one_to_close() {
    let rig = Rig::with(Disk::new(), Config { connections_max: 2, ..Config::default() }).await;
    let first = TcpStream::connect(rig.bound.address()).await.unwrap();
    let second = TcpStream::connect(rig.bound.address()).await.unwrap();
    let mut third = TcpStream::connect(rig.bound.address()).await.unwrap();
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut byte = [0; 1];
    let soon = std::time::Duration::from_millis(300);
    let early = tokio::time::timeout(soon, third.read(&mut byte)).await;
    assert!(early.is_err(), "the third one was answered");
    drop(first);
    let read = tokio::time::timeout(PATIENCE, third.read(&mut byte)).await.unwrap().unwrap();
    assert_eq!(read, 1);
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_carried_out_although_its_client_has_gone() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    let body = json!({ "runbook": "gated" }).to_string();
    let ask = format!(
        "POST /api/v1/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = TcpStream::connect(rig.bound.address()).await.unwrap();
    client.write_all(ask.as_bytes()).await.unwrap();
    let until = async |condition: fn(&[Value]) -> bool| {
        let settled = async {
            loop {
                let audit = rig.get("/api/v1/audit", &admin).await.is(200).json();
                if condition(audit["entries"].as_array().unwrap()) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.unwrap();
    };
    // Begun, and held at the library. Then the client goes, and its connection ends without an
    // answer.
    until(|audit| audit.len() == 1).await;
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    until(|audit| audit[0]["outcome"].is_null()).await;
    rig.world.let_go();
    until(|audit| audit[0]["outcome"] == 201 && audit[0]["run"].is_string()).await;
    assert_eq!(rig.engine.runs(false).unwrap().len(), 1);
}
