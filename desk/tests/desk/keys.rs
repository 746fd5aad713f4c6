//! Idempotency keys: the same one never starts two runs.

use serde_json::{Value, json};
use windlass_desk::Role;
use windlass_engine::journal::{Values, text_hash};

use crate::rig::{Got, Rig};

async fn start(rig: &Rig, token: &str, key: &str, body: Value) -> Got {
    rig.post_with("/api/v1/runs", token, body, &[("Idempotency-Key", key)]).await
}

fn run(got: &Got) -> String {
    got.json()["run"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_starts_one_run_however_often_and_from_however_many_clients() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let body = json!({ "runbook": "quick" });
    let all = (0..20).map(|_| start(&rig, &token, "k1", body.clone()));
    let all = futures_util::future::join_all(all).await;
    let first = all.iter().filter(|got| got.status == 201).count();
    assert_eq!(first, 1, "{all:?}");
    assert!(all.iter().all(|got| run(got) == run(&all[0])), "{all:?}");
    assert_eq!(rig.engine.runs(false).unwrap().len(), 1);

    start(&rig, &token, "k1", json!({ "runbook": "fails" })).await.refused(422, "WL0046");
    let other = rig.token("otto", &[Role::Operator]);
    let got = start(&rig, &other, "k1", body.clone()).await.is(201);
    assert_ne!(run(&got), run(&all[0]), "keys of two people have met");
    start(&rig, &token, "k2", body).await.is(201);
    let long = "k".repeat(201);
    start(&rig, &token, &long, json!({ "runbook": "quick" })).await.refused(400, "WL0042");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_remembered_over_a_restart_at_every_moment_of_the_start() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let body = json!({ "runbook": "quick" });
    let first = run(&start(&rig, &token, "k1", body.clone()).await.is(201));
    rig.until(&first, &token, "done").await;
    let rig = rig.restart().await;
    assert_eq!(run(&start(&rig, &token, "k1", body.clone()).await.is(200)), first);

    // Dead between the run and its note at the key: only the journal knows.
    let (name, _) = rig.disk.store.values("request/", "", 1).unwrap().remove(0);
    let kept = rig.disk.store.value(&name).unwrap().unwrap();
    let mut kept: Value = serde_json::from_slice(&kept).unwrap();
    kept["run"] = Value::Null;
    rig.disk.store.put_value(&name, kept.to_string().as_bytes()).unwrap();
    assert_eq!(run(&start(&rig, &token, "k1", body.clone()).await.is(200)), first);

    // Dead between the key and the run: there is none, and so one is started.
    let name = format!("request/{}", text_hash(b"olga\nk3"));
    rig.disk.store.put_value(&name, kept.to_string().as_bytes()).unwrap();
    let third = run(&start(&rig, &token, "k3", body).await.is(201));
    assert_ne!(third, first);
    assert_eq!(rig.engine.runs(false).unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_request_was_refused_is_as_good_as_new() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    start(&rig, &token, "k", json!({ "runbook": "told" })).await.refused(422, "WL0002");
    start(&rig, &token, "k", json!({ "runbook": "quick" })).await.is(201);
}
