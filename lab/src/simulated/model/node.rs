//! Nodes: what they are, what runs on them, and what a change of them sets going.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::Model;
use super::definition::{HostPort, pruned, text_map};
use super::events::{Action, Kind};
use super::id::Id;
use super::leader::{ELECTION_MS, TRANSFER_MS};
use super::object::find;
use super::placement::all_admit;
use super::refusal::Refusal;
use super::task::State;
use crate::simulated::api::render::ENGINE;

/// What a node may do in the swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Worker,
    Manager,
}

impl Role {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Role::Worker => "worker",
            Role::Manager => "manager",
        }
    }
}

/// Whether a node takes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Availability {
    Active,
    Pause,
    Drain,
}

impl Availability {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Availability::Active => "active",
            Availability::Pause => "pause",
            Availability::Drain => "drain",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        [Self::Active, Self::Pause, Self::Drain].into_iter().find(|one| one.word() == word)
    }
}

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: Id,
    pub(crate) version: u64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) spec: Arc<Value>,
    pub(crate) role: Role,
    pub(crate) availability: Availability,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) engine_labels: BTreeMap<String, String>,
    pub(crate) hostname: String,
    pub(crate) address: String,
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) engine: String,
    pub(crate) nano_cpus: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) down: bool,
    /// It is so until its spec is written once: the daemon forgets to say it again.
    pub(crate) accepted: bool,
    /// Tasks that were ever given to it and are still remembered.
    pub(crate) tasks: BTreeSet<Id>,
    /// Of those, the ones that take up room.
    pub(crate) busy: usize,
    pub(crate) nano_cpus_reserved: u64,
    pub(crate) memory_bytes_reserved: u64,
    pub(crate) host_ports: Vec<HostPort>,
}

impl Node {
    /// Returns an active worker like those of the lab.
    pub(crate) fn blank(id: Id, hostname: String, now: i64) -> Self {
        let number = id.number(0);
        let (third, fourth) = (number % 250, number / 250 % 250 + 1);
        Node {
            id,
            version: 0,
            created: now,
            updated: now,
            spec: Arc::new(json!({ "Labels": {}, "Role": "worker", "Availability": "active" })),
            role: Role::Worker,
            availability: Availability::Active,
            labels: BTreeMap::new(),
            engine_labels: BTreeMap::new(),
            hostname,
            address: format!("10.213.{third}.{fourth}"),
            os: "linux".to_owned(),
            architecture: "x86_64".to_owned(),
            engine: ENGINE.to_owned(),
            nano_cpus: 16_000_000_000,
            memory_bytes: 64 << 30,
            down: false,
            accepted: true,
            tasks: BTreeSet::new(),
            busy: 0,
            nano_cpus_reserved: 0,
            memory_bytes_reserved: 0,
            host_ports: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.spec["Name"].as_str().filter(|name| !name.is_empty()).unwrap_or(&self.hostname)
    }

    /// True if tasks on it are to be moved away.
    pub(crate) fn is_lost(&self) -> bool {
        self.down || self.availability == Availability::Drain
    }

    pub(crate) fn state(&self) -> &'static str {
        if self.down { "down" } else { "ready" }
    }

    /// Takes over what the spec says.
    pub(crate) fn set_spec(&mut self, mut spec: Value) -> Result<(), Refusal> {
        pruned(&mut spec);
        let word = |key: &str| spec[key].as_str().unwrap_or_default().to_owned();
        let (role, availability) = (word("Role"), word("Availability"));
        self.role = match role.as_str() {
            "worker" => Role::Worker,
            "manager" => Role::Manager,
            _ => return Err(Refusal::bad(format!("invalid Role: {role:?}"))),
        };
        self.availability = Availability::read(&availability)
            .ok_or_else(|| Refusal::bad(format!("invalid Availability: {availability:?}")))?;
        self.labels = text_map(&spec["Labels"]);
        if !spec["Labels"].is_object() {
            spec["Labels"] = json!({});
        }
        self.spec = Arc::new(spec);
        Ok(())
    }
}

impl Model {
    pub(crate) fn find_node(&self, text: &str) -> Result<Id, Refusal> {
        let named = || {
            // Names first, then host names, as long as only one node has it.
            let mut nodes = self.nodes.values().filter(|n| n.name() == text || n.hostname == text);
            let first = nodes.next()?;
            nodes.next().is_none().then_some(first.id)
        };
        find(&self.nodes, named, "node", text)
    }

