//! The life of tasks: restarts, jobs, health, placement.

use serde_json::{Value, json};
use windlass_lab::simulated::Edit;

use crate::bench::{Bench, app};

/// Returns the app's spec with something set, by JSON pointers into the template.
fn with(name: &str, replicas: u64, set: &[(&str, Value)]) -> Value {
    let mut spec = app(name, replicas);
    for (key, value) in set {
        match key.split_once('.') {
            Some((outer, inner)) => spec["TaskTemplate"][outer][inner] = value.clone(),
            None => spec[key] = value.clone(),
        }
    }
    spec
}

#[tokio::test]
async fn a_task_goes_through_its_states() {
    let bench = Bench::new().await;
    bench.service(&app("web", 1)).await;
    let mut seen = Vec::new();
    while let Some(due) = bench.swarm.next_due() {
        bench.swarm.advance_to(due);
        let states = bench.states("web");
        if seen.last() != states.last() {
            seen.extend(states);
        }
    }
    let states: Vec<&str> = seen.iter().map(|s| s.split(' ').next().unwrap()).collect();
    assert_eq!(states, ["new", "assigned", "preparing", "starting", "running"]);
    let task = bench.get("/tasks").await[0].clone();
    assert_eq!(task["Status"]["Message"], "started");
    assert_eq!(task["Status"]["ContainerStatus"]["ContainerID"].as_str().unwrap().len(), 64);
    assert_eq!((&task["Slot"], &task["DesiredState"]), (&json!(1), &json!("running")));
    assert_eq!(task["Spec"]["Runtime"], Value::Null);
}

#[tokio::test]
async fn a_program_that_ends_is_restarted_and_a_slot_remembers_five_tasks() {
    let bench = Bench::new().await;
    bench.service(&with("f", 1, &[("ContainerSpec.Command", json!(["sh", "-c", "exit 3"]))])).await;
    bench.pass(3.0);
    assert_eq!(bench.states("f"), ["failed shutdown", "ready ready"]);
    let error = bench.tasks("f")[0].err.clone();
    assert_eq!(error.as_deref(), Some("task: non-zero exit (3)"));
    bench.pass(120.0);
    // The one that is about to start is among them.
    assert_eq!(bench.states("f").len(), 5, "{:?}", bench.states("f"));
}

#[tokio::test]
async fn a_missing_image_is_rejected_again_and_again() {
    let bench = Bench::new().await;
    bench.service(&with("i", 1, &[("ContainerSpec.Image", json!("windlass/app:9"))])).await;
    bench.pass(2.0);
    // The second one is rejected while it waits for its delay; the third comes after that.
    assert_eq!(bench.states("i"), ["rejected shutdown", "rejected ready"]);
    assert_eq!(bench.tasks("i")[0].err.as_deref(), Some("No such image: windlass/app:9"));
    bench.pass(5.0);
    assert_eq!(bench.states("i")[..2], ["rejected shutdown", "rejected shutdown"]);
}

#[tokio::test]
async fn restart_policies_are_kept() {
    let bench = Bench::new().await;
    let fails = ("ContainerSpec.Command", json!(["false"]));
    let never = ("RestartPolicy.Condition", json!("none"));
    bench.service(&with("never", 1, &[fails.clone(), never])).await;
    let few = [
        ("RestartPolicy.Condition", json!("on-failure")),
        ("RestartPolicy.Delay", json!(1_000_000_000)),
        ("RestartPolicy.MaxAttempts", json!(2)),
        fails,
    ];
    bench.service(&with("few", 1, &few)).await;
    bench.pass(60.0);
    assert_eq!(bench.states("never"), ["failed shutdown"]);
    assert_eq!(bench.states("few"), ["failed shutdown"; 3]);
}

