//! Rolling updates, their failures, and rollbacks.

use serde_json::{Value, json};

use crate::bench::{Bench, app, reference};

#[tokio::test]
async fn an_update_replaces_one_task_after_the_other() {
    let bench = Bench::new().await;
    bench.service(&app("web", 2)).await;
    bench.pass(3.0);
    assert_eq!(bench.states("web"), ["running running", "running running"]);

    bench.change("web", |s| s["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["A=b"])).await;
    // The orchestrator has not heard of it yet.
    assert_eq!(bench.update_state("web").await, Value::Null);
    bench.pass(0.01);
    assert_eq!(bench.update_state("web").await, "updating");
    let service = bench.get("/services/web").await;
    assert_eq!(service["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Env"], Value::Null);
    bench.pass(0.5);
    let running = bench.states("web").iter().filter(|s| *s == "running running").count();
    assert_eq!(running, 1, "{:?}", bench.states("web"));
    bench.pass(10.0);
    assert_eq!(bench.update_state("web").await, "completed");
    let states = bench.states("web");
    assert_eq!(states.iter().filter(|s| *s == "running running").count(), 2);
    assert_eq!(states.iter().filter(|s| *s == "shutdown shutdown").count(), 2);
}

#[tokio::test]
async fn a_change_of_labels_replaces_no_task_and_seals_the_previous_spec() {
    let bench = Bench::new().await;
    let secret = bench.secret("old", "v").await;
    let mut spec = app("web", 1);
    spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([reference(&secret, "old", "pw")]);
    bench.service(&spec).await;
    bench.pass(3.0);
    bench.change("web", |s| s["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([])).await;
    bench.pass(10.0);
    let before = bench.tasks("web");
    bench.change("web", |s| s["Labels"]["a"] = json!("b")).await;
    bench.pass(10.0);
    assert_eq!(bench.tasks("web"), before);
    let service = bench.get("/services/web").await;
    assert_eq!(service["UpdateStatus"], Value::Null);
    let sealed = &service["PreviousSpec"]["TaskTemplate"]["ContainerSpec"];
    assert_eq!(sealed["Secrets"], Value::Null);
}

#[tokio::test]
async fn a_rollback_to_a_secret_that_is_gone_is_accepted_and_then_paused() {
    let bench = Bench::new().await;
    let secret = bench.secret("z", "v").await;
    let mut spec = app("roll", 1);
    spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([reference(&secret, "z", "pw")]);
    bench.service(&spec).await;
    bench.pass(3.0);
    bench.change("roll", |s| s["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([])).await;
    bench.pass(10.0);
    bench.ask("DELETE", "/secrets/z", &Value::Null).await;
    let service = bench.get("/services/roll").await;
    let version = &service["Version"]["Index"];
    let path = format!("/services/roll/update?version={version}&rollback=previous");
    bench.posted(&path, &service["Spec"]).await;
    assert_eq!(bench.update_state("roll").await, "rollback_started");
    bench.pass(3.0);
    assert_eq!(bench.update_state("roll").await, "rollback_paused");
    let error = format!(
        "starting container failed: unable to get secret from secret store: secret {secret} not found"
    );
    assert!(bench.tasks("roll").iter().any(|task| task.err.as_deref() == Some(&error)));
}

#[tokio::test]
async fn a_bad_update_pauses_or_is_rolled_back() {
    for (action, end) in [("pause", "paused"), ("rollback", "rollback_completed")] {
        let bench = Bench::new().await;
        let mut spec = app("web", 2);
        spec["UpdateConfig"] = json!({ "Parallelism": 1, "FailureAction": action });
        bench.service(&spec).await;
        bench.pass(3.0);
        bench
            .change("web", |s| s["TaskTemplate"]["ContainerSpec"]["Command"] = json!(["false"]))
            .await;
        bench.pass(30.0);
        assert_eq!(bench.update_state("web").await, end, "{action}");
    }
}
