//! Builds a swarm from a snapshot: as it was, as far as the model can play it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Snapshot;
use super::past::{self, Past, SlotPast};
use super::readable::readable;
use crate::simulated::model::Model;
use crate::simulated::model::ailment::{Ailment, makings};
use crate::simulated::model::definition::{Definition, text_map};
use crate::simulated::model::id::{Id, Ids};
use crate::simulated::model::network::Network;
use crate::simulated::model::node::{Availability, Node, Role};
use crate::simulated::model::object::{Object, Sort};
use crate::simulated::model::service::{UpdateState, UpdateStatus};
use crate::simulated::model::settle::SlotStart;
use crate::simulated::model::template::Template;
use crate::simulated::spec::Timings;

/// A model, and what of the snapshot it does not play.
pub(crate) struct Built {
    pub(crate) model: Model,
    pub(crate) not_played: Vec<String>,
}

impl Snapshot {
    /// Builds a swarm from it: services as they were, secrets with made-up values.
    pub(crate) fn build(&self, seed: u64) -> Built {
        let now = moment(&json!(self.taken)).unwrap_or(0);
        let mut model = Model::empty(self.salted(seed), now, Timings::default());
        let mut copy = self.clone();
        copy.give_ids(&mut model.ids);
        let mut building = Building { model, not_played: self.unplayed() };
        building.nodes(&copy.nodes);
        for (sort, objects) in [(Sort::Secret, &copy.secrets), (Sort::Config, &copy.configs)] {
            objects.iter().for_each(|object| building.object(sort, object));
        }
        building.networks(&copy.networks);
        let mut told = past::told(&copy.tasks);
        for service in &copy.services {
            let id = service["ID"].as_str().and_then(Id::parse);
            let past = id.and_then(|id| told.remove(&id)).unwrap_or_default();
            building.service(service, past, now);
        }
        let Building { model, not_played } = building;
        Built { model, not_played }
    }

    fn lists(&self) -> [&Vec<Value>; 6] {
        let Snapshot { nodes, services, secrets, configs, networks, tasks, .. } = self;
        [nodes, services, secrets, configs, networks, tasks]
    }

    /// Returns a seed whose IDs are none of those that the snapshot has: they may have come from
    /// this very seed.
    fn salted(&self, seed: u64) -> u64 {
        let ids = self.lists().into_iter().flatten().filter_map(id_text);
        ids.filter_map(Id::parse).fold(seed, |salt, id| id.number(salt))
    }

    /// Puts IDs of the right form in the place of others, wherever they are named.
    fn give_ids(&mut self, ids: &mut Ids) {
        let given = self.lists().into_iter().flatten().filter_map(id_text);
        let odd = given.filter(|id| Id::parse(id).is_none());
        let new: BTreeMap<String, String> =
            odd.map(|id| (id.to_owned(), ids.id().to_string())).collect();
        if !new.is_empty() {
            let Snapshot { nodes, services, secrets, configs, networks, tasks, .. } = self;
            let lists = [nodes, services, secrets, configs, networks, tasks];
            lists.into_iter().flatten().for_each(|object| rename(object, &new));
        }
    }
}

