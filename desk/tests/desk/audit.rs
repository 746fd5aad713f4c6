//! The audit: every change, who asked for it, what it came to.

use std::time::Duration;

use serde_json::{Value, json};
use windlass_desk::{Actor, Audit, Retention, Role};
use windlass_engine::journal::Values;
use windlass_engine::step::Span;

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

/// 200 refused requests of 60,000 characters once made the store grow by 46.6 MB in 1.6 seconds.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_change_nothing_can_not_fill_the_disk_with_asking() {
    let rig = Rig::new().await;
    let (admin, viewer) = (rig.admin(), rig.token("vera", &[Role::Viewer]));
    let before = rig.disk.everything().len();
    let cancel = |length: usize| format!("/api/v1/runs/{}/cancel", "A".repeat(length));
    for _ in 0..200 {
        let request = rig.request("POST", &cancel(60_000), &viewer).body("{}".into()).unwrap();
        // It may be cut off before it has been sent to its end.
        if let Ok(answer) = rig.client.request(request).await {
            assert!([414, 431].contains(&answer.status().as_u16()), "{answer:?}");
        }
    }
    rig.post(&cancel(5_000), &viewer, json!({})).await.refused(414, "WL0042");
    assert_eq!(entries(&rig, &admin).await.len(), 0);

    for nth in 0..200 {
        let got = rig.post(&cancel(4_000), &viewer, json!({})).await;
        if nth < 20 {
            got.refused(403, "WL0041");
        } else {
            assert_eq!(got.refused(429, "WL0044").headers["retry-after"], "60");
        }
    }
    let grown = rig.disk.everything().len() - before;
    assert!(grown < 16 * 1024, "the store grew by {grown} bytes");
    let all = entries(&rig, &admin).await;
    assert_eq!(all.len(), 21);
    let what = all[0]["what"].as_str().unwrap();
    assert!(what.ends_with("A... (3769 more characters)") && what.len() < 300, "{what}");
    // 180 of them; the number is written each time it doubles.
    assert_eq!((&all[20]["outcome"], &all[20]["times"]), (&json!(429), &json!(128)));

    // That it asks too much is no reason not to let it look, nor to keep others from anything.
    rig.get("/api/v1/runs", &viewer).await.is(200);
    let other = rig.token("otto", &[Role::Viewer]);
    rig.post(&cancel(10), &other, json!({})).await.refused(403, "WL0041");
    let operator = rig.token("olga", &[Role::Operator]);
    rig.post(&cancel(4_000), &operator, json!({ "reason": "r" })).await.refused(404, "WL0006");
    let all = entries(&rig, &admin).await;
    assert!(all.last().unwrap()["run"].is_null(), "{:?}", all.last());
    rig.start("quick", &operator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_are_too_old_or_too_many_go() {
    let rig = Rig::new().await;
    let audit = Audit::of(&rig.engine).unwrap();
    let actor = Actor { person: "p".to_owned(), token: None, from: "socket".to_owned() };
    for nth in 0..5 {
        let begun = audit.begin(&actor, &format!("{nth}"), None).unwrap();
        audit.end(begun, 0, None, None).unwrap();
    }
    // One that was made at the beginning of time.
    let kept = rig.disk.store.values("audit/", "", 1).unwrap().remove(0).1;
    rig.disk.store.put_value("audit/00000000000001-0-0", &kept).unwrap();
    let whats = |audit: &Audit| -> Vec<String> {
        audit.list("", 100).unwrap().into_iter().map(|entry| entry.what).collect()
    };
    assert_eq!((audit.prunable().unwrap(), whats(&audit).len()), (1, 6));
    assert_eq!(audit.prune().unwrap(), 1);
    assert_eq!(whats(&audit), ["0", "1", "2", "3", "4"]);
    audit.keep(Retention { keep: Span(Duration::from_secs(3600)), entries_max: 2 }).unwrap();
    // Another handle on the same store, as a command has it.
    assert_eq!(Audit::of(&rig.engine).unwrap().prune().unwrap(), 3);
    assert_eq!(whats(&audit), ["3", "4"]);
    assert_eq!(audit.prune().unwrap(), 0);

    // It also happens by itself, however fast they come.
    for _ in 0..1100 {
        let begun = audit.begin(&actor, "flood", None).unwrap();
        audit.end(begun, 0, None, None).unwrap();
    }
    assert!(whats(&audit).len() < 100, "{}", whats(&audit).len());
}
