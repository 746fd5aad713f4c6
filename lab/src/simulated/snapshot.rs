//! A swarm as a document: Docker's own objects, to practise on what one really has.
//!
//! It holds no value of a secret, a config or an environment variable: `NAME=value` is kept as
//! `NAME`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::render;
use super::model::Model;
use super::model::definition::Definition;
use super::model::id::{Id, Ids};
use super::model::node::{Availability, Node, Role};
use super::model::object::{Object, Sort};
use super::model::settle::Past;
use super::model::task::Slot;
use super::spec::Timings;

/// A swarm as Docker's own objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The format: 1.
    pub version: u32,
    /// When it was taken, RFC 3339.
    pub taken: String,
    /// The API version that was spoken.
    pub api: String,
    /// The engine's version.
    pub engine: String,
    /// `GET /nodes`.
    pub nodes: Vec<Value>,
    /// `GET /services`, without the values of environment variables.
    pub services: Vec<Value>,
    /// `GET /secrets`.
    pub secrets: Vec<Value>,
    /// `GET /configs`, without their data.
    pub configs: Vec<Value>,
    /// `GET /tasks`.
    pub tasks: Vec<Value>,
}

impl Snapshot {
    pub(crate) fn of(model: &Model) -> Self {
        let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_default();
        let each = |write: &dyn Fn(&mut String)| {
            let mut text = String::new();
            write(&mut text);
            let mut value = parsed(text);
            redact(&mut value);
            value
        };
        Snapshot {
            version: 1,
            taken: render::stamp(model.now),
            api: render::API.to_owned(),
            engine: render::ENGINE.to_owned(),
            nodes: model.nodes.values().map(|n| each(&|out| render::node(out, model, n))).collect(),
            services: (model.services.values())
                .map(|s| each(&|out| render::service(out, model, s, render::Extra::default())))
                .collect(),
            secrets: objects(model, Sort::Secret)
                .map(|o| each(&|out| render::object(out, o, false)))
                .collect(),
            configs: objects(model, Sort::Config)
                .map(|o| each(&|out| render::object(out, o, false)))
                .collect(),
            tasks: model.tasks.values().map(|t| each(&|out| render::task(out, t))).collect(),
        }
    }

    /// Builds a swarm from it: services converged, secrets with made-up values.
    pub(crate) fn model(&self, seed: u64) -> Model {
        let now = self.taken.parse::<jiff::Timestamp>().map_or(0, |taken| taken.as_millisecond());
        let mut model = Model::empty(self.salted(seed), now, Timings::default());
        let mut copy = self.clone();
        copy.give_ids(&mut model.ids);
        for node in &copy.nodes {
            add_node(&mut model, node);
        }
        let managers = model.nodes.values().filter(|node| node.role == Role::Manager && !node.down);
        if let Some(own) =
            managers.map(|node| node.id).next().or(model.nodes.keys().next().copied())
        {
            model.own_node = own;
        }
        for (sort, objects) in [(Sort::Secret, &copy.secrets), (Sort::Config, &copy.configs)] {
            for object in objects {
                add_object(&mut model, sort, object);
            }
        }
        for service in &copy.services {
            add_service(&mut model, service);
        }
        let past = copy.past();
        for id in model.services.keys().copied().collect::<Vec<_>>() {
            model.settle(id, past.get(&id).unwrap_or(&BTreeMap::new()));
        }
        model
    }

    /// Returns a seed whose IDs are none of those that the snapshot has: they may have come from
    /// this very seed.
    fn salted(&self, seed: u64) -> u64 {
        let all = [&self.nodes, &self.services, &self.secrets, &self.configs, &self.tasks];
        let ids = all.into_iter().flatten().filter_map(|object| object["ID"].as_str());
        ids.filter_map(Id::parse).fold(seed, |salt, id| id.number(salt))
    }

    /// Puts IDs of the right form in the place of others, wherever they are named.
    fn give_ids(&mut self, ids: &mut Ids) {
        let all = || [&self.nodes, &self.services, &self.secrets, &self.configs, &self.tasks];
        let given: Vec<&str> =
            all().into_iter().flatten().filter_map(|o| o["ID"].as_str()).collect();
        let odd = given.into_iter().filter(|id| Id::parse(id).is_none());
        let new: BTreeMap<String, String> =
            odd.map(|id| (id.to_owned(), ids.id().to_string())).collect();
        if !new.is_empty() {
            let Snapshot { nodes, services, secrets, configs, tasks, .. } = self;
            for object in [nodes, services, secrets, configs, tasks].into_iter().flatten() {
                rename(object, &new);
            }
        }
    }

