//! The part of a service's spec that its tasks are made from. A task keeps the one it was made
//! from; whether it is dirty is a comparison of fingerprints.

use serde_json::Value;

use super::definition::{fingerprint, milliseconds};
use super::id::Id;
use super::object::Sort;
use super::placement::Constraint;
use super::program::Program;
use super::refusal::Refusal;

/// When a task that ended is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Any,
    OnFailure,
    None,
}

/// The restart policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Restart {
    pub(crate) condition: Condition,
    pub(crate) delay_ms: i64,
    /// 0 is without end.
    pub(crate) attempts_max: u64,
    pub(crate) window_ms: i64,
}

/// A health check, as far as it decides when a task runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Health {
    pub(crate) interval_ms: i64,
    pub(crate) start_period_ms: i64,
    pub(crate) retries: i64,
    /// The check is one that never passes.
    pub(crate) hopeless: bool,
}

/// A secret or config in a container's spec.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) file: Option<File>,
}

/// Where a secret or config is to be found in the container.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) gid: String,
    pub(crate) mode: u64,
}

/// The part of a spec that tasks are made from.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) text: Box<str>,
    pub(crate) fingerprint: u64,
    /// The same but for the constraints: a change of those alone moves only tasks that must move.
    pub(crate) unplaced_fingerprint: u64,
    pub(crate) image: String,
    pub(crate) program: Program,
    pub(crate) secrets: Vec<Reference>,
    pub(crate) configs: Vec<Reference>,
    pub(crate) restart: Restart,
    pub(crate) constraints: Vec<Constraint>,
    /// 0 is without limit.
    pub(crate) replicas_per_node_max: u64,
    pub(crate) nano_cpus: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) health: Option<Health>,
}

impl Template {
    /// Reads the `TaskTemplate` of a spec that has been filled in.
    pub(crate) fn read(template: &Value) -> Result<Self, Refusal> {
        let container = &template["ContainerSpec"];
        if !container.is_object() {
            return Err(Refusal::bad("mismatched Runtime and *Spec fields"));
        }
        let image = container["Image"].as_str().unwrap_or_default().to_owned();
        if image.is_empty() {
            return Err(Refusal::invalid("ContainerSpec: image reference must be provided"));
        }
        if !is_repository(&image) {
            return Err(Refusal::invalid(format!(
                "ContainerSpec: \"{image}\" is not a valid repository/tag"
            )));
        }
        check_runtime(&template["Runtime"])?;
        check_resources(&template["Resources"])?;
        check_mounts(&container["Mounts"])?;
        check_health(&container["Healthcheck"])?;
        super::expansion::check(container)?;
        let reserved = &template["Resources"]["Reservations"];
        let mut shown = template.clone();
        if let Some(shown) = shown.as_object_mut() {
            // A task does not show its runtime.
            shown.shift_remove("Runtime");
        }
        let mut unplaced = shown.clone();
        if let Some(placement) = unplaced.get_mut("Placement").and_then(Value::as_object_mut) {
            placement.shift_remove("Constraints");
        }
        if unplaced["Placement"].as_object().is_some_and(serde_json::Map::is_empty) {
            unplaced["Placement"] = Value::Null;
        }
        Ok(Template {
            fingerprint: fingerprint(&shown),
            unplaced_fingerprint: fingerprint(&without_null(unplaced)),
            program: Program::read(container),
            secrets: references(Sort::Secret, &container["Secrets"])?,
            configs: references(Sort::Config, &container["Configs"])?,
            restart: restart(&template["RestartPolicy"])?,
            constraints: constraints(&template["Placement"]["Constraints"])?,
            replicas_per_node_max: template["Placement"]["MaxReplicas"].as_u64().unwrap_or(0),
            nano_cpus: reserved["NanoCPUs"].as_u64().unwrap_or(0),
            memory_bytes: reserved["MemoryBytes"].as_u64().unwrap_or(0),
            health: health(&container["Healthcheck"]),
            image,
            text: shown.to_string().into(),
        })
    }

    pub(crate) fn references(&self, sort: Sort) -> &[Reference] {
        match sort {
            Sort::Secret => &self.secrets,
            Sort::Config => &self.configs,
        }
    }
}

/// True if the text can name an image: small letters, digits and `.`, `_`, `-` between slashes,
/// after which a tag or a digest may follow. A registry in front may have any letters.
fn is_repository(image: &str) -> bool {
    let path = image.split('@').next().unwrap_or_default();
    let registry = path.split_once('/').filter(|(host, _)| host.contains(['.', ':']));
    let path = registry.map_or(path, |(_, path)| path);
    let path = path.split(':').next().unwrap_or_default();
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    path.split('/').all(|part| !part.is_empty() && part.bytes().all(inside))
}

fn check_runtime(runtime: &Value) -> Result<(), Refusal> {
    match runtime.as_str().unwrap_or_default() {
        "" | "container" => Ok(()),
        _ => Err(Refusal::bad("unsupported runtime")),
    }
}

fn check_resources(resources: &Value) -> Result<(), Refusal> {
    for part in ["Limits", "Reservations"] {
        let number = |key: &str| resources[part][key].as_i64().filter(|number| *number != 0);
        if let Some(nano) = number("NanoCPUs").filter(|nano| *nano < 1_000_000) {
            let text = format!("invalid cpu value {}: Must be at least 0.001", cpus(nano));
            return Err(Refusal::invalid(text));
        }
        if let Some(bytes) = number("MemoryBytes").filter(|bytes| *bytes < 4 << 20) {
            let text = format!("invalid memory value {bytes}: Must be at least 4MiB");
            return Err(Refusal::invalid(text));
        }
    }
    Ok(())
}