    /// Replaces a node's spec, whole.
    pub(crate) fn update_node(&mut self, id: Id, version: u64, spec: Value) -> Result<(), Refusal> {
        let before = &self.nodes[&id];
        let mut after = before.clone();
        after.set_spec(spec)?;
        after.accepted = false;
        if before.version != version {
            return Err(Refusal::out_of_sequence());
        }
        let managers = self.nodes.values().filter(|n| n.role == Role::Manager).count();
        let demoted = before.role == Role::Manager && after.role == Role::Worker;
        if demoted && managers == 1 {
            return Err(Refusal::precondition(
                "attempting to demote the last manager of the swarm",
            ));
        }
        let mut changed = Vec::new();
        if before.availability != after.availability {
            changed.push(("availability.new", after.availability.word().to_owned()));
            changed.push(("availability.old", before.availability.word().to_owned()));
        }
        if before.role != after.role {
            changed.push(("role.new", after.role.word().to_owned()));
            changed.push(("role.old", before.role.word().to_owned()));
        }
        (after.version, after.updated) = (self.write(), self.now);
        let name = after.name().to_owned();
        self.nodes.insert(id, after);
        self.tell(Kind::Node, Action::Update, id, &name, changed);
        self.node_changed(id);
        if demoted && id == self.leader() {
            self.lose_leader(TRANSFER_MS);
        }
        Ok(())
    }

    /// The node is lost, or comes back.
    pub(crate) fn set_node_down(&mut self, id: Id, down: bool) {
        let version = self.write();
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.down != down) else { return };
        let before = node.state();
        (node.down, node.version) = (down, version);
        let (name, after, manager) =
            (node.name().to_owned(), node.state(), node.role == Role::Manager);
        let mut changed = vec![("state.new", after.to_owned()), ("state.old", before.to_owned())];
        if manager {
            let word = |down: bool| if down { "unreachable" } else { "reachable" };
            changed.push(("reachability.new", word(down).to_owned()));
            changed.push(("reachability.old", word(!down).to_owned()));
        }
        self.tell(Kind::Node, Action::Update, id, &name, changed);
        let tasks: Vec<Id> = self.nodes[&id].tasks.iter().copied().collect();
        for task in tasks {
            if !down {
                // Its agent learns what it has missed.
                self.take_up(task);
            }
            if let Some(service) = self.tasks.get(&task).map(|task| task.service) {
                self.count_serving(service);
            }
        }
        self.node_changed(id);
        // The daemon that answers goes on answering, so it is not taken for dead either.
        if down && id == self.leader() && id != self.own_node {
            self.lose_leader(ELECTION_MS);
        }
    }

    pub(crate) fn remove_node(&mut self, id: Id, force: bool) -> Result<(), Refusal> {
        let node = &self.nodes[&id];
        if node.role == Role::Manager {
            return Err(Refusal::precondition(format!(
                "node {id} is a cluster manager and is a member of the raft cluster. It must be \
                 demoted to worker before removal"
            )));
        }
        if !force && !node.down {
            return Err(Refusal::precondition(format!(
                "node {id} is not down and can't be removed"
            )));
        }
        let name = node.name().to_owned();
        let tasks: Vec<Id> = node.tasks.iter().copied().collect();
        self.write();
        // Nobody will hear from its tasks again.
        for task in tasks {
            if self.tasks.get(&task).is_some_and(|t| t.state < State::Complete) {
                self.observe(task, State::Orphaned, "", None);
            }
        }
        self.nodes.remove(&id);
        self.tell(Kind::Node, Action::Remove, id, &name, Vec::new());
        self.reconcile_globals();
        Ok(())
    }

    /// Orchestrator, constraint enforcer and scheduler hear of a change.
    fn node_changed(&mut self, id: Id) {
        let Some(node) = self.nodes.get(&id) else { return };
        let lost = node.is_lost();
        let tasks: Vec<Id> = node.tasks.iter().copied().collect();
        for task in tasks {
            if lost {
                self.start_if_old_is_gone(task);
                self.move_away(task);
            } else {
                self.enforce_constraints(task);
            }
        }
        self.reconcile_globals();
        self.schedule_soon();
    }

    /// A task whose node does not meet its constraints any more is rejected at once.
    fn enforce_constraints(&mut self, id: Id) {
        let Some(task) = self.tasks.get(&id) else { return };
        let Some(node) = task.node.and_then(|node| self.nodes.get(&node)) else { return };
        let live = task.state <= State::Running && !task.is_to_end();
        if live && !all_admit(&task.template.constraints, node) {
            let err = "assigned node no longer meets constraints".to_owned();
            self.observe(id, State::Rejected, "task rejected by constraint enforcer", Some(err));
        }
    }
}
