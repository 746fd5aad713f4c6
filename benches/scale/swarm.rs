//! A swarm in which every service uses one secret.

use serde_json::{Value, json};
use windlass_lab::simulated::Snapshot;

/// The secret.
pub const SECRET: &str = "db_password";

/// Returns a swarm of so many nodes and services, as Docker describes it.
pub fn snapshot(nodes: usize, services: usize) -> Snapshot {
    Snapshot {
        version: Snapshot::VERSION,
        taken: "2026-11-21T00:00:00Z".to_owned(),
        api: "1.41".to_owned(),
        engine: "20.10.24".to_owned(),
        nodes: (0..nodes).map(node).collect(),
        services: (0..services).map(service).collect(),
        secrets: vec![json!({
            "ID": "secret000000000000000000a", "Version": { "Index": 10 },
            "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
            "Spec": { "Name": SECRET, "Labels": {} },
        })],
        configs: Vec::new(),
        networks: Vec::new(),
        tasks: Vec::new(),
    }
}

fn node(n: usize) -> Value {
    let role = if n < 3 { "manager" } else { "worker" };
    let mut node = json!({
        "ID": format!("node{n:021}"), "Version": { "Index": 10 },
        "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
        "Spec": { "Labels": {}, "Role": role, "Availability": "active" },
        "Description": {
            "Hostname": format!("node-{n}"), "Platform": { "Architecture": "x86_64", "OS": "linux" },
            "Resources": { "NanoCPUs": 8_000_000_000_u64, "MemoryBytes": 33_554_432_000_u64 },
            "Engine": { "EngineVersion": "20.10.24" },
        },
        "Status": { "State": "ready", "Addr": "10.0.0.1" },
    });
    if n < 3 {
        let status =
            json!({ "Leader": n == 0, "Reachability": "reachable", "Addr": "10.0.0.1:2377" });
        node["ManagerStatus"] = status;
    }
    node
}

/// About what a small web service has.
fn service(n: usize) -> Value {
    let spec = json!({
        "Name": format!("service-{n}"),
        "Labels": { "com.docker.stack.namespace": format!("stack-{}", n / 10) },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "example/app:1.2.3", "Env": ["PORT", "MODE"],
                "Secrets": [{
                    "SecretID": "secret000000000000000000a", "SecretName": SECRET,
                    "File": { "Name": "db_password", "UID": "0", "GID": "0", "Mode": 292 },
                }],
            },
            "Resources": {}, "RestartPolicy": { "Condition": "any" }, "ForceUpdate": 0,
        },
        "Mode": { "Replicated": { "Replicas": 2 } },
        "UpdateConfig": {
            "Parallelism": 1, "Delay": 0, "Monitor": 5_000_000_000_u64,
            "FailureAction": "pause", "Order": "start-first",
        },
        "EndpointSpec": { "Mode": "vip" },
    });
    json!({
        "ID": format!("service{n:018}"), "Version": { "Index": 20 },
        "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
        "Spec": spec, "Endpoint": { "Spec": { "Mode": "vip" } },
    })
}
