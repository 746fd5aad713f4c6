//! Where tasks go, and what they say when there is no place for them.

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::Place;
use crate::service::{app, container, fates, run};

pub const CASES: &[Case] = cases![
    replicas_are_spread_over_the_nodes,
    a_global_service_runs_once_on_every_node,
    a_global_service_has_no_slots,
    a_constraint_on_a_role_is_obeyed,
    a_constraint_on_a_name_is_obeyed,
    a_constraint_on_an_id_is_obeyed,
    a_constraint_may_say_not,
    constraints_are_all_obeyed,
    a_constraint_that_nothing_fulfils_leaves_the_task_pending,
    a_pending_task_starts_when_the_constraint_is_dropped,
    a_global_service_that_fits_nowhere_has_no_tasks,
    another_placement_replaces_only_tasks_that_stand_wrong,
    replicas_per_node_are_limited,
    a_port_of_the_host_is_taken_once_on_each_node,
    memory_that_no_node_has_leaves_the_task_pending,
    start_first_with_a_port_of_the_host_waits_for_ever,
];

/// Places a spec under constraints.
fn constrain(spec: &mut Value, constraints: &[String]) {
    spec["TaskTemplate"]["Placement"] = json!({ "Constraints": constraints });
}

/// Returns the nodes of the tasks that are wanted, sorted.
fn nodes(place: &Place, path: &str) -> Vec<String> {
    let name = |task: &Value| {
        let node = place.nodes.iter().find(|node| task["NodeID"] == json!(node.id));
        node.map_or("none".to_owned(), |node| node.name.clone())
    };
    let mut nodes: Vec<String> = place.wanted(path).iter().map(name).collect();
    nodes.sort();
    nodes
}

/// Waits until a task is pending and says why.
fn pending(place: &Place, path: &str) -> String {
    place.wait_until("a task is pending and says why", || {
        let tasks = place.wanted(path);
        let mut pending = tasks.iter().filter(|task| task["Status"]["State"] == "pending");
        pending.find_map(|task| task["Status"]["Err"].as_str().map(str::to_owned))
    })
}

/// Runs a service of so many tasks under constraints, and returns where it is.
fn placed(place: &Place, replicas: u64, constraints: &[String]) -> Value {
    let mut spec = app(place, "api", replicas);
    constrain(&mut spec, constraints);
    let path = place.running(&spec);
    json!(nodes(place, &path))
}

fn replicas_are_spread_over_the_nodes(place: &Place) -> Value {
    placed(place, 3, &[])
}

/// Returns a service of one task on every node.
fn global(place: &Place, name: &str) -> Value {
    let mut spec = app(place, name, 0);
    spec["Mode"] = json!({ "Global": {} });
    spec
}

fn a_global_service_runs_once_on_every_node(place: &Place) -> Value {
    let path = place.running(&global(place, "all"));
    json!(nodes(place, &path))
}

fn a_global_service_has_no_slots(place: &Place) -> Value {
    let path = place.running(&global(place, "all"));
    let has = |task: &Value| json!(task.as_object().unwrap().contains_key("Slot"));
    place.tasks(&path).iter().map(has).collect()
}

fn a_constraint_on_a_role_is_obeyed(place: &Place) -> Value {
    placed(place, 2, &["node.role==manager".to_owned()])
}

fn a_constraint_on_a_name_is_obeyed(place: &Place) -> Value {
    placed(place, 2, &[format!("node.hostname=={}", place.nodes[1].name)])
}

fn a_constraint_on_an_id_is_obeyed(place: &Place) -> Value {
    placed(place, 2, &[format!("node.id == {}", place.nodes[2].id)])
}

fn a_constraint_may_say_not(place: &Place) -> Value {
    placed(place, 2, &[format!("node.hostname!={}", place.nodes[1].name)])
}

fn constraints_are_all_obeyed(place: &Place) -> Value {
    let not = format!("node.hostname!={}", place.nodes[1].name);
    placed(place, 2, &["node.role==worker".to_owned(), not])
}

const NOWHERE: &str = "node.labels.none==1";

