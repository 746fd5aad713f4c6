//! What a client may not do to the others, and to runs.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass_desk::{Config, Role};

use crate::rig::{Disk, PATIENCE, Rig};
use crate::stream::Stream;

/// A run of many calls.
const LONG: &str = "//! title = \"Long\"\nfor n in 0..3000 { thing::make(#{ name: `n${n}` }); }\n";

const SLOW: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_and_a_flood_hold_no_run_up_and_a_good_reader_loses_nothing() {
    let config =
        Config { connections_max: 600, streams_per_token_max: SLOW + 1, ..Config::default() };
    let rig = Rig::with(Disk::new(), config).await;
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

async fn raw(rig: &Rig, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(rig.bound.address()).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream
}

/// The status of the answer; nothing, if the connection was closed without one.
async fn status(stream: &mut TcpStream) -> Option<String> {
    let mut start = [0; 12];
    let reading = tokio::time::timeout(PATIENCE, stream.read_exact(&mut start)).await.unwrap();
    reading.is_ok().then(|| String::from_utf8(start[9..].to_vec()).unwrap())
}

fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// 1,200 clients that sent one byte once kept everybody out for as long as they liked.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_say_nothing_push_out_each_other_and_nobody_else() {
    let rig = Rig::with(Disk::new(), Config { connections_max: 16, ..Config::default() }).await;
    let token = rig.token("anna", &[Role::Viewer]);
    let mut known = raw(&rig, &get("/api/v1/events", &token)).await;
    assert_eq!(status(&mut known).await.unwrap(), "200");
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(raw(&rig, "G").await);
    }
    // Anybody gets in while they are there.
    let mut admin = raw(&rig, &get("/api/v1/runs", &token)).await;
    assert_eq!(status(&mut admin).await.unwrap(), "200");
    let mut probe = raw(&rig, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(status(&mut probe).await.unwrap(), "200");
    // Those that came first were sent away, and the stream was not.
    assert_eq!(status(&mut silent[0]).await, None);
    let run = rig.start("quick", &rig.token("olga", &[Role::Operator])).await;
    let mut told = String::new();
    while !told.contains(&run) {
        let mut bytes = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, known.read(&mut bytes)).await.unwrap().unwrap();
        assert!(read > 0, "the stream ended");
        told += &String::from_utf8_lossy(&bytes[..read]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_gets_half_of_the_connections_and_all_no_more_than_there_are() {
    let rig = Rig::with(Disk::new(), Config { connections_max: 4, ..Config::default() }).await;
    let tokens: Vec<String> =
        ["a", "b", "c"].iter().map(|person| rig.token(person, &[Role::Viewer])).collect();
    let ask = async |token: &str| {
        let mut stream = raw(&rig, &get("/api/v1/runs", token)).await;
        let status = status(&mut stream).await.unwrap();
        (stream, status)
    };
    let mut open = Vec::new();
    for (token, expected) in
        [(0, "200"), (0, "200"), (0, "429"), (1, "200"), (1, "200"), (2, "503")]
    {
        let (stream, status) = ask(&tokens[token]).await;
        assert_eq!(status, expected, "token {token}");
        open.push(stream);
    }
    open.remove(0);
    let room = async { while ask(&tokens[2]).await.1 != "200" {} };
    tokio::time::timeout(PATIENCE, room).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_watches_so_many_streams_and_leaves_room_for_others() {
    let config = Config { connections_max: 12, streams_per_token_max: 4, ..Config::default() };
    let rig = Rig::with(Disk::new(), config).await;
    let (viewer, admin) = (rig.token("vera", &[Role::Viewer]), rig.admin());
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(Stream::open(&rig, "/api/v1/events", &viewer, None).await);
    }
    rig.get("/api/v1/events", &viewer).await.refused(429, "WL0044");
    rig.get("/api/v1/runs", &admin).await.is(200);
    let of_admin = [
        Stream::open(&rig, "/api/v1/events", &admin, None).await,
        Stream::open(&rig, "/api/v1/events", &admin, None).await,
    ];
    // Half of the connections are for those who don't watch.
    rig.get("/api/v1/events", &admin).await.refused(503, "WL0048");
    rig.get("/api/v1/runs", &admin).await.is(200);
    drop((streams, of_admin));
}

/// 20 plans of a swarm that did not answer once took all threads: `/readyz` took 18 seconds.
#[tokio::test(flavor = "multi_thread")]
async fn plans_of_a_swarm_that_does_not_answer_hold_nobody_up() {
    let rig = std::sync::Arc::new(Rig::new().await);
    let operator = rig.token("olga", &[Role::Operator]);
    let (tell, mut refused) = tokio::sync::mpsc::unbounded_channel();
    let plans: Vec<_> = (0..20)
        .map(|_| {
            let (rig, operator, tell) = (rig.clone(), operator.clone(), tell.clone());
            tokio::spawn(async move {
                let got = rig.post("/api/v1/runbooks/dead/plan", &operator, json!({})).await;
                if got.status == 503 {
                    tell.send(got.refused(503, "WL0048").headers["retry-after"].len()).unwrap();
                    return 503;
                }
                got.status
            })
        })
        .collect();
    // Four are made, eight wait, and the others are told so at once.
    for _ in 0..8 {
        let told = tokio::time::timeout(PATIENCE, refused.recv()).await.unwrap();
        assert!(told.is_some());
    }
    // The others are answered meanwhile: had these to wait, they would wait for the end of it.
    for _ in 0..40 {
        rig.get("/readyz", "").await.is(200);
        rig.get("/api/v1/runs", &operator).await.is(200);
    }
    assert_eq!(plans.iter().filter(|plan| !plan.is_finished()).count(), 12);
    rig.world.let_go();
    let mut planned = 0;
    for plan in plans {
        planned += usize::from(plan.await.unwrap() == 200);
    }
    assert_eq!(planned, 12);
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
