//! Rolling updates, their failures, and rollbacks.

use serde_json::{Value, json};
use windlass_lab::simulated::Edit;

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

/// Returns how many tasks of the service are in this state and desired state.
fn count(bench: &Bench, service: &str, state: &str) -> usize {
    bench.states(service).iter().filter(|one| *one == state).count()
}

async fn converged(config: Value, replicas: u64) -> Bench {
    let bench = Bench::new().await;
    let mut spec = app("web", replicas);
    spec["UpdateConfig"] = config;
    bench.service(&spec).await;
    bench.pass(3.0);
    assert_eq!(count(&bench, "web", "running running") as u64, replicas);
    bench
}

fn edit(bench: &Bench, edit: &Edit) {
    bench.swarm.edit(edit).unwrap();
}

fn force() -> Edit {
    Edit::ForceUpdate { service: "web".into() }
}

#[tokio::test]
async fn only_stop_first_has_fewer_tasks_for_a_while() {
    for (order, least) in [("start-first", 4), ("stop-first", 3)] {
        let bench = converged(json!({ "Parallelism": 1, "Order": order }), 4).await;
        edit(&bench, &force());
        let mut fewest = usize::MAX;
        while let Some(due) = bench.swarm.next_due() {
            bench.swarm.advance_to(due);
            fewest = fewest.min(count(&bench, "web", "running running"));
        }
        assert_eq!(fewest, least, "{order}");
        assert_eq!(bench.update_state("web").await, "completed");
    }
}

#[tokio::test]
async fn parallelism_and_delay_make_the_pace() {
    for (parallelism, delay, least, most) in
        [(0, 0, 5.5, 7.0), (1, 0, 8.0, 12.5), (2, 3, 12.0, 14.0), (1, 6, 29.0, 37.0)]
    {
        let delay = delay * 1_000_000_000_i64;
        let bench = converged(json!({ "Parallelism": parallelism, "Delay": delay }), 4).await;
        let before = bench.swarm.now();
        edit(&bench, &force());
        while bench.swarm.look().services[0].update_status.as_deref() != Some("completed") {
            bench.swarm.advance_to(bench.swarm.next_due().unwrap());
        }
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        let seconds = (bench.swarm.now() - before) as f64 / 1_000.0;
        assert!((least..most).contains(&seconds), "{parallelism} {delay}: {seconds}");
    }
}

#[tokio::test]
async fn some_failures_are_put_up_with() {
    for (ratio, end) in [(0.2, "paused"), (0.6, "completed")] {
        let bench = converged(json!({ "Parallelism": 1, "MaxFailureRatio": ratio }), 2).await;
        edit(&bench, &Edit::FailTasks { service: "web".into(), after_ms: None });
        edit(&bench, &force());
        while count(&bench, "web", "failed shutdown") == 0 {
            bench.swarm.advance_to(bench.swarm.next_due().unwrap());
        }
        // The first one failed; what comes next is well.
        edit(&bench, &Edit::Heal { service: "web".into() });
        bench.pass(30.0);
        assert_eq!(bench.update_state("web").await, end, "{ratio}");
    }
}

#[tokio::test]
async fn continue_goes_on_whatever_fails_and_says_completed() {
    let bench = converged(json!({ "Parallelism": 1, "FailureAction": "continue" }), 2).await;
    edit(&bench, &Edit::FailTasks { service: "web".into(), after_ms: None });
    edit(&bench, &force());
    bench.pass(60.0);
    assert_eq!(bench.update_state("web").await, "completed");
    assert_eq!(count(&bench, "web", "running running"), 0);
}

#[tokio::test]
async fn a_newer_update_takes_the_place_of_one_that_hangs() {
    let bench = converged(json!({ "Parallelism": 1 }), 2).await;
    edit(&bench, &Edit::Stall { service: "web".into() });
    edit(&bench, &force());
    bench.pass(100.0);
    assert_eq!(bench.update_state("web").await, "updating");
    edit(&bench, &Edit::Heal { service: "web".into() });
    edit(&bench, &Edit::Image { service: "web".into(), image: "windlass/app:2".into() });
    bench.pass(20.0);
    assert_eq!(bench.update_state("web").await, "completed");
    let tasks = bench.tasks("web");
    let running = tasks.iter().filter(|task| task.state == "running");
    assert!(running.clone().count() == 2 && running.clone().all(|t| t.image == "windlass/app:2"));
}

#[tokio::test]
async fn a_rollback_that_fails_is_paused_and_a_paused_update_goes_on_when_sent_again() {
    let rollback = json!({ "Parallelism": 1, "FailureAction": "rollback" });
    let bench = converged(rollback.clone(), 2).await;
    bench.change("web", |spec| spec["RollbackConfig"] = rollback).await;
    edit(&bench, &Edit::FailTasks { service: "web".into(), after_ms: None });
    edit(&bench, &force());
    bench.pass(30.0);
    let service = bench.get("/services/web").await;
    assert_eq!(service["UpdateStatus"]["State"], "rollback_paused");
    let message = service["UpdateStatus"]["Message"].as_str().unwrap();
    assert!(message.starts_with("rollback paused due to failure"), "{message}");
    // An automatic rollback keeps nothing to roll back to.
    assert_eq!(service["PreviousSpec"], Value::Null);
    edit(&bench, &Edit::Heal { service: "web".into() });
    bench.change("web", |_| ()).await;
    bench.pass(30.0);
    assert_eq!(count(&bench, "web", "running running"), 2);
}

#[tokio::test]
async fn an_old_task_holds_a_new_one_back_for_a_minute_and_no_longer() {
    let bench = converged(json!({ "Parallelism": 1 }), 1).await;
    edit(&bench, &Edit::SlowStop { service: "web".into(), ms: 90_000 });
    edit(&bench, &force());
    bench.pass(59.0);
    assert_eq!(bench.states("web"), ["running shutdown", "ready ready"]);
    bench.pass(5.0);
    // Two writers at once.
    assert_eq!(bench.states("web"), ["running shutdown", "running running"]);
    bench.pass(30.0);
    assert_eq!(bench.states("web"), ["shutdown shutdown", "running running"]);
}

#[tokio::test]
async fn a_change_of_constraints_moves_only_tasks_that_must_move() {
    let bench = converged(json!({ "Parallelism": 1 }), 3).await;
    let placement = json!({ "Constraints": ["node.hostname != node002"] });
    bench.change("web", |spec| spec["TaskTemplate"]["Placement"] = placement).await;
    bench.pass(20.0);
    assert_eq!(count(&bench, "web", "running running"), 3);
    assert_eq!(count(&bench, "web", "shutdown shutdown"), 1);
}
