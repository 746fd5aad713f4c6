//! What has to be so at the end of a pass, whatever happened in it.
//!
//! A world is reduced to what people mean by it: services by name with the values that their
//! references lead to, not with the IDs that differ from run to run. Before the first pass that is
//! "all old", after the clean one "all new", and every other pass must end as one of them.

mod outage;
mod removal;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use windlass_lab::simulated::{ServiceNow, TaskNow, World};

pub(crate) use outage::{must_answer, outages};
pub(crate) use removal::hasty;

/// What others add while the run goes on carries this mark; it must still be there afterwards, and
/// is left out of the comparison.
pub(crate) const FOREIGN: &str = "windlass-foreign";

/// A world, reduced to what people mean by it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    services: BTreeMap<String, Value>,
    secrets: BTreeMap<String, Value>,
    configs: BTreeMap<String, Value>,
    nodes: BTreeMap<String, Value>,
}

impl Shape {
    /// Reduces a world.
    pub(crate) fn of(world: &World) -> Self {
        let meanings = meanings(world);
        let ours = |name: &&str| !name.contains(FOREIGN);
        let services = world.services.iter().filter(|s| ours(&s.name.as_str()));
        let secrets = world.secrets.iter().filter(|s| ours(&s.name.as_str()));
        Shape {
            services: services.map(|s| (s.name.clone(), reduced(&s.spec, &meanings))).collect(),
            secrets: secrets.map(|s| (s.name.clone(), object(&s.spec, &s.data))).collect(),
            configs: world
                .configs
                .iter()
                .map(|c| (c.name.clone(), object(&c.spec, &c.data)))
                .collect(),
            nodes: world.nodes.iter().map(|n| (n.name.clone(), n.spec.clone())).collect(),
        }
    }

    /// Returns it without services that somebody else has removed.
    pub(crate) fn without(&self, services: &[&str]) -> Self {
        let mut shape = self.clone();
        shape.services.retain(|name, _| !services.contains(&name.as_str()));
        shape
    }

    /// Returns in words how another world differs from this one.
    pub(crate) fn differences(&self, found: &Shape) -> Vec<String> {
        let kinds = [
            ("service", &self.services, &found.services),
            ("secret", &self.secrets, &found.secrets),
            ("config", &self.configs, &found.configs),
            ("node", &self.nodes, &found.nodes),
        ];
        let mut differences = Vec::new();
        for (kind, wanted, found) in kinds {
            for (name, wanted) in wanted {
                match found.get(name) {
                    None => differences.push(format!("{kind} {name} is missing")),
                    Some(found) if found != wanted => {
                        differences
                            .push(format!("{kind} {name} differs: {}", first(wanted, found)));
                    }
                    Some(_) => {}
                }
            }
            let left = found.keys().filter(|name| !wanted.contains_key(*name));
            differences.extend(left.map(|name| format!("{kind} {name} is left over")));
        }
        differences
    }
}

/// Something that is wrong in a world whatever the run was to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ailment {
    service: String,
    /// It is about what runs, not about what is written.
    runs: bool,
    what: String,
}

/// What was wrong before the run is not held against it.
pub(crate) fn new_ailments(before: &[Ailment], after: Vec<Ailment>) -> Vec<String> {
    let same = |after: &Ailment, before: &Ailment| {
        before.what == after.what || (before.runs && after.runs && before.service == after.service)
    };
    let new = after.into_iter().filter(|after| !before.iter().any(|before| same(after, before)));
    new.map(|ailment| ailment.what).collect()
}

