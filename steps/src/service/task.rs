//! What a task is up to, as the daemon tells it.

use serde_json::Value;

use crate::docker::Nodes;

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
    let over = matches!(
        task["Status"]["State"].as_str(),
        Some("complete" | "failed" | "rejected" | "shutdown" | "orphaned" | "remove")
    );
    wanted && !over
}

pub(super) fn is_state(task: &Value, state: &str) -> bool {
    task["Status"]["State"] == state
}

pub(super) fn on_down_node(task: &Value, nodes: &Nodes) -> bool {
    let node = task["NodeID"].as_str().and_then(|id| nodes.get(id));
    node.is_some_and(|n| n["Status"]["State"] == "down")
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
