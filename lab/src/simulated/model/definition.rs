//! A service's spec, read once: its text as the daemon returns it, and what the model acts on.
//!
//! The text is kept because it is what lists are made of: 10,000 services are written as they are,
//! not put together again. What was posted is kept too, whatever it says; the daemon only fills in
//! a few defaults and leaves out what is empty.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::template::Template;

/// How many tasks a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Replicated { replicas: u64 },
    Global,
    ReplicatedJob { concurrent: u64, completions: u64 },
    GlobalJob,
}

impl Mode {
    pub(crate) fn is_job(self) -> bool {
        matches!(self, Mode::ReplicatedJob { .. } | Mode::GlobalJob)
    }

    pub(crate) fn is_global(self) -> bool {
        matches!(self, Mode::Global | Mode::GlobalJob)
    }

    /// The word that the daemon's filter knows it by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Mode::Replicated { .. } => "replicated",
            Mode::Global => "global",
            Mode::ReplicatedJob { .. } => "replicated-job",
            Mode::GlobalJob => "global-job",
        }
    }
}

/// What happens when a task of an update fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureAction {
    Pause,
    Continue,
    Rollback,
}

/// How tasks are replaced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UpdateConfig {
    /// 0 is all at once.
    pub(crate) parallelism: usize,
    pub(crate) delay_ms: i64,
    pub(crate) monitor_ms: i64,
    pub(crate) failure_ratio_max: f64,
    pub(crate) action: FailureAction,
    pub(crate) start_first: bool,
}

/// A published port that belongs to the node on which the task runs.
pub(crate) type HostPort = (u64, String);

/// A service's spec.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) text: Box<str>,
    /// The same for specs that say the same.
    pub(crate) fingerprint: u64,
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) mode: Mode,
    pub(crate) template: Arc<Template>,
    pub(crate) update: UpdateConfig,
    pub(crate) rollback: UpdateConfig,
    /// `EndpointSpec` as text, `{}` without ports: what the service's endpoint shows.
    pub(crate) endpoint: Box<str>,
    pub(crate) endpoint_fingerprint: u64,
    pub(crate) host_ports: Arc<[HostPort]>,
    pub(crate) ingress_ports: Vec<HostPort>,
    /// The networks by ID, as far as they are known.
    pub(crate) networks: Vec<String>,
}

impl Definition {
    /// Reads a spec.
    pub(crate) fn read(mut spec: Value) -> Result<Self, Refusal> {
        pruned(&mut spec);
        fill(&mut spec);
        let name = spec["Name"].as_str().unwrap_or_default().to_owned();
        check_name(&name)?;
        let template = Arc::new(Template::read(&spec["TaskTemplate"])?);
        let mode = mode(&spec["Mode"])?;
        if mode.is_job() && spec["UpdateConfig"].is_object() {
            return Err(Refusal::invalid("Jobs may not have an update config"));
        }
        let ports = |sort: &str| -> Vec<HostPort> {
            let ports = spec["EndpointSpec"]["Ports"].as_array().into_iter().flatten();
            let ports = ports.filter(|p| p["PublishMode"] == sort);
            let port = |p: &Value| {
                let protocol = p["Protocol"].as_str().unwrap_or("tcp").to_owned();
                Some((p["PublishedPort"].as_u64().filter(|port| *port > 0)?, protocol))
            };
            ports.filter_map(port).collect()
        };
        let (host_ports, ingress_ports) = (ports("host"), ports("ingress"));
        let endpoint = &spec["EndpointSpec"];
        check_endpoint(endpoint)?;
        let all: Vec<&HostPort> = host_ports.iter().chain(&ingress_ports).collect();
        if all.iter().enumerate().any(|(i, port)| all[..i].contains(port)) {
            return Err(Refusal::invalid("EndpointSpec: duplicate published ports provided"));
        }
        // Without ports nothing is allocated, and nothing shown.
        let published = endpoint["Ports"].is_array();
        let networks = [&spec["TaskTemplate"]["Networks"], &spec["Networks"]];
        let networks = networks.into_iter().filter_map(Value::as_array).flatten();
        let networks = networks.filter_map(|n| n["Target"].as_str().map(str::to_owned)).collect();
        Ok(Definition {
            fingerprint: fingerprint(&spec),
            labels: text_map(&spec["Labels"]),
            mode,
            template,
            update: update_config(&spec["UpdateConfig"])?,
            rollback: update_config(&spec["RollbackConfig"])?,
            endpoint: if published { endpoint.to_string().into() } else { "{}".into() },
            endpoint_fingerprint: fingerprint(endpoint),
            host_ports: host_ports.into(),
            ingress_ports,
            networks,
            name,
            text: spec.to_string().into(),
        })
    }