#[tokio::test]
async fn a_task_with_a_health_check_runs_when_it_is_healthy() {
    let bench = Bench::new().await;
    let check = |test: &str| json!({ "Test": ["CMD-SHELL", test], "Interval": 5_000_000_000_i64, "Retries": 2 });
    bench.service(&with("good", 1, &[("ContainerSpec.Healthcheck", check("exit 0"))])).await;
    bench.service(&with("bad", 1, &[("ContainerSpec.Healthcheck", check("exit 1"))])).await;
    bench.pass(3.0);
    assert_eq!(bench.states("good"), ["starting running"]);
    bench.pass(5.0);
    assert_eq!(bench.states("good"), ["running running"]);
    bench.pass(5.0);
    // The app ends in good order when it is stopped.
    assert_eq!(bench.states("bad")[0], "complete shutdown");
}

#[tokio::test]
async fn a_job_runs_to_its_end_and_any_update_runs_it_again() {
    let bench = Bench::new().await;
    let mut job =
        with("j", 1, &[("ContainerSpec.Command", json!(["sh", "-c", "sleep 1; exit 0"]))]);
    job["Mode"] = json!({ "ReplicatedJob": { "MaxConcurrent": 2, "TotalCompletions": 3 } });
    bench.service(&job).await;
    bench.pass(1.8);
    assert_eq!(bench.states("j"), ["running complete", "running complete"]);
    bench.pass(10.0);
    assert_eq!(bench.states("j"), ["complete complete"; 3]);
    let service = bench.get("/services/j").await;
    assert_eq!(service["JobStatus"]["JobIteration"], json!({}));

    bench.change("j", |spec| spec["Labels"]["a"] = json!("b")).await;
    bench.pass(10.0);
    assert_eq!(bench.states("j"), ["complete complete"; 6]);
    let service = bench.get("/services/j").await;
    assert_eq!(service["JobStatus"]["JobIteration"]["Index"], 1);
    assert_eq!(service["UpdateStatus"], Value::Null);
    job["UpdateConfig"] = json!({ "Parallelism": 1 });
    let (status, message) = bench.refused("/services/create", &job).await;
    assert_eq!(status, 400);
    assert!(message.ends_with("desc = Jobs may not have an update config"), "{message}");
}

#[tokio::test]
async fn a_one_shot_service_runs_again_when_its_secrets_change() {
    let bench = Bench::new().await;
    let once =
        [("ContainerSpec.Command", json!(["true"])), ("RestartPolicy.Condition", json!("none"))];
    bench.service(&with("once", 1, &once)).await;
    bench.pass(5.0);
    assert_eq!(bench.states("once"), ["complete shutdown"]);
    bench
        .swarm
        .edit(&Edit::Label { service: "once".into(), key: "a".into(), value: "b".into() })
        .unwrap();
    bench.pass(5.0);
    assert_eq!(bench.states("once"), ["complete shutdown"]);
    bench.swarm.edit(&Edit::Env { service: "once".into(), line: "A=b".into() }).unwrap();
    bench.pass(5.0);
    assert_eq!(bench.states("once"), ["complete shutdown"; 2]);
    // A task that ends within the time to watch is a failure to the swarm.
    assert_eq!(bench.update_state("once").await, "paused");
}

#[tokio::test]
async fn tasks_without_a_node_say_why() {
    let bench = Bench::new().await;
    let services = [
        ("nowhere", 1, ("Placement.Constraints", json!(["node.hostname==none"]))),
        ("huge", 1, ("Resources.Reservations", json!({ "NanoCPUs": 90_000_000_000_i64 }))),
        ("many", 4, ("Placement.MaxReplicas", json!(1))),
    ];
    for (name, replicas, set) in services {
        bench.service(&with(name, replicas, &[set])).await;
    }
    let mut port = app("port", 4);
    port["EndpointSpec"] = json!({ "Ports": [
        { "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host" },
    ] });
    bench.service(&port).await;
    bench.pass(3.0);
    for (name, why) in [
        ("nowhere", "scheduling constraints not satisfied on 3 nodes"),
        ("huge", "insufficient resources on 3 nodes"),
        ("many", "max replicas per node limit exceed"),
        ("port", "host-mode port already in use on 3 nodes"),
    ] {
        let tasks = bench.tasks(name);
        let pending: Vec<_> = tasks.iter().filter(|task| task.state == "pending").collect();
        let err = format!("no suitable node ({why})");
        assert_eq!(pending.len(), 1, "{name}");
        assert_eq!(pending[0].err.as_ref(), Some(&err));
    }
}

