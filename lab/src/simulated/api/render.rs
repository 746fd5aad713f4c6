//! Objects as the daemon writes them. Text straight into a buffer: lists of 10,000 services and
//! their tasks are made without building a tree of values first.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::simulated::model::Model;
use crate::simulated::model::definition::Mode;
use crate::simulated::model::node::{Node, Role};
use crate::simulated::model::object::Object;
use crate::simulated::model::service::Service;
use crate::simulated::model::task::{State, Task};

/// The API version that is spoken.
pub(crate) const API: &str = "1.41";
/// The engine that is simulated.
pub(crate) const ENGINE: &str = "20.10.24";

/// What a list of services may hold besides the services.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extra {
    pub(crate) status: bool,
    pub(crate) defaults: bool,
}

/// Returns a time in the daemon's format.
pub(crate) fn stamp(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map(|at| at.to_string()).unwrap_or_default()
}

/// Returns a text as JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Begins an object: ID, version, times.
fn head(out: &mut String, id: impl std::fmt::Display, version: u64, created: i64, updated: i64) {
    let (created, updated) = (stamp(created), stamp(updated));
    put(
        out,
        format_args!(
            r#"{{"ID":"{id}","Version":{{"Index":{version}}},"CreatedAt":"{created}","UpdatedAt":"{updated}""#
        ),
    );
}

/// Writing into a string can't fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Writes a list with commas between.
pub(crate) fn list<T>(
    items: impl Iterator<Item = T>,
    mut each: impl FnMut(&mut String, T),
) -> String {
    let mut out = String::from("[");
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(',');
        }
        each(&mut out, item);
    }
    out.push(']');
    out
}