fn a_constraint_that_nothing_fulfils_leaves_the_task_pending(place: &Place) -> Value {
    let mut spec = app(place, "api", 1);
    constrain(&mut spec, &[NOWHERE.to_owned()]);
    let path = place.service(&spec);
    let why = pending(place, &path);
    let tasks = place.tasks(&path);
    json!({
        "why": why, "fate": fates(&tasks).len(), "message": tasks[0]["Status"]["Message"],
        "desired": tasks[0]["DesiredState"], "key node": tasks[0].get("NodeID").is_some(),
    })
}

fn a_pending_task_starts_when_the_constraint_is_dropped(place: &Place) -> Value {
    let mut spec = app(place, "api", 1);
    constrain(&mut spec, &[NOWHERE.to_owned()]);
    let path = place.service(&spec);
    pending(place, &path);
    let before = place.tasks(&path)[0]["ID"].clone();
    place.change(&path, |spec| constrain(spec, &[]));
    let now = place.runs(&path, 1);
    json!({ "same task": now[0]["ID"] == before, "status": place.settled(&path) })
}

fn a_global_service_that_fits_nowhere_has_no_tasks(place: &Place) -> Value {
    let mut spec = global(place, "all");
    constrain(&mut spec, &[NOWHERE.to_owned()]);
    let path = place.service(&spec);
    // A second service, made later, runs: so the swarm has thought about the first.
    place.running(&app(place, "api", 1));
    let filters = crate::place::encoded(&json!({ "name": [place.name("all")] }).to_string());
    let list = place.get(&format!("/services?status=true&filters={filters}"));
    json!({ "tasks": place.tasks(&path).len(), "counted": list[0]["ServiceStatus"] })
}

fn another_placement_replaces_only_tasks_that_stand_wrong(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 3));
    let before = nodes(place, &path);
    let old = crate::service::ids(&place.wanted(&path));
    let not = format!("node.hostname!={}", place.nodes[1].name);
    place.change(&path, |spec| constrain(spec, std::slice::from_ref(&not)));
    let settled = place.settled(&path);
    let tasks = place.runs(&path, 3);
    let stayed = crate::service::ids(&tasks).iter().filter(|id| old.contains(id)).count();
    let left = !nodes(place, &path).contains(&place.nodes[1].name);
    json!({ "before": before, "stayed": stayed, "the node is left": left, "status": settled })
}

fn replicas_per_node_are_limited(place: &Place) -> Value {
    let mut spec = app(place, "api", 4);
    spec["TaskTemplate"]["Placement"] = json!({ "MaxReplicas": 1 });
    let path = place.service(&spec);
    let why = pending(place, &path);
    let three = || (run(&place.tasks(&path)) == 3).then_some(3);
    json!({ "why": why, "running": place.wait_until("three run", three) })
}

/// Publishes a port of the nodes themselves.
fn publish(spec: &mut Value, port: u16) {
    let port = json!({
        "Protocol": "tcp", "TargetPort": 8080, "PublishedPort": port, "PublishMode": "host",
    });
    spec["EndpointSpec"] = json!({ "Ports": [port] });
}

fn a_port_of_the_host_is_taken_once_on_each_node(place: &Place) -> Value {
    let mut spec = app(place, "api", 4);
    publish(&mut spec, 9001);
    let path = place.service(&spec);
    let why = pending(place, &path);
    let three = || (run(&place.tasks(&path)) == 3).then_some(3);
    json!({ "why": why, "running": place.wait_until("three run", three) })
}

fn memory_that_no_node_has_leaves_the_task_pending(place: &Place) -> Value {
    let mut spec = app(place, "api", 1);
    spec["TaskTemplate"]["Resources"] = json!({ "Reservations": { "MemoryBytes": 1_u64 << 50 } });
    let path = place.service(&spec);
    json!(pending(place, &path))
}

fn start_first_with_a_port_of_the_host_waits_for_ever(place: &Place) -> Value {
    let mut spec = app(place, "api", 1);
    constrain(&mut spec, &["node.role==manager".to_owned()]);
    publish(&mut spec, 9002);
    spec["UpdateConfig"]["Order"] = json!("start-first");
    let path = place.running(&spec);
    place.change(&path, |spec| container(spec)["Env"] = json!(["V=2"]));
    let why = pending(place, &path);
    let status = place.get(&path)["UpdateStatus"]["State"].clone();
    json!({ "why": why, "status": status, "old task runs": run(&place.tasks(&path)) })
}
