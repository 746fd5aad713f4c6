//! What an update of a service can cost, as far as its spec tells.

use serde_json::Value;

use crate::docker::Nodes;
use crate::object::listed;

/// Returns what an operator should know before a service's tasks are replaced.
pub(super) fn of_update(service: &Value, nodes: &Nodes) -> Vec<String> {
    let spec = &service["Spec"];
    let name = spec["Name"].as_str().unwrap_or_default();
    let container = &spec["TaskTemplate"]["ContainerSpec"];
    let config = &spec["UpdateConfig"];
    let start_first = config["Order"] == "start-first";
    let global = spec["Mode"]["Global"].is_object();
    let replicas = spec["Mode"]["Replicated"]["Replicas"].as_u64().unwrap_or(1);
    let max_per_node = spec["TaskTemplate"]["Placement"]["MaxReplicas"].as_u64().unwrap_or(0);
    let paused = paused(nodes);
    let rows = [
        (
            !has_healthcheck(container),
            "no health check in its spec: running only means that the process has started",
        ),
        (
            replicas == 1 && !global && !start_first,
            "one replica that is stopped first: a short outage",
        ),
        (
            replicas == 0 && !global,
            "0 replicas: whether the new secret works shows only when it is scaled up",
        ),
        (
            !global && replicas > 1 && config["Parallelism"] == 0,
            "update parallelism 0: all replicas are replaced at once",
        ),
        (
            start_first && has_host_port(spec),
            "start-first with a host-mode port: the new task can't start where the old one holds the port",
        ),
        (
            start_first && max_per_node > 0,
            "start-first with a limit of replicas per node: the new task may find no node",
        ),
        (
            start_first && has_local_volume(container),
            "start-first with a local volume: two tasks have it open for a while",
        ),
        (
            config["FailureAction"] == "continue",
            "failure action continue: the swarm goes on although tasks fail",
        ),
        (
            global && !paused.is_empty(),
            "global, and nodes are paused: their tasks keep the old secret",
        ),
    ];
    let applies = rows.into_iter().filter(|(applies, _)| *applies);
    let mut risks: Vec<String> = applies.map(|(_, risk)| format!("{name}: {risk}")).collect();
    if global && !paused.is_empty() {
        risks.push(format!("{name}: paused nodes: {}", listed(&paused, 5)));
    }
    risks
}

fn has_healthcheck(container: &Value) -> bool {
    let test = container["Healthcheck"]["Test"].as_array();
    test.is_some_and(|t| !t.is_empty() && t[0] != "NONE")
}

fn has_host_port(spec: &Value) -> bool {
    let ports = spec["EndpointSpec"]["Ports"].as_array();
    ports.into_iter().flatten().any(|port| port["PublishMode"] == "host")
}

fn has_local_volume(container: &Value) -> bool {
    let mounts = container["Mounts"].as_array();
    let local = |mount: &Value| {
        let driver = mount["VolumeOptions"]["DriverConfig"]["Name"].as_str().unwrap_or("local");
        let writable = mount["ReadOnly"] != true;
        writable && (mount["Type"] == "bind" || (mount["Type"] == "volume" && driver == "local"))
    };
    mounts.into_iter().flatten().any(local)
}

fn paused(nodes: &Nodes) -> Vec<&str> {
    let paused = nodes.values().filter(|n| n["Spec"]["Availability"] == "pause");
    paused.filter_map(|n| n["Description"]["Hostname"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn risks(spec: Value) -> String {
        of_update(&json!({ "Spec": spec }), &Nodes::new()).join("\n")
    }

    #[test]
    fn a_careful_service_has_none() {
        let spec = json!({
            "Name": "web", "Mode": { "Replicated": { "Replicas": 2 } },
            "TaskTemplate": { "ContainerSpec": { "Healthcheck": { "Test": ["CMD", "true"] } } },
        });
        assert_eq!(risks(spec), "");
    }

    #[test]
    fn each_risk_is_named() {
        let spec = json!({
            "Name": "db", "Mode": { "Replicated": { "Replicas": 1 } },
            "TaskTemplate": {
                "ContainerSpec": { "Mounts": [{ "Type": "volume", "Source": "data" }] },
                "Placement": { "MaxReplicas": 1 },
            },
            "UpdateConfig": { "Order": "start-first", "Parallelism": 0, "FailureAction": "continue" },
            "EndpointSpec": { "Ports": [{ "PublishMode": "host" }] },
        });
        let text = risks(spec);
        for word in ["health check", "host-mode", "per node", "local volume", "continue"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("parallelism"), "{text}");
        let one = json!({ "Name": "db", "Mode": { "Replicated": {} }, "TaskTemplate": {} });
        assert!(risks(one).contains("a short outage"));
    }
}