pub(crate) fn service(out: &mut String, model: &Model, service: &Service, extra: Extra) {
    head(out, service.id, service.version, service.created, service.updated);
    if extra.defaults {
        put(
            out,
            format_args!(r#","Spec":{}"#, with_defaults(service.spec.json(), service.spec.mode)),
        );
    } else {
        put(out, format_args!(r#","Spec":{}"#, service.spec.text));
    }
    if let Some(previous) = &service.previous {
        put(out, format_args!(r#","PreviousSpec":{}"#, previous.text));
    }
    put(out, format_args!(r#","Endpoint":{{"Spec":{}"#, service.spec.endpoint));
    if !service.spec.host_ports.is_empty() || !service.spec.ingress_ports.is_empty() {
        let endpoint: Value = serde_json::from_str(&service.spec.endpoint).unwrap_or_default();
        put(out, format_args!(r#","Ports":{}"#, endpoint["Ports"]));
    }
    out.push('}');
    if let Some(status) = &service.status {
        let (state, message) = (status.state.word(), quoted(&status.message));
        put(out, format_args!(r#","UpdateStatus":{{"State":"{state}""#));
        if let Some(started) = status.started {
            put(out, format_args!(r#","StartedAt":"{}""#, stamp(started)));
        }
        if let Some(completed) = status.completed {
            put(out, format_args!(r#","CompletedAt":"{}""#, stamp(completed)));
        }
        put(out, format_args!(r#","Message":{message}}}"#));
    }
    if extra.status {
        let (running, desired, completed) = counts(model, service);
        put(
            out,
            format_args!(
                r#","ServiceStatus":{{"RunningTasks":{running},"DesiredTasks":{desired},"CompletedTasks":{completed}}}"#
            ),
        );
    }
    if service.spec.mode.is_job() {
        let (iteration, executed) = (iteration(service.iteration), stamp(service.executed));
        put(
            out,
            format_args!(
                r#","JobStatus":{{"JobIteration":{iteration},"LastExecution":"{executed}"}}"#
            ),
        );
    }
    out.push('}');
}

/// The daemon leaves a 0 out.
fn iteration(index: u64) -> String {
    if index == 0 { "{}".to_owned() } else { format!(r#"{{"Index":{index}}}"#) }
}

fn counts(model: &Model, service: &Service) -> (u64, u64, u64) {
    let (mut running, mut meant, mut completed) = (0, 0, 0);
    for task in service.tasks.iter().filter_map(|id| model.tasks.get(id)) {
        let on_down = task.node.and_then(|node| model.nodes.get(&node)).is_some_and(|n| n.down);
        running += u64::from(task.state == State::Running && task.is_wanted() && !on_down);
        meant += u64::from(task.desired == State::Running);
        let of_now = task.iteration == Some(service.iteration);
        completed += u64::from(of_now && task.state == State::Complete);
    }
    let desired = match service.spec.mode {
        Mode::Replicated { replicas } => replicas,
        Mode::ReplicatedJob { concurrent, .. } => concurrent,
        Mode::Global | Mode::GlobalJob => meant,
    };
    (running, desired, completed)
}

/// Puts in what `insertDefaults` asks for.
fn with_defaults(mut spec: Value, mode: Mode) -> Value {
    fn fill(value: &mut Value, defaults: Value) {
        let (Some(map), Value::Object(defaults)) = (value.as_object_mut(), defaults) else {
            return;
        };
        for (key, default) in defaults {
            match map.get_mut(&key) {
                Some(present) => fill(present, default),
                None => {
                    map.insert(key, default);
                }
            }
        }
    }
    let update = json!({
        "Parallelism": 1, "FailureAction": "pause", "Monitor": 5_000_000_000_i64,
        "MaxFailureRatio": 0, "Order": "stop-first",
    });
    let defaults = json!({
        "TaskTemplate": {
            "ContainerSpec": { "StopGracePeriod": 10_000_000_000_i64, "DNSConfig": {} },
            "Resources": {},
            "RestartPolicy": { "Condition": "any", "Delay": 5_000_000_000_i64, "MaxAttempts": 0 },
            "Placement": {},
        },
    });
    fill(&mut spec, defaults);
    if !mode.is_job() {
        fill(&mut spec, json!({ "UpdateConfig": update, "RollbackConfig": update }));
    }
    spec
}

pub(crate) fn task(out: &mut String, task: &Task) {
    head(out, task.id, task.version, task.created, task.updated);
    let (spec, service) = (&task.template.text, task.service);
    put(out, format_args!(r#","Labels":{{}},"Spec":{spec},"ServiceID":"{service}""#));
    if task.slot_number() > 0 {
        put(out, format_args!(r#","Slot":{}"#, task.slot_number()));
    }
    if let Some(node) = task.node {
        put(out, format_args!(r#","NodeID":"{node}""#));
    }
    let (at, state, message) = (stamp(task.stamp), task.state.word(), quoted(task.message));
    put(
        out,
        format_args!(r#","Status":{{"Timestamp":"{at}","State":"{state}","Message":{message}"#),
    );
    if let Some(err) = &task.err {
        put(out, format_args!(r#","Err":{}"#, quoted(err)));
    }
    if task.state >= State::Starting {
        let (container, exit) = (container(task), task.exit);
        let pid = if task.state == State::Running { task.id.number(9) % 30_000 + 100 } else { 0 };
        put(
            out,
            format_args!(
                r#","ContainerStatus":{{"ContainerID":"{container}","PID":{pid},"ExitCode":{exit}}}"#
            ),
        );
    }
    put(out, format_args!(r#","PortStatus":{{}}}},"DesiredState":"{}""#, task.desired.word()));
    if let Some(index) = task.iteration {
        put(out, format_args!(r#","JobIteration":{}"#, iteration(index)));
    }
    out.push('}');
}

/// Returns the ID of a task's container; empty if none was made.
pub(crate) fn container(task: &Task) -> String {
    let starting = task.state == State::Starting;
    if !task.contained && !starting {
        return String::new();
    }
    (1..=4).map(|part| format!("{:016x}", task.id.number(part))).collect()
}

pub(crate) fn object(out: &mut String, object: &Object, with_data: bool) {
    head(out, object.id, object.version, object.created, object.updated);
    let spec = if with_data {
        use base64::Engine as _;
        let mut spec = (*object.spec).clone();
        spec["Data"] = json!(base64::engine::general_purpose::STANDARD.encode(&object.data));
        spec.to_string()
    } else {
        object.spec.to_string()
    };
    put(out, format_args!(r#","Spec":{spec}}}"#));
}

/// What all nodes trust; the docker command line compares it with the cluster's.
pub(crate) fn tls() -> Value {
    json!({
        "TrustRoot": "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n",
        "CertIssuerSubject": "MBMxETAPBgNVBAMTCHN3YXJtLWNh",
        "CertIssuerPublicKey": "c2ltdWxhdGVk",
    })
}

pub(crate) fn node(out: &mut String, model: &Model, node: &Node) {
    head(out, node.id, node.version, node.created, node.updated);
    let mut engine = json!({ "EngineVersion": node.engine });
    if !node.engine_labels.is_empty() {
        engine["Labels"] = json!(node.engine_labels);
    }
    engine["Plugins"] = json!([
        { "Type": "Network", "Name": "overlay" }, { "Type": "Volume", "Name": "local" },
    ]);
    let description = json!({
        "Hostname": node.hostname,
        "Platform": { "Architecture": node.architecture, "OS": node.os },
        "Resources": { "NanoCPUs": node.nano_cpus, "MemoryBytes": node.memory_bytes },
        "Engine": engine,
        "TLSInfo": tls(),
    });
    let mut status = json!({ "State": node.state(), "Addr": node.address });
    if node.down {
        status["Message"] = json!("heartbeat failure");
    }
    put(
        out,
        format_args!(r#","Spec":{},"Description":{description},"Status":{status}"#, node.spec),
    );
    if node.role == Role::Manager {
        let reachability = if node.down { "unreachable" } else { "reachable" };
        let mut status = json!({});
        if node.id == model.leader() {
            status["Leader"] = json!(true);
        }
        status["Reachability"] = json!(reachability);
        status["Addr"] = json!(format!("{}:2377", node.address));
        put(out, format_args!(r#","ManagerStatus":{status}"#));
    }
    out.push('}');
}