/// The ID of an object; networks write it in another way.
fn id_text(object: &Value) -> Option<&str> {
    object["ID"].as_str().or_else(|| object["Id"].as_str())
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

struct Building {
    model: Model,
    not_played: Vec<String>,
}

impl Building {
    fn nodes(&mut self, nodes: &[Value]) {
        nodes.iter().for_each(|node| self.node(node));
        let model = &mut self.model;
        let managers = model.nodes.values().filter(|node| node.role == Role::Manager && !node.down);
        let own = managers.map(|node| node.id).next().or(model.nodes.keys().next().copied());
        if let Some(own) = own {
            model.own_node = own;
        }
    }

    fn node(&mut self, node: &Value) {
        let Some(id) = node["ID"].as_str().and_then(Id::parse) else { return };
        let description = &node["Description"];
        let text = |value: &Value, other: &str| value.as_str().unwrap_or(other).to_owned();
        let number = |value: &Value, other: u64| value.as_u64().unwrap_or(other);
        let blank = Node::blank(id, text(&description["Hostname"], "node"), self.model.now);
        let mut added = Node {
            version: self.model.write(),
            engine_labels: text_map(&description["Engine"]["Labels"]),
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
            self.not_played.push(format!(
                "the role and availability of node {}: it is taken for an active worker ({})",
                added.hostname, refusal.message
            ));
            (added.role, added.availability) = (Role::Worker, Availability::Active);
        }
        self.model.nodes.insert(id, added);
    }

    fn object(&mut self, sort: Sort, object: &Value) {
        let Some(id) = object["ID"].as_str().and_then(Id::parse) else { return };
        let name = object["Spec"]["Name"].as_str().unwrap_or_default().to_owned();
        let mut spec = object["Spec"].clone();
        if let Some(spec) = spec.as_object_mut() {
            spec.shift_remove("Data");
        }
        let model = &mut self.model;
        let (created, updated, version) = (model.now, model.now, model.write());
        let data = format!("made up for {name}").into_bytes().into();
        let (spec, users) = (Arc::new(spec), std::collections::BTreeSet::new());
        let object = Object { id, version, created, updated, name, spec, data, users };
        model.store_mut(sort).put(object);
    }

    fn networks(&mut self, networks: &[Value]) {
        if networks.iter().any(|network| network["Ingress"] == true) {
            self.model.networks.retain(|_, network| !network.ingress);
        }
        for network in networks {
            let Some(id) = network["Id"].as_str().and_then(Id::parse) else { continue };
            self.network(id, network.clone());
        }
    }

    fn network(&mut self, id: Id, spec: Value) {
        let model = &mut self.model;
        let name = spec["Name"].as_str().unwrap_or(id.as_str()).to_owned();
        let ingress = spec["Ingress"] == true;
        let (created, number) = (model.now, model.networks.len() + usize::from(!ingress));
        let network = Network { id, created, number, name, spec, ingress };
        model.networks.insert(id, network);
    }

    fn service(&mut self, service: &Value, mut past: Past<'_>, taken: i64) {
        let Some(id) = service["ID"].as_str().and_then(Id::parse) else { return };
        let name = service["Spec"]["Name"].as_str().unwrap_or_default();
        let mut asked = service["Spec"].clone();
        self.find_networks(&mut asked);
        let spec = match readable(&asked) {
            Ok(readable) => {
                let told = readable.left_out.into_iter().map(|(part, why)| {
                    let part = part.trim_start_matches('/').replace('/', ".");
                    format!("{part} of service {name}: {why}")
                });
                self.not_played.extend(told);
                Arc::new(readable.spec)
            }
            // Those of plugins have no containers, and have been named.
            Err(_) if service["Spec"]["TaskTemplate"]["ContainerSpec"].is_null() => return,
            Err(why) => {
                self.not_played.push(format!("service {name}, which is left out: {why}"));
                return;
            }
        };
        self.find_objects(&spec, name);
        let model = &mut self.model;
        let version = model.write();
        model.put_service(id, version, spec.clone());
        past.diagnose(service, taken);
        let ill = past.ails.is_some();
        let start = |past: &SlotPast<'_>| SlotStart {
            node: past.node(),
            live: past.is_live(),
            complete: past.is_complete(),
            fails: ill && !past.runs(),
            template: past.stale().and_then(|task| template(task, service)),
        };
        let starts = past.slots.iter().map(|(slot, past)| (*slot, start(past))).collect();
        if let Some((place, how)) = past.ails {
            let makings = makings(&spec.template);
            model.ailments.insert(id, Ailment { makings, place, how });
        }
        if let Some(added) = model.services.get_mut(&id) {
            let previous = readable(&service["PreviousSpec"]).ok();
            added.previous = previous.map(|readable| Arc::new(readable.spec));
            added.iteration = service["JobStatus"]["JobIteration"]["Index"].as_u64().unwrap_or(0);
            added.status = status(&service["UpdateStatus"]);
        }
        model.settle(id, &starts);
    }

    /// Makes up the networks that a service is attached to and no list has: one was removed while
    /// the swarm was read, the file is of format 1, or it is one of those that the daemon hides.
    fn find_networks(&mut self, spec: &mut Value) {
        for list in ["/TaskTemplate/Networks", "/Networks"] {
            let list = spec.pointer(list).and_then(Value::as_array).cloned();
            for network in list.into_iter().flatten() {
                let target = network["Target"].as_str().unwrap_or_default();
                let hidden = ["host", "bridge", "none"].contains(&target);
                if network.is_object() && !hidden && self.model.find_network(target).is_err() {
                    let id = Id::parse(target).unwrap_or_else(|| self.model.ids.id());
                    self.network(id, json!({ "Name": target }));
                }
            }
        }
        // All are there now.
        if let Err(refusal) = self.model.resolve_networks(spec) {
            tracing::warn!(reason = refusal.message, "a network of the snapshot is not found");
        }
    }

    /// Makes up secrets and configs that a service refers to and no list has.
    fn find_objects(&mut self, spec: &Definition, service: &str) {
        for sort in [Sort::Secret, Sort::Config] {
            for reference in spec.template.references(sort) {
                if self.model.store(sort).all.contains_key(&reference.id) {
                    continue;
                }
                let (word, name) = (sort.word(), &reference.name);
                self.not_played.push(format!(
                    "the {word} {name} of service {service}, which is not in the list of {word}s: \
                     one is made up"
                ));
                let id = reference.id.as_str();
                self.object(sort, &json!({ "ID": id, "Spec": { "Name": name, "Labels": {} } }));
            }
        }
    }
}

/// Returns the template of a task that was made from an earlier spec.
fn template(task: &Value, service: &Value) -> Option<Arc<Template>> {
    let mut spec = service["Spec"].clone();
    spec["TaskTemplate"] = task.clone();
    Some(readable(&spec).ok()?.spec.template)
}

fn status(status: &Value) -> Option<UpdateStatus> {
    let state = UpdateState::read(status["State"].as_str()?)?;
    let message = status["Message"].as_str().unwrap_or_default().to_owned();
    let (started, completed) = (moment(&status["StartedAt"]), moment(&status["CompletedAt"]));
    Some(UpdateStatus { state, started, completed, message })
}

fn moment(time: &Value) -> Option<i64> {
    let time = time.as_str()?.parse::<jiff::Timestamp>().ok()?;
    Some(time.as_millisecond())
}
