//! Tokens: shown once, kept as hashes, refused when they must be.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use windlass_desk::{NewToken, Role, TokenError, Tokens};

use crate::rig::Rig;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_no_store_no_log_and_no_answer_but_the_first() {
    // Nextest runs each test in a process of its own, so that this is the log of this test alone.
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone());
    let level = tracing::Level::TRACE;
    tracing::subscriber::set_global_default(subscriber.with_max_level(level).finish()).unwrap();
    let rig = Rig::new().await;
    let admin = rig.admin();
    let body = json!({ "name": "ci", "person": "Carl", "roles": ["operator"] });
    let made = rig.post("/api/v1/tokens", &admin, body).await.is(201).json();
    let token = made["token"].as_str().unwrap().to_owned();
    let id = made["id"].as_str().unwrap();
    assert!(token.starts_with(&format!("wl_{id}_")), "{token}");

    rig.start("quick", &token).await;
    let list = rig.get("/api/v1/tokens", &admin).await.is(200);
    assert!(list.text.contains(id) && list.json()["tokens"].as_array().unwrap().len() == 2);
    let audit = rig.get("/api/v1/audit", &admin).await.is(200);
    assert!(audit.text.contains(id));
    // Refused, too, it is not repeated.
    let wrong = token[..token.len() - 1].to_owned() + if token.ends_with('a') { "b" } else { "a" };
    let refused = rig.get("/api/v1/runs", &wrong).await.refused(401, "WL0040");
    let last = wrong.rsplit('_').next().unwrap();

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a token was refused"), "the log is not looked at");
    let secret = token.rsplit('_').next().unwrap();
    let all = [rig.disk.everything(), list.text, audit.text, refused.text, logged];
    assert!(all[0].contains(&format!("token/{id}")), "the store is not looked at");
    for text in &all {
        assert!(!text.contains(secret) && !text.contains(last), "a token is in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_an_expired_and_a_made_up_token_are_refused() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    let new = NewToken {
        name: "short".to_owned(),
        person: "p".to_owned(),
        roles: vec![Role::Viewer],
        groups: Vec::new(),
        expires_seconds: Some(1),
    };
    let (about, short) = Tokens::of(&rig.engine).add(&new).unwrap();
    let expired = rig.engine.clock().sleep_until(about.expires.unwrap());
    expired.await;
    let got = rig.get("/api/v1/runs", &short).await.refused(401, "WL0040");
    assert!(got.text.contains("expired"));
    assert_eq!(got.headers["www-authenticate"], "Bearer realm=\"windlass\"");

    let viewer = rig.token("v", &[Role::Viewer]);
    rig.get("/api/v1/runs", &viewer).await.is(200);
    let id = viewer.split('_').nth(1).unwrap();
    let path = format!("/api/v1/tokens/{id}");
    let remove = || rig.request("DELETE", &path, &admin).body(Default::default()).unwrap();
    rig.send(remove()).await.is(204);
    rig.send(remove()).await.refused(404, "WL0047");
    rig.get("/api/v1/runs", &viewer).await.refused(401, "WL0040");
    for wrong in ["x", "wl_", "wl_a_b", "../../audit", &"wl_".repeat(4000)] {
        rig.get("/api/v1/runs", wrong).await.refused(401, "WL0040");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_token_was_used_is_kept_and_does_not_bring_it_back() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    let viewer = rig.token("v", &[Role::Viewer]);
    let id = viewer.split('_').nth(1).unwrap().to_owned();
    let tokens = Tokens::of(&rig.engine);
    let used = || tokens.list().unwrap().into_iter().find(|t| t.id == id).unwrap().used;
    assert_eq!(used(), None);
    rig.get("/api/v1/runs", &viewer).await.is(200);
    let first = used().unwrap();
    rig.get("/api/v1/runs", &viewer).await.is(200);
    assert_eq!(used(), Some(first), "each use is written");
    tokens.remove(&id).unwrap();
    assert!(matches!(tokens.remove(&id), Err(TokenError::NoSuchToken(_))));
    rig.get("/api/v1/runs", &admin).await.is(200);
    assert!(!rig.disk.everything().contains(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_tokens_is_slowed_down_and_a_good_one_is_taken_all_the_same() {
    let rig = Rig::new().await;
    let viewer = rig.token("v", &[Role::Viewer]);
    for _ in 0..20 {
        rig.get("/api/v1/runs", "wrong").await.refused(401, "WL0040");
    }
    let got = rig.get("/api/v1/runs", "wrong").await.refused(429, "WL0044");
    assert_eq!(got.headers["retry-after"], "60");
    rig.get("/api/v1/runs", &viewer).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_would_deceive_are_refused() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    for (name, person, roles) in [
        ("", "p", json!(["viewer"])),
        ("n", "root\nwas here", json!(["viewer"])),
        ("n", " p", json!(["viewer"])),
        ("n", "p", json!([])),
    ] {
        let body = json!({ "name": name, "person": person, "roles": roles });
        rig.post("/api/v1/tokens", &admin, body).await.refused(422, "WL0002");
    }
    let body = json!({ "name": "n", "person": "p", "roles": ["king"] });
    rig.post("/api/v1/tokens", &admin, body).await.refused(400, "WL0042");
}