    /// Returns the spec as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Puts in what the daemon puts in.
fn fill(spec: &mut Value) {
    let default = |object: &mut Value, key: &str, value: Value| {
        if let Some(object) = object.as_object_mut() {
            object.entry(key).or_insert(value);
        }
    };
    if !spec["Labels"].is_object() {
        spec["Labels"] = json!({});
    }
    for config in ["UpdateConfig", "RollbackConfig"] {
        if let Some(config) = spec.get_mut(config) {
            default(config, "Parallelism", json!(0));
            default(config, "FailureAction", json!("pause"));
            default(config, "MaxFailureRatio", json!(0));
            default(config, "Order", json!("stop-first"));
        }
    }
    let template = &mut spec["TaskTemplate"];
    if let Some(container) = template.get_mut("ContainerSpec") {
        if let Some(container) = container.as_object_mut() {
            container
                .retain(|key, value| *value != "" && !(key == "Labels" && *value == json!({})));
        }
        default(container, "Isolation", json!("default"));
    }
    if let Some(restart) = template.get_mut("RestartPolicy") {
        default(restart, "Condition", json!("any"));
        default(restart, "MaxAttempts", json!(0));
    }
    default(template, "ForceUpdate", json!(0));
    default(template, "Runtime", json!("container"));
    default(spec, "Mode", json!({ "Replicated": {} }));
    if let Some(mode) = spec["Mode"].as_object_mut() {
        if let Some(replicated) = mode.get_mut("Replicated") {
            default(replicated, "Replicas", json!(1));
        }
        if let Some(job) = mode.get_mut("ReplicatedJob") {
            default(job, "MaxConcurrent", json!(1));
            let concurrent = job["MaxConcurrent"].clone();
            default(job, "TotalCompletions", concurrent);
        }
    }
    if let Some(endpoint) = spec.get_mut("EndpointSpec").filter(|e| e.is_object()) {
        default(endpoint, "Mode", json!("vip"));
        for port in endpoint.get_mut("Ports").and_then(Value::as_array_mut).into_iter().flatten() {
            default(port, "Protocol", json!("tcp"));
            default(port, "PublishMode", json!("ingress"));
        }
    }
}

/// Leaves out what is null or an empty list, and writes whole numbers as such: a value that went
/// to the daemon and back looks like that.
pub(crate) fn pruned(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(pruned);
            map.retain(|_, v| !v.is_null() && v.as_array().is_none_or(|list| !list.is_empty()));
        }
        Value::Array(list) => list.iter_mut().for_each(pruned),
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            if float.fract() == 0.0 && float.abs() < 9e15 {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
                let whole = float as i64;
                *value = json!(whole);
            }
        }
        _ => {}
    }
}

