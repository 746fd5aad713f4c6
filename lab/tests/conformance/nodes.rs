//! Nodes: what is read of them, what they are told, and what becomes of their tasks.
//!
//! These cases change the nodes of the lab, so each leaves them as it found them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::{Member, Place, encoded};
use crate::service::{app, container, ended, fates, ids, reference, run};

pub const CASES: &[Case] = cases![
    a_node_has_what_windlass_reads,
    a_node_is_found_by_id_name_and_beginning_of_its_id,
    nodes_are_filtered_by_role_name_and_label,
    a_node_update_without_labels_wipes_them,
    a_node_update_needs_role_and_availability,
    a_stale_version_of_a_node_is_refused,
    the_last_manager_is_not_demoted,
    a_node_that_is_up_is_not_removed,
    a_paused_node_keeps_its_tasks_and_gets_no_new_ones,
    a_global_service_on_a_paused_node_keeps_the_old_secret_while_the_status_says_completed,
    a_drained_node_loses_its_tasks_and_others_get_them,
    replicas_do_not_come_back_to_a_node_that_is_active_again,
    a_global_service_leaves_a_drained_node_and_comes_back,
    a_pinned_task_waits_for_its_drained_node,
    a_task_that_may_not_restart_does_not_leave_a_drained_node,
    tasks_wait_when_no_node_takes_any,
    a_label_lets_a_pending_task_start,
    removing_a_label_that_a_constraint_needs_rejects_running_tasks,
    a_change_of_availability_is_an_event,
    an_updated_node_is_not_counted_as_accepted_any_more,
    a_node_that_is_killed_is_missed_and_its_tasks_replaced,
];

fn path(node: &Member) -> String {
    format!("/nodes/{}", node.id)
}

/// Sets the availability of a node.
fn set(place: &Place, node: usize, availability: &str) {
    place.change(&path(&place.nodes[node]), |spec| spec["Availability"] = json!(availability));
}

fn a_node_has_what_windlass_reads(place: &Place) -> Value {
    let seen = |node: &Member| {
        let node = place.get(&path(node));
        let (description, manager) = (&node["Description"], &node["ManagerStatus"]);
        // Packagers add a suffix of their own.
        let engine = description["Engine"]["EngineVersion"].as_str().unwrap();
        json!({
            "role": node["Spec"]["Role"], "availability": node["Spec"]["Availability"],
            "labels": node["Spec"]["Labels"].is_object(), "name": description["Hostname"],
            "state": node["Status"]["State"],
            "os": description["Platform"]["OS"], "engine": engine.split('+').next(),
            "leader": manager["Leader"], "reachability": manager["Reachability"],
            "key manager": node.get("ManagerStatus").is_some(),
        })
    };
    json!([seen(&place.nodes[0]), seen(&place.nodes[1])])
}

fn a_node_is_found_by_id_name_and_beginning_of_its_id(place: &Place) -> Value {
    let node = &place.nodes[1];
    let found = |key: &str| place.ask("GET", &format!("/nodes/{key}"), &Value::Null).status;
    json!({
        "id": found(&node.id), "name": found(&node.name),
        "beginning of the id": found(&node.id[..12]), "self": found("self"),
        "beginning of the name": found(&node.name[..node.name.len() - 1]),
    })
}

