//! Schedules and notices over HTTP.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use windlass_desk::{Method, Role, table};
use windlass_duty::notice::{self, Courier, Kind, Outbox};
use windlass_duty::schedule::{Book, Ticker};
use windlass_duty::{Stop, Supplies};
use windlass_engine::journal::Values;
use windlass_engine::secret::Secret;

use crate::document::is_documented;
use crate::rig::{Rig, SHELF};

const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);

/// Runbooks of the shelf, and files of which none can be read.
struct NoFiles;

impl Supplies for NoFiles {
    fn runbook(&self, name: &str) -> Result<(String, String), String> {
        let found = SHELF.iter().find(|(shelved, _)| *shelved == name);
        let (name, text) = found.ok_or("there is none")?;
        Ok(((*name).to_owned(), (*text).to_owned()))
    }

    fn secret(&self, parameter: &str, source: &str) -> Result<Secret, String> {
        let path = source.strip_prefix('@').unwrap_or(source);
        Err(format!("`{parameter}` can't be read from {path}: no such file"))
    }
}

/// Does what is due once, as the daemon does.
async fn look(rig: &Rig) {
    let everything = vec![Kind::Missed, Kind::Overdue];
    let outbox = Outbox::new(&rig.engine, [("ops".parse().unwrap(), everything)]);
    let ticker = Ticker::new(rig.engine.clone(), Arc::new(NoFiles), outbox);
    tokio::task::spawn_blocking(move || ticker.look()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_listed_and_shown_with_what_comes_and_what_came() {
    let rig = Rig::new().await;
    let viewer = rig.token("vera", &[Role::Viewer]);
    rig.schedule("nightly", "missed = 'one'", SIX_HOURS);
    rig.schedule(
        "asleep",
        "paused = true\nparams = { n = 2 }\nalarm_after = '3d'\noverlap = 'queue'",
        SIX_HOURS,
    );
    look(&rig).await;

    let list = rig.get("/api/v1/schedules", &viewer).await.is(200);
    is_documented("get", "/api/v1/schedules", &list);
    let list = list.json();
    let [asleep, nightly] = list["schedules"].as_array().unwrap().as_slice() else {
        panic!("not two: {list}")
    };
    assert_eq!((&asleep["paused"], &asleep["next"]), (&json!(true), &Value::Null));
    assert_eq!((&asleep["overlap"], &asleep["alarm_after"]), (&json!("queue"), &json!("3days")));
    assert_eq!((&asleep["runbook"], &asleep["params"]), (&json!("quick"), &json!({ "n": "2" })));
    assert_eq!((&nightly["cron"], &nightly["zone"]), (&json!("0 * * * *"), &json!("UTC")));
    assert_eq!((&nightly["missed"], &nightly["origin"]), (&json!("one"), &json!("command")));

    let path = "/api/v1/schedules/nightly";
    let shown = rig.get(path, &viewer).await.is(200);
    is_documented("get", "/api/v1/schedules/{name}", &shown);
    let shown = shown.json();
    let times: Vec<i64> = serde_json::from_value(shown["times"].clone()).unwrap();
    assert_eq!((times.len(), &shown["next"]), (10, &json!(times[0])));
    assert!(times.is_sorted() && times[0] > rig.engine.clock().now(), "{times:?}");
    let came = shown["occurrences"].as_array().unwrap();
    assert!((6..=7).contains(&came.len()), "{came:?}");
    // The newest was caught up with; it stands first.
    assert_eq!((&came[0]["fate"], &came[1]["fate"]), (&json!("started"), &json!("missed")));
    assert_eq!(came[0]["run"], shown["last"]["run"]);
    assert!(came[0]["planned"].as_i64() > came[1]["planned"].as_i64());

    let few = rig.get(&format!("{path}?limit=2"), &viewer).await.is(200).json();
    assert_eq!(few["occurrences"].as_array().unwrap()[..], came[..2]);
    rig.get(&format!("{path}?limit=201"), &viewer).await.refused(400, "WL0042");
    let run = came[0]["run"].as_str().unwrap();
    rig.until(run, &viewer, "done").await;
    look(&rig).await;
    let over = rig.get(path, &viewer).await.json();
    let mut came_since = over["occurrences"].as_array().unwrap().iter();
    assert_eq!(came_since.find(|c| c["run"] == run).unwrap()["end"], "done");
    assert!(over["success"].as_i64() >= came[0]["at"].as_i64(), "{over}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_paused_and_resumed_with_the_effect_and_the_record_of_the_command() {
    let rig = Rig::new().await;
    let (admin, olga) = (rig.admin(), rig.token("olga", &[Role::Operator]));
    // Without the pause, the latest of its times would be caught up with.
    rig.schedule("nightly", "missed = 'one'", SIX_HOURS);
    let path = |act: &str| format!("/api/v1/schedules/nightly/{act}");
    for wrong in ["  ", "fine\u{1b}[2J"] {
        let body = json!({ "reason": wrong });
        rig.post(&path("pause"), &olga, body).await.refused(422, "WL0002");
    }
    let got = rig.post(&path("pause"), &olga, json!({ "reason": " it moves " })).await.is(200);
    is_documented("post", "/api/v1/schedules/{name}/pause", &got);
    let shown = got.json();
    assert_eq!((&shown["paused"], &shown["paused_because"]), (&json!(true), &json!("it moves")));
    assert_eq!(shown["next"], Value::Null);
    look(&rig).await;
    // What is durable is what counts: a machine that lost its power has it too.
    let rig = rig.restart().await;
    let kept = Book::of(&rig.engine).get("nightly").unwrap();
    assert_eq!(kept.standing.paused.as_deref(), Some("it moves"));
    assert!(kept.standing.last.is_none(), "it came although it was paused");

    let got =
        rig.send(rig.request("POST", &path("resume"), &olga).body(Default::default()).unwrap());
    let got = got.await.is(200);
    is_documented("post", "/api/v1/schedules/{name}/resume", &got);
    assert_eq!((&got.json()["paused"], &got.json()["waiting"]), (&json!(false), &json!([])));
    look(&rig).await;
    let kept = Book::of(&rig.engine).get("nightly").unwrap();
    assert!(kept.standing.last.is_none(), "a time of the pause was caught up with");

    for act in ["pause", "resume"] {
        let body = json!({ "reason": "r" });
        let got = rig.post(&format!("/api/v1/schedules/nihgtly/{act}"), &olga, body).await;
        let got = got.refused(404, "WL0020");
        is_documented("post", &format!("/api/v1/schedules/{{name}}/{act}"), &got);
    }
    rig.get("/api/v1/schedules/nihgtly", &olga).await.refused(404, "WL0020");
    let audit = rig.get("/api/v1/audit", &admin).await.json();
    let told: Vec<String> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            format!(
                "{} {} {}",
                e["person"].as_str().unwrap(),
                e["what"].as_str().unwrap(),
                e["outcome"]
            )
        })
        .collect();
    let of = |what: &str, outcome| format!("olga POST /api/v1/schedules/{what} {outcome}");
    let expected = [
        of("nightly/pause", 422),
        of("nightly/pause", 422),
        of("nightly/pause", 200),
        of("nightly/resume", 200),
        of("nihgtly/pause", 404),
        of("nihgtly/resume", 404),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_pauses_is_resumed_in_the_file() {
    let rig = Rig::new().await;
    let olga = rig.token("olga", &[Role::Operator]);
    let text = "name = 'f'\nrunbook = 'quick'\ncron = '@daily'\nzone = 'UTC'\npaused = true";
    let (config, now) = (toml::from_str(text).unwrap(), rig.engine.clock().now());
    Book::of(&rig.engine).follow_file(&[config], now).unwrap();
    let got = rig.post("/api/v1/schedules/f/resume", &olga, json!({})).await;
    let got = got.refused(409, "WL0020");
    is_documented("post", "/api/v1/schedules/{name}/resume", &got);
    let shown = rig.get("/api/v1/schedules/f", &olga).await.is(200).json();
    assert_eq!((&shown["paused"], &shown["origin"]), (&json!(true), &json!("file")));
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_are_listed_in_pages_and_tried_again() {
    let rig = Rig::new().await;
    let (viewer, olga) = (rig.token("v", &[Role::Viewer]), rig.token("o", &[Role::Operator]));
    let empty = rig.get("/api/v1/notices", &viewer).await.is(200).json();
    assert_eq!(empty, json!({ "notices": [], "receivers": [], "next": null }));
    (0..3).for_each(|nth| rig.notice(nth));
    // Nobody is there to deliver to `ops` any more: that is found at a start.
    Outbox::new(&rig.engine, []).tidy().unwrap();

    let first = rig.get("/api/v1/notices?limit=2", &viewer).await.is(200);
    is_documented("get", "/api/v1/notices", &first);
    let first = first.json();
    let next = first["next"].as_str().unwrap();
    let rest = rig.get(&format!("/api/v1/notices?limit=2&after={next}"), &viewer).await.json();
    let titles = |page: &Value| -> Vec<String> {
        let notices = page["notices"].as_array().unwrap();
        notices.iter().map(|n| n["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!([titles(&first), titles(&rest)].concat(), ["notice 0", "notice 1", "notice 2"]);
    assert_eq!(rest["next"], Value::Null);
    let notice = &rest["notices"][0];
    assert_eq!((&notice["to"], &notice["status"]), (&json!("ops"), &json!("given_up")));
    assert_eq!((&notice["next"], &notice["schedule"]), (&Value::Null, &json!("nightly")));

    let path = "/api/v1/notices/retry";
    let got = rig.post(path, &olga, json!({ "id": "ops/none" })).await.refused(404, "WL0022");
    is_documented("post", path, &got);
    let got = rig.post(path, &olga, json!({ "id": notice["id"] })).await.is(200);
    is_documented("post", path, &got);
    assert_eq!(got.json(), json!({ "retried": 1 }));
    let page = rig.get("/api/v1/notices", &viewer).await.json();
    let stand: Vec<&Value> =
        page["notices"].as_array().unwrap().iter().map(|n| &n["status"]).collect();
    assert_eq!(stand, ["given_up", "given_up", "waiting"]);
    assert_eq!(rig.post(path, &olga, json!({})).await.is(200).json(), json!({ "retried": 3 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_named_and_not_quoted() {
    let rig = Rig::new().await;
    let viewer = rig.token("v", &[Role::Viewer]);
    for place in ["schedule/odd", "notice/to/ops/1"] {
        rig.disk.store.put_value(place, b"\"@/canary/password\"").unwrap();
    }
    for path in ["/api/v1/schedules", "/api/v1/schedules/odd", "/api/v1/notices"] {
        let got = rig.get(path, &viewer).await.refused(503, "WL0011");
        assert!(!got.text.contains("canary"), "{got:?}");
        assert!(path.ends_with("notices") || got.text.contains("`odd`"), "{got:?}");
    }
}

/// Answers one request with 404 and the address that was asked for, as many servers do.
async fn repeats_the_address(listener: TcpListener) {
    let (mut peer, _) = listener.accept().await.unwrap();
    let mut head = vec![0; 8192];
    let read = peer.read(&mut head).await.unwrap();
    let head = String::from_utf8_lossy(&head[..read]).into_owned();
    let body = format!("Cannot POST {}", head.split(' ').nth(1).unwrap());
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    peer.write_all(answer.as_bytes()).await.unwrap();
    peer.shutdown().await.unwrap();
}

/// How: receivers and a schedule whose addresses and files are canaries, all of them in trouble, so
/// that what there is to say about them is kept; then everything that can be read over HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn no_address_of_a_receiver_and_no_file_of_a_secret_ever_comes_out() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("canary-key");
    std::fs::write(&key, "canary-of-the-key").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (key, on) = (key.display(), "on = ['missed', 'overdue']");
    let receivers = [
        format!(
            "name = 'ops'\n{on}\nwebhook = {{ url = 'http://127.0.0.1:{port}/canary-hook', secret_file = '{key}' }}"
        ),
        format!("name = 'chat'\n{on}\nslack = {{ url_file = '/canary/slack' }}"),
        format!(
            "name = 'lost'\n{on}\nwebhook = {{ url = 'http://127.0.0.1:{nobody}/canary', secret_file = '{key}' }}"
        ),
    ];
    let receivers = receivers.map(|text| toml::from_str::<notice::Config>(&text).unwrap());
    let to = receivers.iter().map(|to| (to.name.clone(), to.on.clone()));
    let outbox = Outbox::new(&rig.engine, to);
    let secret = "missed = 'one'\nsecrets = { password = '@/canary/password' }";
    rig.schedule("nightly", secret, SIX_HOURS);
    let ticker = Ticker::new(rig.engine.clone(), Arc::new(NoFiles), outbox.clone());
    tokio::task::spawn_blocking(move || ticker.look()).await.unwrap();
    let answering = tokio::spawn(repeats_the_address(listener));
    let (_stopping, stop) = Stop::new();
    for to in receivers {
        let courier = Courier::new(rig.engine.clone(), outbox.clone(), to);
        courier.round(&stop).await.unwrap();
    }
    answering.await.unwrap();

    // The canaries are there to be found, and so is what they were in the way of.
    let kept = rig.disk.everything();
    for there in ["canary-hook", "/canary/slack", "/canary/password"] {
        assert!(kept.contains(there), "{there} is not looked for");
    }
    assert!(!kept.contains("canary-of-the-key"));
    let notices = rig.get("/api/v1/notices", &admin).await.is(200).json().to_string();
    for why in ["the receiver answered 404", "can't be used", "does not answer"] {
        assert!(notices.contains(why), "{why} is not in {notices}");
    }
    let shown = rig.get("/api/v1/schedules/nightly", &admin).await.is(200).json();
    assert_eq!(shown["secrets"], json!(["password"]));
    assert_eq!(
        shown["occurrences"][0]["why"],
        "`password` can't be read from its file: no such file"
    );

    rig.post("/api/v1/schedules/nightly/pause", &admin, json!({ "reason": "r" })).await.is(200);
    rig.post("/api/v1/notices/retry", &admin, json!({})).await.is(200);
    let mut seen = 0;
    for endpoint in table() {
        // Streams are of runs, and don't end.
        if endpoint.method != Method::Get || endpoint.path.ends_with("/events") {
            continue;
        }
        let name = format!("{{{}}}", endpoint.parameter().unwrap_or_default());
        let got = rig.get(&endpoint.path.replace(&name, "nightly"), &admin).await;
        assert!(!got.text.contains("canary"), "{}: {}", endpoint.path, got.text);
        seen += usize::from(got.status == 200);
    }
    assert!(seen >= 10, "only {seen} answered");
}