#[tokio::test]
async fn scaling_down_forgets_tasks_and_scaling_up_fills_the_gaps() {
    let bench = Bench::new().await;
    bench.service(&app("web", 3)).await;
    bench.pass(3.0);
    let scale = |replicas| Edit::Scale { service: "web".into(), replicas };
    bench.swarm.edit(&scale(1)).unwrap();
    bench.pass(3.0);
    assert_eq!(bench.states("web"), ["running running"]);
    bench.swarm.edit(&scale(3)).unwrap();
    bench.pass(3.0);
    let mut slots: Vec<u64> = bench.tasks("web").iter().map(|task| task.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, [1, 2, 3]);
    assert_eq!(bench.update_state("web").await, Value::Null);
}

#[tokio::test]
async fn filters_of_tasks_are_those_of_the_daemon() {
    let bench = Bench::new().await;
    bench.service(&app("web", 2)).await;
    bench.service(&app("webber", 1)).await;
    bench.pass(3.0);
    bench.swarm.edit(&Edit::Env { service: "web".into(), line: "A=b".into() }).unwrap();
    bench.pass(1.8);
    let count = async |filters: &str| {
        bench.get(&format!("/tasks?filters={filters}")).await.as_array().unwrap().len()
    };
    assert_eq!(count("{\"service\":[\"web\"]}").await, 4);
    assert_eq!(count("{\"service\":[\"web\"],\"desired-state\":[\"shutdown\"]}").await, 2);
    assert_eq!(count("{\"service\":[\"web\"],\"_up-to-date\":[\"true\"]}").await, 2);
    assert_eq!(count("{\"name\":[\"web.1\"]}").await, 2);
    let (status, answer) =
        bench.ask("GET", "/tasks?filters={\"service\":[\"nope\"]}", &Value::Null).await;
    assert_eq!((status, &answer["message"]), (404, &json!("service nope not found")));
}

#[tokio::test]
async fn a_spec_is_filled_in_and_emptied_as_the_daemon_does_it() {
    let bench = Bench::new().await;
    bench.service(&json!({
        "Name": "e1",
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "windlass/app:latest", "User": "", "Env": [], "Mounts": null, "Labels": {},
            },
            "Resources": { "Limits": {} },
            "RestartPolicy": {},
            "Placement": { "Constraints": [] },
        },
        "Networks": [],
        "EndpointSpec": {},
        "UpdateConfig": {},
    })).await;
    // Seen on 20.10.24.
    let expected = json!({
        "Name": "e1",
        "Labels": {},
        "TaskTemplate": {
            "ContainerSpec": { "Image": "windlass/app:latest", "Isolation": "default" },
            "Resources": { "Limits": {} },
            "RestartPolicy": { "Condition": "any", "MaxAttempts": 0 },
            "Placement": {},
            "ForceUpdate": 0,
            "Runtime": "container",
        },
        "Mode": { "Replicated": { "Replicas": 1 } },
        "EndpointSpec": { "Mode": "vip" },
        "UpdateConfig": {
            "Parallelism": 0, "FailureAction": "pause", "MaxFailureRatio": 0, "Order": "stop-first",
        },
    });
    let service = bench.get("/services/e1").await;
    assert_eq!(service["Spec"], expected);
    assert_eq!(service["Endpoint"], json!({ "Spec": {} }));
    for odd in [json!([]), json!({ "Name": "a", "Labels": 1, "TaskTemplate": "x", "Mode": [] })] {
        assert_eq!(bench.post("/services/create", &odd).await.0, 400, "{odd}");
    }
}