/// Returns what is wrong in a world: references that lead nowhere, services that don't run what
/// they should, foreign changes that were undone.
pub(crate) fn ailments(world: &World, foreign: &BTreeMap<String, usize>) -> Vec<Ailment> {
    let mut ailments = Vec::new();
    let mut add = |service: &str, runs, what| {
        ailments.push(Ailment { service: service.to_owned(), runs, what });
    };
    let secrets: HashMap<&str, &str> =
        world.secrets.iter().map(|s| (s.id.as_str(), s.name.as_str())).collect();
    for service in &world.services {
        let name = &service.name;
        for (id, called) in references(&service.spec) {
            match secrets.get(id.as_str()) {
                None => {
                    add(name, false, format!("{name} refers to {called}, which does not exist"));
                }
                Some(real) if *real != called => {
                    let what = format!("{name} calls the secret {real} by the name {called}");
                    add(name, false, what);
                }
                Some(_) => {}
            }
        }
        for (id, called) in service.previous_spec.as_ref().map(references).unwrap_or_default() {
            if !secrets.contains_key(id.as_str()) {
                let what = format!(
                    "`docker service rollback {name}` would bring back {called}, which does not exist"
                );
                add(name, false, what);
            }
        }
        let paused = service.update_status.as_deref().filter(|s| s.contains("paused"));
        let theirs = paused.is_some() && is_of_others(service);
        if let Some(state) = paused.filter(|_| !theirs) {
            add(name, true, format!("the update of {name} is {state}"));
        }
        let too_few = too_few(world, service).filter(|_| !theirs);
        too_few.into_iter().chain(stale(world, service)).for_each(|what| add(name, true, what));
    }
    for (service, least) in foreign {
        let found = world.services.iter().find(|s| s.name == *service);
        if found.map_or(0, |s| marks(&s.spec)) < *least {
            let what = format!("somebody else's change of {service} was undone");
            add(service, false, what);
        }
    }
    ailments
}

/// Returns how many foreign marks a spec bears.
fn marks(spec: &Value) -> usize {
    spec.to_string().matches(FOREIGN).count()
}

/// True if the last update of a service was somebody else's: what becomes of it is theirs to see.
fn is_of_others(service: &ServiceNow) -> bool {
    marks(&service.spec) > service.previous_spec.as_ref().map_or(0, marks)
}

fn live<'a>(world: &'a World, service: &'a ServiceNow) -> impl Iterator<Item = &'a TaskNow> {
    let of = |task: &&TaskNow| task.service == service.id && task.desired == "running";
    let mode = &service.spec["Mode"];
    let job = mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object();
    world.tasks.iter().filter(of).filter(move |_| !job)
}

/// Returns that a service runs too few tasks, or too many.
fn too_few(world: &World, service: &ServiceNow) -> Option<String> {
    let replicated = &service.spec["Mode"]["Replicated"];
    let restarts = service.spec["TaskTemplate"]["RestartPolicy"]["Condition"].as_str();
    if !replicated.is_object() || restarts.is_some_and(|condition| condition != "any") {
        return None;
    }
    let runs = live(world, service).filter(|t| t.state == "running").count();
    let wanted = replicated["Replicas"].as_u64().unwrap_or(1);
    (runs as u64 != wanted).then(|| format!("{} runs {runs} of {wanted} tasks", service.name))
}

/// Returns the tasks of a service that run with secrets that its spec does not name.
fn stale<'a>(world: &'a World, service: &'a ServiceNow) -> impl Iterator<Item = String> + 'a {
    let wanted = references(&service.spec);
    live(world, service).filter_map(move |task| {
        let (_, stale) = task.secrets.iter().find(|secret| !wanted.contains(secret))?;
        Some(format!("a task of {} still runs with another {stale}", service.name))
    })
}

/// Returns the secrets that a spec refers to, as (ID, name).
pub(crate) fn references(spec: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let refs = spec["TaskTemplate"]["ContainerSpec"]["Secrets"].as_array();
    let refs = refs.into_iter().flatten();
    refs.map(|r| (text(&r["SecretID"]), text(&r["SecretName"]))).collect()
}

