//! Random swarms, as Docker describes them.

use std::sync::Arc;

use fastrand::Rng;
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

const IDS: [(&str, &str); 3] = [
    (SECRET, "secret000000000000000000a"),
    ("db_password_old", "secret000000000000000000b"),
    ("api-key", "secret000000000000000000c"),
];

/// Returns a swarm of one to seven nodes and up to ten services.
pub fn random(rng: &mut Rng) -> Snapshot {
    let nodes = rng.usize(1..=7);
    let services = rng.usize(1..=10);
    let secret = |(name, id): &(&str, &str)| {
        json!({
            "ID": id, "Version": { "Index": 10 },
            "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
            "Spec": { "Name": name, "Labels": {} },
        })
    };
    Snapshot {
        version: Snapshot::VERSION,
        taken: "2026-11-21T00:00:00Z".to_owned(),
        api: "1.41".to_owned(),
        engine: "20.10.24".to_owned(),
        nodes: (0..nodes).map(|n| node(n, rng)).collect(),
        services: (0..services).map(|n| service(n, rng)).collect(),
        secrets: IDS.iter().map(secret).collect(),
        configs: Vec::new(),
        networks: Vec::new(),
        tasks: Vec::new(),
    }
}

fn node(n: usize, rng: &mut Rng) -> Value {
    let availability = if n > 0 && rng.u8(..10) == 0 { "drain" } else { "active" };
    let role = if n == 0 { "manager" } else { "worker" };
    let mut node = json!({
        "ID": format!("node{n:021}"), "Version": { "Index": 10 },
        "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
        "Spec": { "Labels": {}, "Role": role, "Availability": availability },
        "Description": {
            "Hostname": format!("node-{n}"), "Platform": { "Architecture": "x86_64", "OS": "linux" },
            "Engine": { "EngineVersion": "20.10.24" },
        },
        "Status": { "State": "ready", "Addr": "10.0.0.1" },
    });
    if n == 0 {
        let status =
            json!({ "Leader": true, "Reachability": "reachable", "Addr": "10.0.0.1:2377" });
        node["ManagerStatus"] = status;
    }
    node
}

fn service(n: usize, rng: &mut Rng) -> Value {
    let mode = match rng.u8(..4) {
        0 => json!({ "Global": {} }),
        _ => json!({ "Replicated": { "Replicas": rng.u32(0..=4) } }),
    };
    let mut spec = json!({
        "Name": format!("service-{n}"),
        "Labels": {},
        "TaskTemplate": {
            "ContainerSpec": { "Image": "example/app:1", "Secrets": references(rng) },
            "RestartPolicy": { "Condition": "any" }, "ForceUpdate": rng.u32(..3),
        },
        "Mode": mode,
    });
    if rng.bool() {
        spec["Labels"] = json!({ "com.docker.stack.namespace": "shop" });
    }
    if rng.bool() {
        spec["UpdateConfig"] = json!({
            "Parallelism": rng.u32(..4), "Delay": seconds(rng, 3), "Monitor": seconds(rng, 8),
            "FailureAction": one_of(rng, &["pause", "continue", "rollback"]),
            "MaxFailureRatio": 0,
            "Order": one_of(rng, &["stop-first", "start-first"]),
        });
    }
    json!({
        "ID": format!("service{n:018}"), "Version": { "Index": 20 },
        "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z",
        "Spec": spec, "Endpoint": { "Spec": {} },
    })
}

/// References to some of the secrets, to the first perhaps twice, each under another file name.
fn references(rng: &mut Rng) -> Vec<Value> {
    let mut references = Vec::new();
    for n in 0..rng.usize(0..=3) {
        let (name, id) = IDS[if n == 0 { 0 } else { rng.usize(..IDS.len()) }];
        references.push(json!({
            "SecretID": id, "SecretName": name,
            "File": { "Name": format!("file-{n}"), "UID": "0", "GID": "0", "Mode": 292 },
        }));
    }
    rng.shuffle(&mut references);
    references
}

fn one_of(rng: &mut Rng, words: &[&'static str]) -> &'static str {
    words[rng.usize(..words.len())]
}

/// Up to so many seconds, in nanoseconds.
fn seconds(rng: &mut Rng, most: u64) -> u64 {
    rng.u64(..=most * 10) * 100_000_000
}