/// Returns a number that is the same for values that say the same, in whatever order.
pub(crate) fn fingerprint(value: &Value) -> u64 {
    fn feed(value: &Value, hasher: &mut DefaultHasher) {
        match value {
            Value::Object(map) => {
                let sorted: BTreeMap<&String, &Value> = map.iter().collect();
                (0u8, sorted.len()).hash(hasher);
                for (key, value) in sorted {
                    key.hash(hasher);
                    feed(value, hasher);
                }
            }
            Value::Array(list) => {
                (1u8, list.len()).hash(hasher);
                list.iter().for_each(|value| feed(value, hasher));
            }
            other => (2u8, other.to_string()).hash(hasher),
        }
    }
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

/// Returns a JSON object of texts.
pub(crate) fn text_map(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

fn mode(mode: &Value) -> Result<Mode, Refusal> {
    let number = |value: &Value| value.as_u64().unwrap_or(1);
    let empty = Map::new();
    if mode.as_object().is_some_and(|modes| modes.len() > 1) {
        return Err(Refusal::bad("must specify only one service mode"));
    }
    let (word, of) = mode
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .next()
        .map_or(("", &Value::Null), |(word, of)| (word.as_str(), of));
    match word {
        "Replicated" => Ok(Mode::Replicated { replicas: number(&of["Replicas"]) }),
        "Global" => Ok(Mode::Global),
        "ReplicatedJob" => Ok(Mode::ReplicatedJob {
            concurrent: number(&of["MaxConcurrent"]),
            completions: number(&of["TotalCompletions"]),
        }),
        "GlobalJob" => Ok(Mode::GlobalJob),
        _ => Err(Refusal::invalid("must specify one of replicated or global mode")),
    }
}

fn update_config(config: &Value) -> Result<UpdateConfig, Refusal> {
    let action = config["FailureAction"].as_str().unwrap_or_default();
    let order = config["Order"].as_str().unwrap_or_default();
    for (key, word) in [("Delay", "delay"), ("Monitor", "monitor")] {
        if config[key].as_i64().is_some_and(|time| time < 0) {
            let text = format!("TaskSpec: update-{word} cannot be negative");
            return Err(Refusal::invalid(text));
        }
    }
    if config["MaxFailureRatio"].as_f64().is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
        return Err(Refusal::invalid(
            "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1",
        ));
    }
    Ok(UpdateConfig {
        // Without a config one at a time; with one that leaves it out, all at once.
        parallelism: match config {
            Value::Object(_) => {
                usize::try_from(config["Parallelism"].as_u64().unwrap_or(0)).unwrap_or(0)
            }
            _ => 1,
        },
        delay_ms: milliseconds(&config["Delay"]).unwrap_or(0),
        monitor_ms: milliseconds(&config["Monitor"]).filter(|ms| *ms > 0).unwrap_or(5_000),
        failure_ratio_max: config["MaxFailureRatio"].as_f64().unwrap_or(0.0),
        action: match action {
            "" | "pause" => FailureAction::Pause,
            "continue" => FailureAction::Continue,
            "rollback" => FailureAction::Rollback,
            other => {
                return Err(Refusal::bad(format!("unrecognized update failure action {other}")));
            }
        },
        start_first: match order {
            "" | "stop-first" => false,
            "start-first" => true,
            other => return Err(Refusal::bad(format!("unrecognized update order {other}"))),
        },
    })
}

/// Durations come in nanoseconds.
pub(crate) fn milliseconds(value: &Value) -> Option<i64> {
    Some(value.as_i64()? / 1_000_000)
}

fn check_endpoint(endpoint: &Value) -> Result<(), Refusal> {
    match endpoint["Mode"].as_str().unwrap_or_default() {
        "" | "vip" => Ok(()),
        "dnsrr" => {
            let mut ports = endpoint["Ports"].as_array().into_iter().flatten();
            if ports.any(|port| port["PublishMode"] != "host") {
                return Err(Refusal::invalid(
                    "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
                ));
            }
            Ok(())
        }
        other => Err(Refusal::bad(format!("invalid resolution mode: {other:?}"))),
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::invalid("name must be provided"));
    }
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let edge = |c: char| c.is_ascii_alphanumeric();
    if !name.chars().all(inside) || !name.starts_with(edge) || !name.ends_with(edge) {
        return Err(Refusal::invalid("name must be valid as a DNS name component"));
    }
    if name.len() > 63 {
        return Err(Refusal::invalid("name must be 63 characters or fewer"));
    }
    Ok(())
}
