use std::collections::BTreeMap;

use serde_json::json;

use super::*;

const IMAGE: &str = "web:2";

fn template(image: &str) -> Value {
    json!({ "ContainerSpec": { "Image": image }, "ForceUpdate": 0 })
}

/// The daemon tells the runtime of a service, and not of its tasks.
fn as_a_service_has_it(mut template: Value) -> Value {
    template["Runtime"] = json!("container");
    template
}

fn service(replicas: u64, state: &str) -> Value {
    json!({
        "ID": "s",
        "Spec": {
            "Name": "web",
            "Mode": { "Replicated": { "Replicas": replicas } },
            "TaskTemplate": as_a_service_has_it(template(IMAGE)),
        },
        "UpdateStatus": match state {
            "" => Value::Null,
            state => json!({ "State": state, "Message": "as said" }),
        },
    })
}

fn task(slot: u64, image: &str, state: &str, error: &str) -> Value {
    let over = matches!(state, "failed" | "rejected" | "complete" | "shutdown");
    json!({
        "ID": format!("{slot}-{image}-{state}"),
        "Slot": slot,
        "NodeID": if state == "pending" { "" } else { "n1" },
        "CreatedAt": "2026-11-21T03:00:01Z",
        "DesiredState": if over { "shutdown" } else { "running" },
        "Status": { "State": state, "Err": error, "Timestamp": "2026-11-21T03:00:02Z" },
        "Spec": template(image),
    })
}

fn nodes() -> Nodes {
    let node = |state: &str, name: &str| {
        json!({
            "Status": { "State": state },
            "Spec": { "Availability": "active" },
            "Description": { "Hostname": name },
        })
    };
    BTreeMap::from([
        ("n1".to_owned(), node("ready", "alpha")),
        ("gone".to_owned(), node("down", "gamma")),
    ])
}

fn why(service: &Value, tasks: &[Value]) -> Option<String> {
    unhealthy(service, tasks, &nodes()).map(|one| one.why)
}

#[test]
fn what_runs_as_wanted_is_healthy() {
    let runs = |slot| task(slot, IMAGE, "running", "");
    let old = task(1, "web:1", "shutdown", "");
    assert_eq!(why(&service(2, ""), &[runs(1), runs(2), old.clone()]), None);
    assert_eq!(why(&service(2, "completed"), &[runs(1), runs(2)]), None);
    // It was undone, and runs.
    assert_eq!(why(&service(1, "rollback_completed"), &[runs(1)]), None);
    assert_eq!(why(&service(0, "paused"), &[old]), None, "no task: nothing is set going");
}

/// A rotation set somebody's paused rollout going, and 2 of 3 tasks became 1 of 3.
#[test]
fn an_update_that_is_not_through_is_unhealthy_whatever_runs() {
    let tasks = [task(1, IMAGE, "running", "")];
    for (state, says) in [
        ("paused", "its update is paused (as said)"),
        ("rollback_paused", "its rollback is paused (as said)"),
        ("updating", "an update of it is under way"),
        ("rollback_started", "the swarm is rolling it back (as said)"),
    ] {
        let found = unhealthy(&service(1, state), &tasks, &nodes()).unwrap();
        assert_eq!((found.why.as_str(), found.running), (says, 1));
        assert_eq!(found.paused, state.contains("paused"), "{state}");
    }
}

#[test]
fn missing_tasks_come_with_what_the_daemon_says_of_them() {
    let runs = task(1, IMAGE, "running", "");
    let table = [
        (
            vec![task(2, IMAGE, "pending", "no suitable node (1 node not available)")],
            "no suitable node (1 node not available)",
        ),
        (
            vec![task(2, IMAGE, "rejected", "No such image: web:2")],
            "a task failed: No such image: web:2",
        ),
        (vec![task(2, IMAGE, "starting", "")], "a task is starting"),
    ];
    for (others, says) in table {
        let tasks = [vec![runs.clone()], others].concat();
        assert_eq!(why(&service(2, ""), &tasks).unwrap(), format!("1 of 2 tasks run: {says}"));
    }
    // A failure of long ago, in a place where another task runs, explains nothing.
    let tasks = [runs.clone(), task(1, IMAGE, "failed", "long ago"), task(2, IMAGE, "new", "")];
    assert_eq!(why(&service(2, ""), &tasks).unwrap(), "1 of 2 tasks run: a task is new");
    assert_eq!(why(&service(1, ""), &[]).unwrap(), "0 of 1 tasks run");
}

#[test]
fn a_node_that_is_down_is_named() {
    let mut lost = task(2, IMAGE, "running", "");
    lost["NodeID"] = json!("gone");
    let tasks = [task(1, IMAGE, "running", ""), lost];
    let says = "1 of 2 tasks run: gamma is down, and 1 task of it is there";
    assert_eq!(why(&service(2, ""), &tasks).unwrap(), says);
}

#[test]
fn tasks_of_another_spec_show_that_the_present_one_is_not_proven() {
    let tasks = [task(1, IMAGE, "running", ""), task(2, "web:1", "running", "")];
    let says = "1 of 2 tasks run with another spec than the service has now";
    assert_eq!(why(&service(2, "completed"), &tasks).unwrap(), says);
    // Where tasks may be placed is no part of it: that alone never restarts them.
    let mut pinned = service(1, "");
    pinned["Spec"]["TaskTemplate"]["Placement"] = json!({ "Constraints": ["node.id==n1"] });
    assert_eq!(why(&pinned, &tasks[..1]), None);
}

#[test]
fn jobs_and_services_that_ended_well_are_healthy() {
    let mut job = service(1, "");
    job["Spec"]["Mode"] = json!({ "ReplicatedJob": {} });
    assert_eq!(why(&job, &[task(1, IMAGE, "failed", "no")]), None);
    let mut one_shot = service(1, "paused");
    one_shot["Spec"]["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    assert_eq!(why(&one_shot, &[task(1, IMAGE, "complete", "")]), None);
}

#[test]
fn a_global_service_needs_a_task_on_each_of_its_nodes() {
    let mut global = service(0, "");
    global["Spec"]["Mode"] = json!({ "Global": {} });
    assert_eq!(why(&global, &[task(0, IMAGE, "running", "")]), None);
    let failed = [task(0, IMAGE, "failed", "no such command")];
    let says = "0 of 1 tasks run: a task failed: no such command";
    assert_eq!(why(&global, &failed).unwrap(), says);
}

#[test]
fn what_may_be_over_in_a_moment_is_told_from_what_may_not() {
    let passing = |state: &str, tasks: &[Value]| {
        unhealthy(&service(2, state), tasks, &nodes()).unwrap().passing
    };
    let (runs, starts) = (task(1, IMAGE, "running", ""), task(2, IMAGE, "starting", ""));
    assert!(passing("", &[runs.clone(), starts.clone()]), "just deployed");
    assert!(passing("updating", &[runs.clone(), task(2, "web:1", "running", "")]));
    assert!(!passing("paused", &[runs.clone(), starts]));
    assert!(!passing("completed", &[runs.clone(), task(2, "web:1", "running", "")]));
    for (state, error) in [("pending", "no suitable node"), ("rejected", "no image")] {
        assert!(!passing("updating", &[runs.clone(), task(2, IMAGE, state, error)]), "{state}");
    }
}
