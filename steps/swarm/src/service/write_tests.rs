use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn template(secret: &str, force: u64) -> Value {
    json!({ "ContainerSpec": { "Secrets": [{ "SecretID": secret }] }, "ForceUpdate": force })
}

fn service(replicas: u64, state: &str) -> Value {
    json!({
        "Spec": {
            "Mode": { "Replicated": { "Replicas": replicas } },
            "TaskTemplate": template("new", 0),
        },
        "PreviousSpec": { "TaskTemplate": template("old", 0) },
        "UpdateStatus": match state { "" => Value::Null, state => json!({ "State": state }) },
    })
}

fn task(slot: u64, secret: &str, node: &str, state: &str) -> Value {
    json!({
        "Slot": slot,
        "NodeID": node,
        "DesiredState": "running",
        "Status": { "State": state },
        "Spec": template(secret, 0),
    })
}

fn nodes() -> Nodes {
    let node =
        |state: &str| json!({ "Status": { "State": state }, "Description": { "Hostname": state } });
    BTreeMap::from([("n1".to_owned(), node("ready")), ("gone".to_owned(), node("down"))])
}

fn found(service: &Value, template: &Value, tasks: &[Value]) -> &'static str {
    match obstacle(service, template, tasks, &nodes(), Minds::Updates) {
        None => "now",
        Some(Obstacle::Paused) => "paused",
        Some(Obstacle::Passing(why)) if why.contains("would stop") => "a start",
        Some(Obstacle::Passing(why)) if why.contains("down is down") => "a node",
        Some(Obstacle::Passing(_)) => "an update",
    }
}

/// Seen on a real swarm: a label was written 2.5 s into a replacement that took 8 s; the old task
/// was stopped in the same 10 ms, and nothing answered for 8.1 s.
#[test]
fn the_same_spec_is_not_written_while_its_task_starts_beside_the_old_one() {
    let old = task(1, "old", "n1", "running");
    let same = template("new", 0);
    for state in ["new", "pending", "preparing", "starting"] {
        let tasks = [old.clone(), task(1, "new", "n1", state)];
        for update in ["updating", "completed", "", "paused"] {
            assert_eq!(found(&service(1, update), &same, &tasks), "a start", "{state} {update}");
        }
    }
    let done = [task(1, "new", "n1", "running")];
    assert_eq!(found(&service(1, "updating"), &same, &done), "now");
    // In another place, or alone in its own, it stops nobody.
    let elsewhere = [task(2, "old", "n1", "running"), task(1, "new", "n1", "starting")];
    assert_eq!(found(&service(2, ""), &same, &elsewhere), "now");
}

#[test]
fn a_change_of_the_references_keeps_no_task_that_starts() {
    let tasks = [task(1, "old", "n1", "running"), task(1, "new", "n1", "starting")];
    let at_once = |template: &Value| {
        obstacle(&service(1, "updating"), template, &tasks, &nodes(), Minds::Starts).is_none()
    };
    assert!(at_once(&template("old", 0)), "an undo: what runs is what it wants");
    assert!(at_once(&template("third", 0)), "another secret: both stay until that one runs");
    assert!(at_once(&template("new", 1)), "a forced update");
    assert!(!at_once(&template("new", 0)));
}

/// With a worker down, the swarm said `updating` for ever, and a seal gave up after two minutes.
#[test]
fn an_update_that_has_nothing_left_to_do_is_no_obstacle() {
    let mut lost = task(1, "new", "gone", "preparing");
    lost["DesiredState"] = json!("shutdown");
    let done = [task(1, "new", "n1", "running"), lost.clone()];
    assert_eq!(found(&service(1, "updating"), &template("new", 0), &done), "now");
    assert_eq!(found(&service(1, "paused"), &template("new", 0), &done), "now");
    let not_done = [task(2, "old", "n1", "running"), lost];
    assert_eq!(found(&service(2, "updating"), &template("new", 0), &not_done), "a node");
}

#[test]
fn an_update_of_somebody_is_waited_for_and_a_paused_one_is_not() {
    let tasks = [task(1, "new", "n1", "running"), task(2, "old", "n1", "running")];
    let next = template("third", 0);
    for (state, is) in [
        ("", "now"),
        ("completed", "now"),
        ("updating", "an update"),
        ("rollback_started", "an update"),
        ("paused", "paused"),
        ("rollback_paused", "paused"),
    ] {
        assert_eq!(found(&service(2, state), &next, &tasks), is, "{state}");
        let minds = Minds::Starts;
        assert_eq!(obstacle(&service(2, state), &next, &tasks, &nodes(), minds), None, "{state}");
    }
}

#[test]
fn tasks_are_asked_for_only_where_they_matter() {
    for (state, asks) in [("", true), ("updating", true), ("paused", true), ("completed", false)] {
        assert_eq!(depends_on_tasks(&service(1, state)), asks, "{state}");
    }
    let mut sealed = service(1, "");
    sealed["PreviousSpec"]["TaskTemplate"] = template("new", 0);
    assert!(!depends_on_tasks(&sealed), "its last update replaced no task");
    sealed["PreviousSpec"] = Value::Null;
    assert!(!depends_on_tasks(&sealed), "it was never updated");
}
