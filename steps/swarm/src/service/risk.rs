//! What an update of a service can cost, as far as its spec tells.

use serde_json::Value;
use windlass_engine::step::{Risk, Severity};

use super::health::Unhealthy;
use crate::docker::Nodes;
use crate::object::{Object, listed};

/// Returns what an operator should know before a service's tasks are replaced.
pub(super) fn of_update(service: &Value, nodes: &Nodes) -> Vec<Risk> {
    use Severity::{Caution, Danger, Notice};
    let spec = &service["Spec"];
    let container = &spec["TaskTemplate"]["ContainerSpec"];
    let config = &spec["UpdateConfig"];
    let start_first = config["Order"] == "start-first";
    let global = spec["Mode"]["Global"].is_object();
    let replicas = spec["Mode"]["Replicated"]["Replicas"].as_u64().unwrap_or(1);
    let max_per_node = spec["TaskTemplate"]["Placement"]["MaxReplicas"].as_u64().unwrap_or(0);
    let paused = paused(nodes);
    let on_paused_nodes = format!(
        "global, and nodes are paused ({}): their tasks keep the old secret",
        listed(&paused, 5)
    );
    let rows = [
        (
            !global && replicas > 1 && config["Parallelism"] == 0,
            Danger,
            "all_at_once",
            "update parallelism 0: all replicas are replaced at once",
        ),
        (global && !paused.is_empty(), Danger, "paused_nodes", on_paused_nodes.as_str()),
        (
            start_first && has_host_port(spec),
            Danger,
            "host_port",
            "start-first with a host-mode port: the new task can't start where the old one holds the port",
        ),
        (
            replicas == 1 && !global && !start_first,
            Caution,
            "one_replica",
            "one replica that is stopped first: a short outage",
        ),
        (
            start_first && max_per_node > 0,
            Caution,
            "replicas_per_node",
            "start-first with a limit of replicas per node: the new task may find no node",
        ),
        (
            start_first && has_local_volume(container),
            Caution,
            "local_volume",
            "start-first with a local volume: two tasks have it open for a while",
        ),
        (
            config["FailureAction"] == "continue",
            Caution,
            "failure_action",
            "failure action continue: the swarm continues although tasks fail",
        ),
        (
            replicas == 0 && !global,
            Notice,
            "no_replicas",
            "0 replicas: whether the new secret works shows only when it is scaled up",
        ),
        (
            !has_healthcheck(container),
            Notice,
            "health_check",
            "no health check in its spec: running only means that the process has started",
        ),
    ];
    let risk = |(_, severity, kind, text): (_, _, &'static str, &str)| {
        let about = spec["Name"].as_str().unwrap_or_default().to_owned();
        Risk { severity, kind: kind.into(), about, text: text.to_owned() }
    };
    rows.into_iter().filter(|(applies, ..)| *applies).map(risk).collect()
}

/// Returns what is to be known of a service that is switched although it does not run as it should.
pub(super) fn of_unhealthy(service: &Unhealthy) -> Risk {
    let then = match service.paused {
        true => "; the switch would resume its paused rollout",
        false => "",
    };
    let text = format!("does not run as it should before the run ({}){then}", service.why);
    Risk { severity: Severity::Wrong, kind: "unhealthy".into(), about: service.name.clone(), text }
}

/// Returns what the stack file of a service must name once the run is over, if that is another
/// secret than the one it names now: `origin`, to which it referred before the run.
pub(super) fn of_stack_file(service: &Value, origin: &Object, to: &Object) -> Option<Risk> {
    let stack = service["Spec"]["Labels"]["com.docker.stack.namespace"].as_str()?;
    let about = service["Spec"]["Name"].as_str().unwrap_or_default().to_owned();
    // The last of several switches decides, so each tells of it under the same kind.
    let kind = "stack_file";
    let (severity, text) = match origin.name == to.name {
        true => (
            Severity::Notice,
            format!(
                "while the run goes on, don't `docker stack deploy` {stack}; afterwards its file is right as it is"
            ),
        ),
        false => (
            Severity::Caution,
            format!(
                "the file of the stack {stack} must name {} instead of {} afterwards, or the next `docker stack deploy` fails or goes back",
                to.name, origin.name
            ),
        ),
    };
    Some(Risk { severity, kind: kind.into(), about, text })
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
        let risks = of_update(&json!({ "Spec": spec }), &Nodes::new());
        risks.into_iter().map(|risk| risk.text).collect::<Vec<_>>().join("\n")
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

    #[test]
    fn a_stack_file_is_to_be_changed_only_if_the_name_differs_in_the_end() {
        let labels = json!({ "com.docker.stack.namespace": "shop" });
        let service = json!({ "Spec": { "Name": "shop_web", "Labels": labels } });
        let object = |name: &str| Object { id: format!("id-{name}"), name: name.to_owned() };
        let renamed = of_stack_file(&service, &object("db_v1"), &object("db_v2")).unwrap();
        assert_eq!(renamed.severity, Severity::Caution);
        assert!(renamed.text.contains("shop must name db_v2 instead of db_v1"), "{renamed:?}");
        let same = of_stack_file(&service, &object("db"), &object("db")).unwrap();
        assert_eq!((same.severity, same.kind), (Severity::Notice, renamed.kind));
        let alone = json!({ "Spec": { "Name": "web" } });
        assert_eq!(of_stack_file(&alone, &object("db"), &object("db.tmp")), None);
    }
}