    /// Returns what the tasks tell of where each service ran.
    fn past(&self) -> BTreeMap<Id, BTreeMap<Slot, Past>> {
        let id = |task: &Value, key: &str| task[key].as_str().and_then(Id::parse);
        let mut past: BTreeMap<Id, BTreeMap<Slot, Past>> = BTreeMap::new();
        for task in &self.tasks {
            let Some(service) = id(task, "ServiceID") else { continue };
            let node = id(task, "NodeID");
            let slot = match (task["Slot"].as_u64(), node) {
                (Some(slot), _) => Slot::Number(slot),
                (None, Some(node)) => Slot::Node(node),
                (None, None) => continue,
            };
            let (state, desired) = (&task["Status"]["State"], &task["DesiredState"]);
            let known = past.entry(service).or_default().entry(slot).or_default();
            if state == "running" && desired == "running" {
                *known = Past { node, complete: false };
            } else if state == "complete" && known.node.is_none() {
                *known = Past { node: None, complete: true };
            }
        }
        past
    }
}

fn objects(model: &Model, sort: Sort) -> impl Iterator<Item = &Object> {
    model.store(sort).all.values()
}

/// Leaves out the values of environment variables.
fn redact(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value.as_array_mut().filter(|_| key == "Env") {
                    Some(lines) => lines.iter_mut().for_each(|line| {
                        let name = line.as_str().map(|l| l.split('=').next().unwrap_or(l));
                        *line = json!(name);
                    }),
                    None => redact(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(redact),
        _ => {}
    }
}

fn rename(value: &mut Value, new: &BTreeMap<String, String>) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| rename(value, new)),
        Value::Array(list) => list.iter_mut().for_each(|value| rename(value, new)),
        Value::String(text) => {
            if let Some(id) = new.get(text) {
                text.clone_from(id);
            }
        }
        _ => {}
    }
}

fn add_node(model: &mut Model, node: &Value) {
    let Some(id) = node["ID"].as_str().and_then(Id::parse) else { return };
    let description = &node["Description"];
    let text = |value: &Value, other: &str| value.as_str().unwrap_or(other).to_owned();
    let number = |value: &Value, other: u64| value.as_u64().unwrap_or(other);
    let blank = Node::blank(id, text(&description["Hostname"], "node"), model.now);
    let mut added = Node {
        version: model.write(),
        engine_labels: super::model::definition::text_map(&description["Engine"]["Labels"]),
        address: text(&node["Status"]["Addr"], &blank.address),
        os: text(&description["Platform"]["OS"], &blank.os),
        architecture: text(&description["Platform"]["Architecture"], &blank.architecture),
        engine: text(&description["Engine"]["EngineVersion"], &blank.engine),
        nano_cpus: number(&description["Resources"]["NanoCPUs"], blank.nano_cpus),
        memory_bytes: number(&description["Resources"]["MemoryBytes"], blank.memory_bytes),
        down: node["Status"]["State"] == "down",
        ..blank
    };
    if let Err(refusal) = added.set_spec(node["Spec"].clone()) {
        tracing::warn!(%id, reason = refusal.message, "a node of the snapshot becomes a worker");
        (added.role, added.availability) = (Role::Worker, Availability::Active);
    }
    model.nodes.insert(id, added);
}

fn add_object(model: &mut Model, sort: Sort, object: &Value) {
    let Some(id) = object["ID"].as_str().and_then(Id::parse) else { return };
    let name = object["Spec"]["Name"].as_str().unwrap_or_default().to_owned();
    let mut spec = object["Spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        spec.shift_remove("Data");
    }
    let (created, updated, version) = (model.now, model.now, model.write());
    let data = format!("made up for {name}").into_bytes().into();
    let (spec, users) = (Arc::new(spec), std::collections::BTreeSet::new());
    model.store_mut(sort).put(Object { id, version, created, updated, name, spec, data, users });
}

fn add_service(model: &mut Model, service: &Value) {
    let Some(id) = service["ID"].as_str().and_then(Id::parse) else { return };
    match Definition::read(service["Spec"].clone()) {
        Ok(spec) => {
            let version = model.write();
            model.put_service(id, version, Arc::new(spec));
            let previous = Definition::read(service["PreviousSpec"].clone()).ok().map(Arc::new);
            if let Some(added) = model.services.get_mut(&id) {
                added.previous = previous;
                added.iteration =
                    service["JobStatus"]["JobIteration"]["Index"].as_u64().unwrap_or(0);
            }
        }
        // Services of plugins have no containers.
        Err(refusal) => {
            tracing::warn!(%id, reason = refusal.message, "a service of the snapshot is left out");
        }
    }
}
