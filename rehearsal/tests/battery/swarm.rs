//! Three managers, and five services that use one secret, each in another way.

use std::sync::Arc;

use serde_json::{Value, json};
use windlass_basic::BasicSteps;
use windlass_engine::step::{Family, Registry};
use windlass_lab::simulated::Snapshot;
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::Swarm;

/// Returns the steps that runbooks call, over a swarm.
pub fn steps(swarm: Swarm) -> Registry {
    Registry::of_families([
        Arc::new(BasicSteps) as Arc<dyn Family>,
        Arc::new(SwarmSteps::over(swarm)),
    ])
}

/// The secret that is rotated.
pub const SECRET: &str = "db_password";

const SECRET_ID: &str = "secret000000000000000000a";
const OTHER_ID: &str = "secret000000000000000000b";

/// Returns the swarm, as Docker describes it.
pub fn five_services() -> Snapshot {
    let start_first = json!({
        "Parallelism": 1, "Delay": 0, "Monitor": 2_000_000_000_u64,
        "FailureAction": "pause", "MaxFailureRatio": 0, "Order": "start-first",
    });
    let rolls_back = json!({
        "Parallelism": 2, "Delay": 500_000_000_u64, "Monitor": 3_000_000_000_u64,
        "FailureAction": "rollback", "MaxFailureRatio": 0, "Order": "stop-first",
    });
    Snapshot {
        version: Snapshot::VERSION,
        taken: "2026-11-21T00:00:00Z".to_owned(),
        api: "1.41".to_owned(),
        engine: "20.10.24".to_owned(),
        nodes: (0..3).map(node).collect(),
        services: vec![
            service("api", &replicated(2), &start_first, &[used("db_password")]),
            service("jobs", &replicated(3), &rolls_back, &[other(), used("/etc/app/db")]),
            service("agent", &json!({ "Global": {} }), &Value::Null, &[used("db_password")]),
            service("twice", &replicated(1), &Value::Null, &[used("a"), other(), used("b")]),
            service("door", &replicated(1), &start_first, &[used("db_password")]),
            service("bystander", &replicated(2), &Value::Null, &[other()]),
        ],
        secrets: vec![secret(SECRET, SECRET_ID), secret("api-key", OTHER_ID)],
        configs: Vec::new(),
        networks: Vec::new(),
        tasks: Vec::new(),
    }
}

fn replicated(replicas: u64) -> Value {
    json!({ "Replicated": { "Replicas": replicas } })
}

fn used(file: &str) -> Value {
    reference(SECRET_ID, SECRET, file)
}

fn other() -> Value {
    reference(OTHER_ID, "api-key", "api-key")
}

fn reference(id: &str, name: &str, file: &str) -> Value {
    let file = json!({ "Name": file, "UID": "0", "GID": "0", "Mode": 292 });
    json!({ "SecretID": id, "SecretName": name, "File": file })
}

fn secret(name: &str, id: &str) -> Value {
    json!({
        "ID": id, "Version": { "Index": 10 },
        "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
        "Spec": { "Name": name, "Labels": { "team": "shop" } },
    })
}

fn node(n: usize) -> Value {
    let mut node = json!({
        "ID": format!("node{n:021}"), "Version": { "Index": 10 },
        "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
        "Spec": { "Labels": {}, "Role": "manager", "Availability": "active" },
        "Description": {
            "Hostname": format!("node-{n}"),
            "Platform": { "Architecture": "x86_64", "OS": "linux" },
            "Engine": { "EngineVersion": "20.10.24" },
        },
        "Status": { "State": "ready", "Addr": "10.0.0.1" },
    });
    let status = json!({ "Leader": n == 0, "Reachability": "reachable", "Addr": "10.0.0.1:2377" });
    node["ManagerStatus"] = status;
    node
}

fn service(name: &str, mode: &Value, update: &Value, secrets: &[Value]) -> Value {
    let mut spec = json!({
        "Name": name, "Labels": { "com.docker.stack.namespace": "shop" },
        "TaskTemplate": {
            "ContainerSpec": { "Image": "example/app:1", "Env": ["MODE"], "Secrets": secrets },
            "RestartPolicy": { "Condition": "any" }, "ForceUpdate": 0,
        },
        "Mode": mode,
    });
    if !update.is_null() {
        spec["UpdateConfig"] = update.clone();
    }
    json!({
        "ID": format!("{name:s<25}"), "Version": { "Index": 20 },
        "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
        "Spec": spec, "Endpoint": { "Spec": {} },
    })
}