/// Writes billionths as Go writes such a number: `0.0005`, `1e-06`.
fn cpus(nano: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is small")]
    let cpus = nano as f64 / 1e9;
    if cpus.abs() >= 1e-4 {
        return cpus.to_string();
    }
    let text = format!("{cpus:e}");
    let (digits, power) = text.split_once("e-").unwrap_or((&text, "0"));
    format!("{digits}e-{power:0>2}")
}

fn check_health(check: &Value) -> Result<(), Refusal> {
    let refused = |text: String| Err(Refusal::invalid(format!("ContainerSpec: {text}")));
    for key in ["Interval", "Timeout", "StartPeriod"] {
        if check[key].as_i64().is_some_and(|time| time != 0 && time < 1_000_000) {
            return refused(format!("{key} in HealthConfig cannot be less than 1ms"));
        }
    }
    if check["Retries"].as_i64().is_some_and(|retries| retries < 0) {
        return refused("Retries in HealthConfig cannot be negative".to_owned());
    }
    Ok(())
}

fn check_mounts(mounts: &Value) -> Result<(), Refusal> {
    let mut targets = Vec::new();
    for mount in mounts.as_array().into_iter().flatten() {
        let sort = mount["Type"].as_str().unwrap_or_default();
        // 20.10 does not know `cluster`; a swarm that is newer does, and is rehearsed too.
        if !["", "bind", "volume", "tmpfs", "npipe", "cluster"].contains(&sort) {
            return Err(Refusal::bad(format!("invalid MountType: {sort:?}")));
        }
        let target = mount["Target"].as_str().unwrap_or_default();
        if targets.contains(&target) {
            let text = format!("ContainerSpec: duplicate mount point: {target}");
            return Err(Refusal::invalid(text));
        }
        targets.push(target);
    }
    Ok(())
}

fn without_null(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, v| !v.is_null());
    }
    value
}

fn references(sort: Sort, list: &Value) -> Result<Vec<Reference>, Refusal> {
    let (id, name) = match sort {
        Sort::Secret => ("SecretID", "SecretName"),
        Sort::Config => ("ConfigID", "ConfigName"),
    };
    let malformed = || Refusal::invalid(format!("malformed {} reference", sort.word()));
    let mut found: Vec<Reference> = Vec::new();
    for reference in list.as_array().into_iter().flatten() {
        let text = |key: &str| reference[key].as_str().filter(|text| !text.is_empty());
        let (Some(id), Some(name)) = (text(id), text(name)) else { return Err(malformed()) };
        let file = &reference["File"];
        let field = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
        let file = file.is_object().then(|| File {
            name: field("Name"),
            uid: field("UID"),
            gid: field("GID"),
            mode: file["Mode"].as_u64().unwrap_or(0),
        });
        let word = sort.word();
        match &file {
            Some(file) if file.name.is_empty() => {
                return Err(Refusal::invalid(format!(
                    "malformed file {word} reference, invalid target file name provided"
                )));
            }
            None if !reference["Runtime"].is_object() => {
                return Err(Refusal::invalid(format!(
                    "malformed {word} reference, no target provided"
                )));
            }
            _ => {}
        }
        let target = |reference: &Reference| reference.file.as_ref().map(|f| f.name.clone());
        let same = |earlier: &&Reference| {
            target(earlier).is_some() && target(earlier) == file.as_ref().map(|f| f.name.clone())
        };
        if let Some(earlier) = found.iter().find(same) {
            return Err(Refusal::invalid(format!(
                "{} references '{}' and '{name}' have a conflicting target: '{}'",
                sort.word(),
                earlier.name,
                target(earlier).unwrap_or_default()
            )));
        }
        // What can't be an ID refers to nothing, and is refused as such later.
        let id = Id::parse(id).unwrap_or_else(|| super::id::Ids::new(0).id());
        found.push(Reference { id, name: name.to_owned(), file });
    }
    Ok(found)
}

fn restart(policy: &Value) -> Result<Restart, Refusal> {
    let condition = match policy["Condition"].as_str().unwrap_or_default() {
        "" | "any" => Condition::Any,
        "on-failure" => Condition::OnFailure,
        "none" => Condition::None,
        other => return Err(Refusal::bad(format!("invalid RestartCondition: {other:?}"))),
    };
    for (key, word) in [("Delay", "delay"), ("Window", "window")] {
        if policy[key].as_i64().is_some_and(|time| time < 0) {
            let text = format!("TaskSpec: restart-{word} cannot be negative");
            return Err(Refusal::invalid(text));
        }
    }
    Ok(Restart {
        condition,
        delay_ms: milliseconds(&policy["Delay"]).unwrap_or(5_000),
        attempts_max: policy["MaxAttempts"].as_u64().unwrap_or(0),
        window_ms: milliseconds(&policy["Window"]).unwrap_or(0),
    })
}

fn constraints(list: &Value) -> Result<Vec<Constraint>, Refusal> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(|text| Constraint::read(text).map_err(Refusal::unknown)).collect()
}

fn health(check: &Value) -> Option<Health> {
    let words: Vec<&str> = check["Test"].as_array()?.iter().filter_map(Value::as_str).collect();
    let (how, command) = words.split_first()?;
    if *how == "NONE" {
        return None;
    }
    let positive =
        |key: &str, other: i64| milliseconds(&check[key]).filter(|ms| *ms > 0).unwrap_or(other);
    let command = command.join(" ");
    Some(Health {
        interval_ms: positive("Interval", 30_000),
        start_period_ms: positive("StartPeriod", 0),
        retries: check["Retries"].as_i64().filter(|n| *n > 0).unwrap_or(3),
        hopeless: command == "false" || command.strip_prefix("exit ").is_some_and(|n| n != "0"),
    })
}