fn nodes_are_filtered_by_role_name_and_label(place: &Place) -> Value {
    place.change(&path(&place.nodes[1]), |spec| spec["Labels"] = json!({ "disk": "ssd" }));
    let found = |filters: Value| {
        let list = place.list("/nodes", &filters);
        let name = |node: &Value| node["Description"]["Hostname"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = list.iter().map(name).collect();
        names.sort();
        json!(names)
    };
    let name = &place.nodes[0].name;
    let seen = json!({
        "role": found(json!({ "role": ["worker"] })), "name": found(json!({ "name": [name] })),
        "beginning of name": found(json!({ "name": [name[..name.len() - 1]] })),
        "node label": found(json!({ "node.label": ["disk=ssd"] })),
        "label of the engine": found(json!({ "label": ["disk=ssd"] })),
    });
    place.change(&path(&place.nodes[1]), |spec| spec["Labels"] = json!({}));
    seen
}

fn a_node_update_without_labels_wipes_them(place: &Place) -> Value {
    let path = path(&place.nodes[1]);
    place.change(&path, |spec| spec["Labels"] = json!({ "disk": "ssd" }));
    let before = place.get(&path)["Spec"]["Labels"].clone();
    place.change(&path, |spec| *spec = json!({ "Role": "worker", "Availability": "active" }));
    json!({ "before": before, "after": place.get(&path)["Spec"]["Labels"] })
}

fn a_node_update_needs_role_and_availability(place: &Place) -> Value {
    let path = path(&place.nodes[1]);
    let said = |spec: Value| place.try_change(&path, |old| *old = spec.clone()).said();
    json!({
        "no role": said(json!({ "Availability": "active" })),
        "no availability": said(json!({ "Role": "worker" })),
        "another availability": said(json!({ "Role": "worker", "Availability": "away" })),
        "another role": said(json!({ "Role": "cook", "Availability": "active" })),
    })
}

fn a_stale_version_of_a_node_is_refused(place: &Place) -> Value {
    let path = path(&place.nodes[1]);
    let before = place.get(&path);
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    let target = format!("{path}/update?version={}", before["Version"]["Index"]);
    let said = place.ask("POST", &target, &before["Spec"]).said();
    place.change(&path, |spec| spec["Labels"] = json!({}));
    let none = place.ask("POST", &format!("{path}/update"), &before["Spec"]).said();
    json!({ "stale": said, "none": none })
}

fn the_last_manager_is_not_demoted(place: &Place) -> Value {
    let path = path(&place.nodes[0]);
    json!(place.try_change(&path, |spec| spec["Role"] = json!("worker")).said())
}

fn a_node_that_is_up_is_not_removed(place: &Place) -> Value {
    let said = |node: &Member| place.ask("DELETE", &path(node), &Value::Null).said();
    json!({ "manager": said(&place.nodes[0]), "worker": said(&place.nodes[1]) })
}

/// Returns how many of the tasks that are wanted stand on a node.
fn on(place: &Place, service: &str, node: usize) -> usize {
    let id = &place.nodes[node].id;
    place.wanted(service).iter().filter(|task| task["NodeID"] == json!(id)).count()
}

fn a_paused_node_keeps_its_tasks_and_gets_no_new_ones(place: &Place) -> Value {
    let service = place.running(&app(place, "api", 3));
    set(place, 2, "pause");
    place.change(&service, |spec| spec["Mode"]["Replicated"]["Replicas"] = json!(6));
    place.runs(&service, 6);
    let seen = json!({ "on the paused node": on(place, &service, 2) });
    set(place, 2, "active");
    seen
}

/// Returns a service of one task on every node.
fn global(place: &Place, name: &str) -> Value {
    let mut spec = app(place, name, 0);
    spec["Mode"] = json!({ "Global": {} });
    spec
}

fn a_global_service_on_a_paused_node_keeps_the_old_secret_while_the_status_says_completed(
    place: &Place,
) -> Value {
    let (old, new) = (place.secret("old", "1"), place.secret("new", "2"));
    let mut spec = global(place, "all");
    container(&mut spec)["Secrets"] = json!([reference(place, &old, "old", "db")]);
    let service = place.running(&spec);
    set(place, 2, "pause");
    place.change(&service, |spec| {
        container(spec)["Secrets"] = json!([reference(place, &new, "new", "db")]);
    });
    let settled = place.settled(&service);
    let secret = |task: &Value| task["Spec"]["ContainerSpec"]["Secrets"][0]["SecretName"].clone();
    let of = |node: &Member| {
        let wanted = place.wanted(&service);
        let task = wanted.iter().find(|task| task["NodeID"] == json!(node.id)).map(secret);
        (node.name.clone(), json!(task))
    };
    let now = Value::Object(place.nodes.iter().map(of).collect());
    set(place, 2, "active");
    json!({ "status": settled, "secrets": now })
}

fn a_drained_node_loses_its_tasks_and_others_get_them(place: &Place) -> Value {
    let service = place.running(&app(place, "api", 3));
    set(place, 2, "drain");
    place.wait_until("the node is empty", || (on(place, &service, 2) == 0).then_some(()));
    place.runs(&service, 3);
    let old = place.wait_until("the old task is shut down", || {
        let node = &place.nodes[2].id;
        place.tasks(&service).into_iter().find(|t| t["NodeID"] == json!(node) && ended(t))
    });
    let status = place.get(&service)["UpdateStatus"].clone();
    let listed = place.get(&path(&place.nodes[2]))["Spec"]["Availability"].clone();
    set(place, 2, "active");
    json!({ "old task": fates(&[old]), "status": status, "node": listed })
}

fn replicas_do_not_come_back_to_a_node_that_is_active_again(place: &Place) -> Value {
    let service = place.running(&app(place, "api", 3));
    set(place, 2, "drain");
    place.wait_until("the node is empty", || (on(place, &service, 2) == 0).then_some(()));
    let moved = place.runs(&service, 3);
    set(place, 2, "active");
    place.world.pass(Duration::from_secs(2));
    let same = ids(&place.runs(&service, 3)) == ids(&moved);
    json!({ "same tasks": same, "on the node": on(place, &service, 2) })
}

fn a_global_service_leaves_a_drained_node_and_comes_back(place: &Place) -> Value {
    let service = place.running(&global(place, "all"));
    set(place, 2, "drain");
    let left = place.runs(&service, 2).len();
    let there = on(place, &service, 2);
    set(place, 2, "active");
    let back = place.runs(&service, 3).len();
    json!({ "drained": left, "on the drained node": there, "active": back })
}

/// Returns the spec of a service that only one node takes.
fn pinned(place: &Place, node: usize) -> Value {
    let mut spec = app(place, "db", 1);
    let constraint = format!("node.hostname=={}", place.nodes[node].name);
    spec["TaskTemplate"]["Placement"] = json!({ "Constraints": [constraint] });
    spec
}

/// Waits until a wanted task is pending and says why.
fn pending(place: &Place, service: &str) -> String {
    place.wait_until("a task is pending and says why", || {
        let tasks = place.wanted(service);
        let mut pending = tasks.iter().filter(|task| task["Status"]["State"] == "pending");
        pending.find_map(|task| task["Status"]["Err"].as_str().map(str::to_owned))
    })
}

fn a_pinned_task_waits_for_its_drained_node(place: &Place) -> Value {
    let service = place.running(&pinned(place, 2));
    set(place, 2, "drain");
    let why = pending(place, &service);
    set(place, 2, "active");
    json!({ "why": why, "active again": place.runs(&service, 1).len() })
}

fn a_task_that_may_not_restart_does_not_leave_a_drained_node(place: &Place) -> Value {
    let mut spec = app(place, "once", 1);
    spec["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    spec["TaskTemplate"]["Placement"] = json!({ "Constraints": ["node.role==worker"] });
    let service = place.running(&spec);
    let node = place.tasks(&service)[0]["NodeID"].clone();
    let index = place.nodes.iter().position(|member| node == json!(member.id)).unwrap();
    set(place, index, "drain");
    place.wait_until("the task ends", || place.tasks(&service).iter().all(ended).then_some(()));
    place.world.pass(Duration::from_secs(1));
    let drained = fates(&place.tasks(&service));
    set(place, index, "active");
    place.world.pass(Duration::from_secs(1));
    json!({ "drained": drained, "active again": fates(&place.tasks(&service)) })
}

fn tasks_wait_when_no_node_takes_any(place: &Place) -> Value {
    for node in 0..3 {
        set(place, node, "pause");
    }
    let service = place.service(&app(place, "api", 1));
    let why = pending(place, &service);
    set(place, 0, "active");
    place.runs(&service, 1);
    let seen = json!({ "why": why, "one active": on(place, &service, 0) });
    (1..3).for_each(|node| set(place, node, "active"));
    seen
}

/// Returns the spec of a service for nodes with a label.
fn labelled(place: &Place, replicas: u64) -> Value {
    let mut spec = app(place, "db", replicas);
    spec["TaskTemplate"]["Placement"] = json!({ "Constraints": ["node.labels.disk==ssd"] });
    spec
}

fn a_label_lets_a_pending_task_start(place: &Place) -> Value {
    let service = place.service(&labelled(place, 1));
    let why = pending(place, &service);
    place.change(&path(&place.nodes[1]), |spec| spec["Labels"] = json!({ "disk": "SSD" }));
    place.runs(&service, 1);
    let seen = json!({ "why": why, "on the node": on(place, &service, 1) });
    place.ask("DELETE", &service, &Value::Null);
    place.change(&path(&place.nodes[1]), |spec| spec["Labels"] = json!({}));
    seen
}

fn removing_a_label_that_a_constraint_needs_rejects_running_tasks(place: &Place) -> Value {
    let node = path(&place.nodes[1]);
    place.change(&node, |spec| spec["Labels"] = json!({ "disk": "ssd" }));
    let service = place.running(&labelled(place, 1));
    place.change(&node, |spec| spec["Labels"] = json!({}));
    let why = pending(place, &service);
    let old =
        place.wait_until("the old task ends", || place.tasks(&service).into_iter().find(ended));
    let message = old["Status"]["Message"].clone();
    json!({ "old task": fates(&[old]), "message": message, "new task": why })
}

fn a_change_of_availability_is_an_event(place: &Place) -> Value {
    let since = place.clock();
    set(place, 1, "pause");
    set(place, 1, "active");
    let filters = encoded(&json!({ "type": ["node"] }).to_string());
    let lines = place.wait_until("both events are there", || {
        let until = place.clock();
        let query = format!("/events?since={since}&until={until}&filters={filters}");
        let text = String::from_utf8(place.bytes(&query)).unwrap();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        (lines.len() >= 2).then_some(lines)
    });
    let shown = |event: &Value| {
        json!([event["Type"], event["Action"], event["scope"], event["Actor"]["Attributes"]])
    };
    lines.iter().map(shown).collect()
}

fn an_updated_node_is_not_counted_as_accepted_any_more(place: &Place) -> Value {
    let id = &place.nodes[1].id;
    place.change(&path(&place.nodes[1]), |_| ());
    let accepted = place.list("/nodes", &json!({ "id": [id], "membership": ["accepted"] })).len();
    let pending = place.list("/nodes", &json!({ "id": [id], "membership": ["pending"] })).len();
    json!({ "accepted": accepted, "pending": pending })
}

/// The last case: a node is gone afterwards.
fn a_node_that_is_killed_is_missed_and_its_tasks_replaced(place: &Place) -> Value {
    let service = place.running(&app(place, "api", 3));
    let all = place.running(&global(place, "all"));
    let (gone, away) = (&place.nodes[1], &place.nodes[2]);
    place.world.kill_node(&gone.name);
    place.world.kill_node(&away.name);
    let status = |node: &Member| place.get(&path(node))["Status"].clone();
    let missed = place.wait_until("the nodes are missed", || {
        let missed = [status(gone), status(away)];
        missed.iter().all(|status| status["State"] == "down").then_some(missed)
    });
    place.wait_until("the tasks are replaced", || {
        let wanted = place.wanted(&service);
        let here = wanted.iter().all(|task| task["NodeID"] == json!(place.nodes[0].id));
        (here && run(&wanted) == 3).then_some(())
    });
    let lost = |service: &str| {
        let mut tasks = place.tasks(service);
        // One that came from the other lost node has not started here.
        let ran = |task: &Value| task["Status"]["State"] == "running";
        tasks.retain(|task| task["NodeID"] == json!(away.id) && ran(task));
        json!(fates(&tasks))
    };
    let (replicated, global) = (lost(&service), lost(&all));
    let removed = place.ask("DELETE", &path(gone), &Value::Null).said();
    place.world.start_node(&away.name);
    place.wait_until("the node is back", || (status(away)["State"] == "ready").then_some(()));
    place.runs(&all, 2);
    json!({
        "message": missed[1]["Message"], "task of three": replicated, "global task": global,
        "remove": removed, "after that": place.ask("GET", &path(gone), &Value::Null).status,
        "of three on the node that is back": on(place, &service, 2),
    })
}
