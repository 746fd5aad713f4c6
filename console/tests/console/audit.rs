//! The audit: every change, who asked for it, what it came to.

use serde_json::{Value, json};
use windlass_console::{Actor, Audit, Role};
use windlass_engine::journal::JournalStore;

use crate::rig::Rig;

async fn entries(rig: &Rig, admin: &str) -> Vec<Value> {
    let part = rig.get("/api/v1/audit?limit=1000", admin).await.is(200).json();
    part["entries"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_there_with_who_from_where_and_what_it_came_to() {
    let rig = Rig::new().await;
    let (admin, operator) = (rig.admin(), rig.token("olga", &[Role::Operator]));
    let run = rig.start("stuck", &operator).await;
    rig.until(&run, &operator, "stuck").await;
    let path = format!("/api/v1/runs/{run}/resume");
    rig.post(&path, &operator, json!({})).await.refused(409, "WL0008");
    rig.post("/api/v1/tokens", &operator, json!({})).await.refused(403, "WL0041");
    rig.get("/api/v1/runs", &operator).await.is(200);
    rig.post("/api/v1/tokens", "wrong", json!({})).await.refused(401, "WL0040");
    rig.post("/api/v1/tokens", &admin, json!({ "name": 1 })).await.refused(400, "WL0042");

    let all = entries(&rig, &admin).await;
    let told: Vec<(&str, &str, u64)> = all
        .iter()
        .map(|e| {
            let text = |name: &str| e[name].as_str().unwrap();
            (text("person"), text("what"), e["outcome"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("olga", "POST /api/v1/runs", 201),
            ("olga", format!("POST {path}").as_str(), 409),
            ("olga", "POST /api/v1/tokens", 403),
            ("root", "POST /api/v1/tokens", 400),
        ]
    );
    assert_eq!((&all[0]["run"], &all[1]["run"]), (&json!(run), &json!(run)));
    assert_eq!(all[1]["problem"], "WL0008");
    assert_eq!(all[0]["token"], operator.split('_').nth(1).unwrap());
    assert!(all[0]["from"].as_str().unwrap().starts_with("127.0.0.1:"));

    let part = rig.get("/api/v1/audit?limit=2", &admin).await.json();
    let next = part["next"].as_str().unwrap();
    let rest = rig.get(&format!("/api/v1/audit?after={next}"), &admin).await.json();
    assert_eq!(rest["entries"].as_array().unwrap()[..], all[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_durable_before_the_answer_and_what_began_is_there_without_an_end() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    rig.start("quick", &admin).await;
    let begun = Audit::of(&rig.engine).unwrap();
    let actor = Actor { person: "p".to_owned(), token: None, from: "socket".to_owned() };
    let begun = begun.begin(&actor, "resume", None).unwrap();
    let rig = rig.restart().await;
    drop(begun);
    let all = entries(&rig, &admin).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[0]["outcome"], 201);
    assert_eq!((&all[1]["what"], &all[1]["outcome"]), (&json!("resume"), &Value::Null));
    assert_eq!(rig.disk.store.values("audit/", "", 10).unwrap().len(), 2);
}
