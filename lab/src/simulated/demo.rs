//! A made-up swarm: stacks of ten services as one finds them, with secrets, some of them shared.
//!
//! | service | is | uses |
//! |---|---|---|
//! | `shop003_web` | 2 replicas, start-first, rolled back if it fails | `..._api_key`, `..._db_password` |
//! | `shop003_api`, `shop003_worker` | 2 replicas | `..._db_password` |
//! | `shop003_db` | pinned to a node by label | `..._db_password` |
//! | `shop003_migrate` | a job | in each fifth stack `..._db_password` |
//! | `shop003_report` | runs once | in each fifth stack `..._api_key` |
//! | `shop003_cache`, `_mail`, `_search`, `_static` | 1 replica | `..._api_key`, nothing, or `registry_token` |
//! | `monitoring_agent` | global, if there are more than ten services | `registry_token` |

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::model::Model;
use super::model::definition::Definition;
use super::model::id::Id;
use super::model::node::Node;
use super::model::object::Sort;
use super::spec::SimulatedSpec;

/// Services of one stack, in the order in which they are made.
const STACK: [&str; 10] =
    ["web", "api", "db", "worker", "migrate", "cache", "mail", "search", "report", "static"];

/// Makes the swarm that is asked for.
pub(crate) fn model(spec: &SimulatedSpec) -> Model {
    let mut model = Model::empty(spec.seed, spec.start, spec.timings);
    for number in 1..=spec.nodes.max(1) {
        add_node(&mut model, number, spec.managers.max(1));
    }
    let agent = spec.services > STACK.len();
    if spec.services > 0 {
        add_secret(&mut model, "registry_token");
    }
    for number in 0..spec.services - usize::from(agent) {
        let (stack, role) = (number / STACK.len() + 1, STACK[number % STACK.len()]);
        let stack = format!("shop{stack:03}");
        if role == STACK[0] {
            add_secret(&mut model, &format!("{stack}_db_password"));
            add_secret(&mut model, &format!("{stack}_api_key"));
        }
        let spec = service(&model, &stack, role, number / STACK.len() % 5 == 4);
        add_service(&mut model, spec);
    }
    if agent {
        let secrets = [reference(&model, "registry_token", "token")];
        add_service(
            &mut model,
            json!({
                "Name": "monitoring_agent",
                "TaskTemplate": { "ContainerSpec": {
                    "Image": "monitoring/agent:3", "Secrets": secrets,
                } },
                "Mode": { "Global": {} },
            }),
        );
    }
    model
}

fn add_node(model: &mut Model, number: usize, managers: usize) {
    let manager = number <= managers;
    let id = if number == 1 { model.own_node } else { model.ids.id() };
    let mut node = Node::blank(id, format!("node{number:03}"), model.now);
    node.version = model.write();
    let role = if manager { "manager" } else { "worker" };
    let disk = if number.is_multiple_of(4) { "ssd" } else { "hdd" };
    let spec = json!({
        "Labels": { "zone": format!("z{}", number % 3 + 1), "disk": disk },
        "Role": role,
        "Availability": "active",
    });
    // The words above are the right ones.
    let _ = node.set_spec(spec);
    model.nodes.insert(id, node);
}

fn add_secret(model: &mut Model, name: &str) {
    let labels = match name.split_once('_') {
        Some((stack, _)) if stack.starts_with("shop") => {
            json!({ "com.docker.stack.namespace": stack })
        }
        _ => json!({}),
    };
    // Names are new and short enough.
    let _ = model.put_secret(name, format!("old value of {name}").as_bytes(), labels);
}

fn add_service(model: &mut Model, spec: Value) {
    // The specs below can be read; a test makes all of them.
    let Ok(spec) = Definition::read(spec) else { return };
    let (id, version) = (model.ids.id(), model.write());
    model.put_service(id, version, Arc::new(spec));
    model.settle(id, &BTreeMap::new());
}

fn reference(model: &Model, secret: &str, file: &str) -> Value {
    let id = model.store(Sort::Secret).named(secret).map(|secret| secret.id);
    json!({
        "File": { "Name": file, "UID": "0", "GID": "0", "Mode": 0o444 },
        "SecretID": id.as_ref().map_or("", Id::as_str),
        "SecretName": secret,
    })
}

/// `hard` is a stack whose secrets are used by what an update runs again.
fn service(model: &Model, stack: &str, role: &str, hard: bool) -> Value {
    let own = |secret: &str| reference(model, &format!("{stack}_{secret}"), secret);
    let secrets = match role {
        "web" => vec![own("api_key"), own("db_password")],
        "api" | "worker" | "db" => vec![own("db_password")],
        "migrate" if hard => vec![own("db_password")],
        "report" if hard => vec![own("api_key")],
        "cache" => vec![own("api_key")],
        "static" => vec![reference(model, "registry_token", "token")],
        _ => Vec::new(),
    };
    let mut container = json!({
        "Image": "windlass/app:latest",
        "Env": [format!("SERVICE={role}")],
        "Secrets": secrets,
        "Labels": { "com.docker.stack.namespace": stack },
    });
    let mut template =
        json!({ "Placement": {}, "Resources": { "Reservations": { "MemoryBytes": 16 << 20 } } });
    let replicas = if ["web", "api", "worker"].contains(&role) { 2 } else { 1 };
    let mut mode = json!({ "Replicated": { "Replicas": replicas } });
    let mut rest = json!({});
    match role {
        "web" => {
            let config = json!({
                "Parallelism": 1, "Delay": 1_000_000_000, "Order": "start-first",
                "FailureAction": "rollback", "Monitor": 5_000_000_000_i64, "MaxFailureRatio": 0,
            });
            rest = json!({ "UpdateConfig": config, "EndpointSpec": { "Mode": "vip" } });
        }
        "db" => template["Placement"]["Constraints"] = json!(["node.labels.zone==z2"]),
        "migrate" => {
            container["Args"] = json!(["sh", "-c", "sleep 2; exit 0"]);
            mode = json!({ "ReplicatedJob": { "MaxConcurrent": 1, "TotalCompletions": 1 } });
        }
        "report" => {
            container["Args"] = json!(["sleep", "3"]);
            template["RestartPolicy"] = json!({ "Condition": "none", "MaxAttempts": 0 });
        }
        _ => {}
    }
    template["ContainerSpec"] = container;
    let mut spec = json!({
        "Name": format!("{stack}_{role}"),
        "Labels": { "com.docker.stack.namespace": stack },
        "TaskTemplate": template,
        "Mode": mode,
    });
    if let (Some(spec), Some(rest)) = (spec.as_object_mut(), rest.as_object()) {
        spec.extend(rest.clone());
    }
    spec
}
