//! Runs: started, looked at, decided about.

use serde_json::{Value, json};
use windlass_desk::Role;

use crate::rig::{Rig, acts};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_listed_shown_and_names_who_started_it() {
    let rig = Rig::new().await;
    let operator = rig.token("olga", &[Role::Operator]);
    let got = rig.post("/api/v1/runs", &operator, json!({ "runbook": "quick" })).await.is(201);
    let run = got.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(got.headers["location"], format!("/api/v1/runs/{run}"));
    let done = rig.until(&run, &operator, "done").await;
    assert_eq!((&done["user"], &done["open"]), (&json!("olga"), &json!(false)));
    assert_eq!(done["calls"].as_array().unwrap().len(), 2);
    assert_eq!(done["calls"][0]["step"], "thing.make");
    assert_eq!(done["safe"], json!([]));

    let journal = rig.get(&format!("/api/v1/runs/{run}/journal"), &operator).await.is(200).json();
    let first = &journal["entries"][0]["body"];
    assert_eq!((&first["type"], &first["by"]["user"]), (&json!("created"), &json!("olga")));
    assert_eq!(first["by"]["host"], "127.0.0.1");
    let part = format!("/api/v1/runs/{run}/journal?after=0&limit=2");
    let part = rig.get(&part, &operator).await.is(200).json();
    assert_eq!(part["entries"][0]["seq"], 1);
    assert_eq!(part["next"], 2);
    rig.get("/api/v1/runs/run_nothing", &operator).await.refused(404, "WL0006");
    rig.get("/api/v1/runs/run_nothing/journal", &operator).await.refused(404, "WL0006");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_newest_first_in_pages_and_by_what_is_asked_for() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let mut started = Vec::new();
    for runbook in ["quick", "fails", "quick", "stuck", "quick"] {
        let run = rig.start(runbook, &token).await;
        let end = match runbook {
            "quick" => "done",
            "fails" => "undone",
            _ => "stuck",
        };
        rig.until(&run, &token, end).await;
        started.push(run);
    }
    let names = |page: &Value| -> Vec<String> {
        let runs = page["runs"].as_array().unwrap().iter();
        runs.map(|run| run["run"].as_str().unwrap().to_owned()).collect()
    };
    let list =
        async |query: &str| rig.get(&format!("/api/v1/runs{query}"), &token).await.is(200).json();
    let mut all = started.clone();
    all.sort();
    all.reverse();
    assert_eq!(names(&list("").await), all);
    let first = list("?limit=3").await;
    let next = first["next"].as_str().unwrap().to_owned();
    let second = list(&format!("?limit=3&before={next}")).await;
    assert_eq!([names(&first), names(&second)].concat(), all);
    assert_eq!(second["next"], Value::Null);
    assert_eq!(names(&list("?status=stuck").await), [started[3].as_str()]);
    assert_eq!(names(&list("?open=true").await), [started[3].as_str()]);
    assert_eq!(names(&list("?open=false").await).len(), 4);
    assert_eq!(names(&list("?runbook=fails").await), [started[1].as_str()]);
    for wrong in ["?limit=0", "?limit=10001", "?status=fine", "?colour=red", "?open=perhaps"] {
        rig.get(&format!("/api/v1/runs{wrong}"), &token).await.refused(400, "WL0042");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driven_run_is_cancelled_and_goes_back() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let run = rig.start("held", &token).await;
    let shown = rig.get(&format!("/api/v1/runs/{run}"), &token).await.json();
    assert_eq!(acts(&shown), ["cancel"]);
    let other = rig.post("/api/v1/runs", &token, json!({ "runbook": "held" })).await;
    assert!(other.refused(409, "WL0004").text.contains("door"));
    let path = format!("/api/v1/runs/{run}");
    rig.post(&format!("{path}/resume"), &token, json!({})).await.refused(409, "WL0005");
    rig.get(&format!("{path}/plan"), &token).await.refused(409, "WL0005");
    rig.post(&format!("{path}/cancel"), &token, json!({})).await.refused(400, "WL0042");
    let body = json!({ "reason": "  " });
    rig.post(&format!("{path}/cancel"), &token, body).await.refused(422, "WL0002");
    // It would be shown in terminals.
    let body = json!({ "reason": "fine\u{1b}[2J" });
    rig.post(&format!("{path}/cancel"), &token, body).await.refused(422, "WL0002");
    let body = json!({ "reason": "not today" });
    rig.post(&format!("{path}/cancel"), &token, body).await.is(200);
    rig.world.let_go();
    rig.until(&run, &token, "cancelled").await;
    let journal = rig.get(&format!("{path}/journal"), &token).await.text;
    assert!(journal.contains("not today") && !journal.contains("daemon"), "{journal}");
    let body = json!({ "reason": "again" });
    rig.post(&format!("{path}/undo"), &token, body).await.refused(409, "WL0007");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_run_is_decided_about_and_goes_on() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let run = rig.start("stuck", &token).await;
    let shown = rig.until(&run, &token, "stuck").await;
    assert_eq!(shown["stuck_at"], "2");
    assert_eq!(acts(&shown), ["retry", "skip", "mark-done", "undo"]);
    let path = |act: &str| format!("/api/v1/runs/{run}/{act}");
    rig.post(&path("resume"), &token, json!({})).await.refused(409, "WL0008");
    let body = json!({ "call": "7", "reason": "r" });
    rig.post(&path("skip"), &token, body).await.refused(404, "WL0006");
    let body = json!({ "call": "1", "reason": "r" });
    rig.post(&path("skip"), &token, body).await.refused(409, "WL0010");
    let body = json!({ "call": "2.x", "reason": "r" });
    rig.post(&path("skip"), &token, body).await.refused(400, "WL0042");
    let body = json!({ "call": "2", "reason": "done by hand" });
    let decided = rig.post(&path("mark-done"), &token, body).await.is(200).json();
    assert_eq!((&decided["status"], acts(&decided)[0]), (&json!("interrupted"), "resume"));
    rig.get(&path("plan"), &token).await.is(200);
    rig.post(&path("resume"), &token, json!({})).await.is(200);
    rig.until(&run, &token, "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runbooks_are_described_planned_and_checked() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    let list = rig.get("/api/v1/runbooks", &admin).await.is(200).json();
    let broken = list["runbooks"].as_array().unwrap().iter().find(|r| r["name"] == "broken");
    assert_eq!(broken.unwrap()["problem"]["place"]["line"], 2);
    let told = rig.get("/api/v1/runbooks/told", &admin).await.is(200).json();
    assert_eq!(told["params"][1]["name"], "password");
    assert_eq!(told["params"][1]["type"], "secret");
    rig.get("/api/v1/runbooks/broken", &admin).await.refused(422, "WL0003");
    rig.get("/api/v1/runbooks/..%2F..%2Fetc%2Fpasswd", &admin).await.refused(404, "WL0001");

    let plan = rig.post("/api/v1/runbooks/held/plan", &admin, json!({})).await.is(200).json();
    assert_eq!(plan["calls"].as_array().unwrap().len(), 2);
    let body = json!({ "params": { "m": "1" } });
    rig.post("/api/v1/runbooks/told/plan", &admin, body).await.refused(422, "WL0002");

    let body = json!({ "name": "x", "text": "//! title = \"T\"\nlet x = ;\n" });
    let checked = rig.post("/api/v1/check", &admin, body).await.is(200).json();
    assert_eq!(checked["problem"]["place"]["line"], 2);
    let body = json!({ "name": "x", "text": "//! title = \"T\"\n" });
    assert_eq!(rig.post("/api/v1/check", &admin, body).await.is(200).json()["title"], "T");
    let steps = rig.get("/api/v1/steps", &admin).await.is(200).json();
    assert_eq!(steps["steps"][0]["name"], "thing.dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_parameter_reaches_the_run_and_no_store() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    let secrets = json!({ "password": { "value": "canary-0815-canary" } });
    let body = json!({ "runbook": "told", "params": { "n": "2" }, "secrets": secrets });
    let got = rig.post("/api/v1/runs", &admin, body).await.is(201).json();
    let run = got["run"].as_str().unwrap().to_owned();
    let done = rig.until(&run, &admin, "done").await;
    assert_eq!(done["params"]["n"], 2);
    let path = format!("/api/v1/runs/{run}/journal");
    let journal = rig.get(&path, &admin).await.text;
    // A mistake beside the value does not repeat it.
    let secrets = json!({ "password": { "value": "canary-0815-canary", "x": 1 } });
    let body = json!({ "runbook": "told", "secrets": secrets });
    let refused = rig.post("/api/v1/runs", &admin, body).await.refused(400, "WL0042").text;
    for text in [rig.disk.everything(), journal, refused, done.to_string()] {
        assert!(!text.contains("canary-0815"), "{text}");
    }
}
