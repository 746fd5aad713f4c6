//! What a task is up to, as the daemon tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::docker::Nodes;
use crate::object::listed;

/// True if a task ended badly.
pub(super) fn has_failed(task: &Value) -> bool {
    matches!(task["Status"]["State"].as_str(), Some("failed" | "rejected"))
}

/// Returns what the daemon says about a task that ended badly: "task: non-zero exit (3)".
pub(super) fn told(task: &Value) -> String {
    let status = &task["Status"];
    let error = status["Err"].as_str().filter(|e| !e.is_empty());
    let error = error.or_else(|| status["Message"].as_str()).unwrap_or("it gave no reason");
    match status["ContainerStatus"]["ExitCode"].as_i64() {
        Some(code) if code != 0 && !error.contains(&format!("({code})")) => {
            format!("{error}, exit code {code}")
        }
        _ => error.to_owned(),
    }
}

/// A task that is to run, now or as soon as it can.
pub(super) fn is_live(task: &Value) -> bool {
    let wanted = matches!(task["DesiredState"].as_str(), Some("running" | "ready" | "accepted"));
    wanted && !is_over(task)
}

fn is_over(task: &Value) -> bool {
    matches!(
        task["Status"]["State"].as_str(),
        Some("complete" | "failed" | "rejected" | "shutdown" | "orphaned" | "remove")
    )
}

pub(super) fn is_state(task: &Value, state: &str) -> bool {
    task["Status"]["State"] == state
}

pub(super) fn on_down_node(task: &Value, nodes: &Nodes) -> bool {
    let node = task["NodeID"].as_str().and_then(|id| nodes.get(id));
    node.is_some_and(|n| n["Status"]["State"] == "down")
}

/// Returns the place of a task in its service: its slot, or its node if the service is global.
pub(super) fn slot(task: &Value) -> (u64, &str) {
    match task["Slot"].as_u64().unwrap_or(0) {
        0 => (0, task["NodeID"].as_str().unwrap_or_default()),
        slot => (slot, ""),
    }
}

/// What does not count when a task is compared with a template: of the placement only a node that
/// no longer fits does, and the daemon tells no task's runtime.
const NOT_COMPARED: [&str; 2] = ["Placement", "Runtime"];

/// True if an update of its service to this template would keep the task: the swarm compares
/// everything else.
pub(super) fn is_of(task: &Value, template: &Value) -> bool {
    let (Some(task), Some(template)) = (task["Spec"].as_object(), template.as_object()) else {
        return false;
    };
    let keys: BTreeSet<&String> = task.keys().chain(template.keys()).collect();
    let is_nothing = |value: &Value| value.is_null() || *value == 0;
    keys.into_iter().filter(|key| !NOT_COMPARED.contains(&key.as_str())).all(|key| {
        let (task, template) = (task.get(key), template.get(key));
        task.filter(|v| !is_nothing(v)) == template.filter(|v| !is_nothing(v))
    })
}

/// Returns which nodes that are down hold tasks of the service that never ended: "n2 is down, and 1
/// task of it is there". An update waits for such a task for ever.
pub(super) fn on_down_nodes(tasks: &[Value], nodes: &Nodes) -> Option<String> {
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks.iter().filter(|t| !is_over(t) && on_down_node(t, nodes)) {
        let node = task["NodeID"].as_str().and_then(|id| nodes.get(id));
        let name = node.and_then(|n| n["Description"]["Hostname"].as_str()).unwrap_or("a node");
        *there.entry(name).or_default() += 1;
    }
    let each = |(node, count): (&&str, &usize)| match count {
        1 => format!("{node} is down, and 1 task of it is there"),
        count => format!("{node} is down, and {count} tasks of it are there"),
    };
    let each: Vec<String> = there.iter().map(each).collect();
    (!each.is_empty()).then(|| listed(&each, 3))
}

pub(super) fn paused_node<'a>(task: &Value, nodes: &'a Nodes) -> Option<&'a str> {
    let node = nodes.get(task["NodeID"].as_str()?)?;
    (node["Spec"]["Availability"] == "pause")
        .then(|| node["Description"]["Hostname"].as_str().unwrap_or("?"))
}

/// Returns a moment as the daemon writes it, for comparing: times of the daemon with each other,
/// never with ours.
pub(super) fn moment(time: &Value) -> Option<jiff::Timestamp> {
    time.as_str().and_then(|t| t.parse().ok())
}