fn fingerprint(data: &[u8]) -> String {
    Sha256::digest(data).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Returns what each ID stands for.
fn meanings(world: &World) -> HashMap<&str, String> {
    let secrets = world.secrets.iter().map(|s| (&s.id, &s.name, &s.data));
    let configs = world.configs.iter().map(|c| (&c.id, &c.name, &c.data));
    secrets
        .chain(configs)
        .map(|(id, name, data)| (id.as_str(), format!("{name}={}", fingerprint(data))))
        .collect()
}

fn object(spec: &Value, data: &[u8]) -> Value {
    let mut spec = spec.clone();
    if let Some(labels) = spec["Labels"].as_object_mut() {
        labels.retain(|name, _| !name.starts_with("io.windlass."));
    }
    json!({ "spec": without_empty(&spec), "value": fingerprint(data) })
}

/// Returns the spec with IDs replaced by what they stand for, and without foreign marks.
fn reduced(spec: &Value, meanings: &HashMap<&str, String>) -> Value {
    let mut spec = spec.clone();
    if let Some(task) = spec["TaskTemplate"].as_object_mut() {
        task.remove("ForceUpdate");
    }
    if let Some(Value::Array(env)) = spec.pointer_mut("/TaskTemplate/ContainerSpec/Env") {
        env.retain(|line| !line.as_str().unwrap_or_default().contains(FOREIGN));
    }
    if let Some(labels) = spec["Labels"].as_object_mut() {
        labels.retain(|name, _| !name.contains(FOREIGN) && !name.starts_with("io.windlass."));
    }
    for (list, id) in [("Secrets", "SecretID"), ("Configs", "ConfigID")] {
        let refs = spec.pointer_mut(&format!("/TaskTemplate/ContainerSpec/{list}"));
        for reference in refs.and_then(Value::as_array_mut).into_iter().flatten() {
            let known = reference[id].as_str().and_then(|id| meanings.get(id));
            reference[id] = json!(known.map_or("nothing", String::as_str));
        }
    }
    without_empty(&spec)
}

/// What is empty and what is not there mean the same.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, v)| (name.clone(), without_empty(v)));
            let kept = fields.filter(|(_, v)| !is_empty(v));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_empty).collect()),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Returns the first place where two values differ.
fn first(wanted: &Value, found: &Value) -> String {
    let mut path = String::new();
    let (mut wanted, mut found) = (wanted, found);
    'deeper: loop {
        let pairs: Vec<(String, &Value, &Value)> = match (wanted, found) {
            (Value::Object(a), Value::Object(b)) => {
                let names = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
                names.map(|k| (k.clone(), &wanted[k], &found[k])).collect()
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).enumerate().map(|(i, (a, b))| (i.to_string(), a, b)).collect()
            }
            _ => break,
        };
        for (name, a, b) in pairs {
            if a != b {
                path = format!("{path}.{name}");
                (wanted, found) = (a, b);
                continue 'deeper;
            }
        }
        break;
    }
    format!("{} is {found}, not {wanted}", path.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_by_its_place() {
        let (a, b) = (json!({ "x": [{ "y": 1 }] }), json!({ "x": [{ "y": 2 }] }));
        assert_eq!(first(&a, &b), "x.0.y is 2, not 1");
        assert_eq!(first(&json!({}), &json!({ "z": true })), "z is true, not null");
    }

    #[test]
    fn ids_are_replaced_by_what_they_stand_for_and_foreign_marks_are_left_out() {
        let spec = |id: &str, env: &[&str]| {
            json!({ "Labels": {}, "TaskTemplate": { "ForceUpdate": 3, "ContainerSpec": {
                "Env": env, "Secrets": [{ "SecretID": id, "SecretName": "db" }] } } })
        };
        let (one, two) =
            (HashMap::from([("a", "db=1".to_owned())]), HashMap::from([("b", "db=1".to_owned())]));
        let foreign = format!("X={FOREIGN}");
        assert_eq!(reduced(&spec("a", &[]), &one), reduced(&spec("b", &[&foreign]), &two));
        assert_ne!(reduced(&spec("a", &[]), &one), reduced(&spec("a", &["Y=1"]), &one));
        assert_ne!(reduced(&spec("a", &[]), &one), reduced(&spec("c", &[]), &one));
    }
}
