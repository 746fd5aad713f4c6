//! People answer runs: approvals over HTTP.

use serde_json::json;
use windlass_desk::{NewToken, Role, Tokens};

use crate::rig::{PATIENCE, Rig, acts};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_approve_and_the_starter_does_not_count() {
    let rig = Rig::new().await;
    let olga = rig.token("olga", &[Role::Operator, Role::Approver]);
    let (ben, cleo) = (rig.token("ben", &[Role::Approver]), rig.token("cleo", &[Role::Approver]));
    let run = rig.start("asks", &olga).await;
    let shown = rig.until(&run, &olga, "waiting").await;
    assert_eq!(shown["waits"][0]["says"], "approval by 2 people: go on?");
    assert_eq!(acts(&shown), ["approve", "deny", "cancel"]);
    let path = |act: &str| format!("/api/v1/runs/{run}/{act}");
    rig.post(&path("approve"), &olga, json!({})).await.refused(403, "WL0018");
    let more = rig.post(&path("approve"), &ben, json!({ "reason": "looks fine" })).await.is(200);
    assert_eq!(more.json()["approved"], "more");
    rig.post(&path("approve"), &ben, json!({})).await.refused(403, "WL0018");
    rig.post(&path("answer"), &olga, json!({})).await.refused(409, "WL0010");
    let enough = rig.post(&path("approve"), &cleo, json!({ "call": "1" })).await.is(200).json();
    assert_eq!(enough["approved"], "enough");
    rig.until(&run, &olga, "done").await;
    rig.post(&path("deny"), &ben, json!({ "reason": "late" })).await.refused(409, "WL0007");
    rig.post("/api/v1/runs/run_x/approve", &ben, json!({})).await.refused(404, "WL0006");
    let journal = rig.get(&path("journal"), &olga).await.text;
    assert!(journal.contains("looks fine") && journal.contains("\"user\":\"ben\""), "{journal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_may_ask_for_a_group_and_an_answer_for_fields() {
    let rig = Rig::new().await;
    let author = rig.token("anna", &[Role::Author]);
    let text = "//! title = \"T\"\napprove(#{ text: \"ok?\", roles: [\"dba\"] });\n\
        ask(#{ text: \"which?\", fields: #{ n: #{ type: \"int\", help: \"how many\" } } });\n";
    let body = json!({ "runbook": "mine", "text": text });
    let run = rig.post("/api/v1/runs", &author, body).await.is(201).json()["run"].clone();
    let run = run.as_str().unwrap();
    rig.until(run, &author, "waiting").await;
    let path = |act: &str| format!("/api/v1/runs/{run}/{act}");
    let stranger = rig.token("sam", &[Role::Approver]);
    rig.post(&path("approve"), &stranger, json!({})).await.refused(403, "WL0018");
    let new = NewToken {
        name: "t".to_owned(),
        person: "dora".to_owned(),
        roles: vec![Role::Approver, Role::Operator],
        groups: vec!["dba".to_owned()],
        expires_seconds: None,
    };
    let (_, dora) = Tokens::of(&rig.engine).add(&new).unwrap();
    rig.post(&path("approve"), &dora, json!({})).await.is(200);
    let shown = format!("/api/v1/runs/{run}");
    let asks = async {
        while rig.get(&shown, &author).await.json()["waits"][0]["step"] != "ask" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asks).await.unwrap();
    let body = json!({ "fields": { "n": "many" } });
    rig.post(&path("answer"), &dora, body).await.refused(422, "WL0002");
    rig.post(&path("answer"), &dora, json!({ "fields": { "n": "3" } })).await.is(200);
    rig.until(run, &author, "done").await;
}
