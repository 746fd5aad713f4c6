//! The scheduler: gives tasks to nodes. Filters in swarmkit's order, then the node with the fewest
//! tasks of the service, then with the fewest tasks, then the first.

use std::collections::BTreeMap;

use super::Model;
use super::ailment::How;
use super::definition::HostPort;
use super::id::Id;
use super::node::{Availability, Node};
use super::placement::all_admit;
use super::queue::Due;
use super::task::{Slot, State, Task};

/// The scheduler gathers what is new for so long before it looks.
const GATHER_MS: i64 = 50;

/// Why nodes are not suitable, in the order in which it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    NotReady,
    Resources,
    Constraints,
    HostPort,
    ReplicasPerNode,
}

impl Lack {
    const ALL: [Lack; 5] =
        [Lack::NotReady, Lack::Resources, Lack::Constraints, Lack::HostPort, Lack::ReplicasPerNode];

    fn told(self, nodes: usize) -> String {
        let on = if nodes == 1 { "on 1 node".to_owned() } else { format!("on {nodes} nodes") };
        match self {
            Lack::NotReady if nodes == 1 => "1 node not available for new tasks".to_owned(),
            Lack::NotReady => format!("{nodes} nodes not available for new tasks"),
            Lack::Resources => format!("insufficient resources {on}"),
            Lack::Constraints => format!("scheduling constraints not satisfied {on}"),
            Lack::HostPort => format!("host-mode port already in use {on}"),
            Lack::ReplicasPerNode => "max replicas per node limit exceed".to_owned(),
        }
    }
}

/// What a task asks of a node besides what its template says.
struct Wish<'a> {
    task: &'a Task,
    /// How many tasks of its service each node has.
    siblings: &'a BTreeMap<Id, u64>,
}

impl Wish<'_> {
    fn lacks(&self, node: &Node) -> Option<Lack> {
        let template = &self.task.template;
        let siblings = self.siblings.get(&node.id).copied().unwrap_or(0);
        let limit = template.replicas_per_node_max;
        let full = |wanted: u64, reserved: u64, all: u64| wanted > 0 && wanted + reserved > all;
        let busy = |port: &HostPort| node.host_ports.contains(port);
        if node.down || node.availability != Availability::Active {
            Some(Lack::NotReady)
        } else if full(template.nano_cpus, node.nano_cpus_reserved, node.nano_cpus)
            || full(template.memory_bytes, node.memory_bytes_reserved, node.memory_bytes)
        {
            Some(Lack::Resources)
        } else if !all_admit(&template.constraints, node) {
            Some(Lack::Constraints)
        } else if self.task.host_ports.iter().any(busy) {
            Some(Lack::HostPort)
        } else if limit > 0 && siblings >= limit {
            Some(Lack::ReplicasPerNode)
        } else {
            None
        }
    }
}

impl Model {
    /// Lets the scheduler look soon, unless it will anyhow.
    pub(crate) fn schedule_soon(&mut self) {
        if !self.unassigned.is_empty() && !self.scheduling {
            self.scheduling = true;
            self.queue.put(self.now + GATHER_MS, Due::Schedule);
        }
    }

    /// Looks at all tasks without a node.
    pub(crate) fn schedule(&mut self) {
        self.scheduling = false;
        let waiting: Vec<Id> = self.unassigned.iter().copied().collect();
        for id in waiting {
            self.place(id);
        }
    }

    pub(crate) fn place(&mut self, id: Id) {
        let Some(task) = self.tasks.get(&id) else { return };
        if task.is_to_end() {
            self.unassigned.remove(&id);
            return;
        }
        let Some(service) = self.services.get(&task.service) else { return };
        let mut siblings = BTreeMap::new();
        for sibling in service.tasks.iter().filter_map(|id| self.tasks.get(id)) {
            if let Some(node) = sibling.node.filter(|_| sibling.busy && sibling.is_wanted()) {
                *siblings.entry(node).or_default() += 1;
            }
        }
        let wish = Wish { task, siblings: &siblings };
        let chosen = match task.slot {
            _ if let Some(How::Pending { err }) = self.ailing(task) => Err(err.clone()),
            Slot::Node(node) => {
                let node = self.nodes.get(&node).into_iter();
                choose(node, &wish)
            }
            Slot::Number(_) => choose(self.nodes.values(), &wish),
        };
        match chosen {
            Ok(node) => self.assign(id, node),
            Err(why) => {
                let why = Some(why.into_boxed_str());
                if task.state != State::Pending || task.err != why {
                    let (version, now) = (self.write(), self.now);
                    let Some(task) = self.tasks.get_mut(&id) else { return };
                    (task.state, task.message) = (State::Pending, "pending task scheduling");
                    (task.err, task.version) = (why, version);
                    (task.stamp, task.updated) = (now, now);
                }
            }
        }
    }

    pub(crate) fn assign(&mut self, id: Id, node: Id) {
        self.unassigned.remove(&id);
        let Some(task) = self.tasks.get_mut(&id) else { return };
        (task.node, task.busy) = (Some(node), true);
        if let Some(node) = self.nodes.get_mut(&node) {
            node.tasks.insert(id);
            node.busy += 1;
            node.nano_cpus_reserved += task.template.nano_cpus;
            node.memory_bytes_reserved += task.template.memory_bytes;
            node.host_ports.extend(task.host_ports.iter().cloned());
        }
        let message = "scheduler assigned task to node";
        self.observe(id, State::Assigned, message, None);
        self.take_up(id);
    }

    /// The task takes up no room on its node any more.
    pub(crate) fn leave_room(&mut self, id: Id) {
        let Some(task) = self.tasks.get_mut(&id).filter(|task| task.busy) else { return };
        task.busy = false;
        if let Some(node) = task.node.and_then(|node| self.nodes.get_mut(&node)) {
            node.busy -= 1;
            node.nano_cpus_reserved -= task.template.nano_cpus;
            node.memory_bytes_reserved -= task.template.memory_bytes;
            for port in task.host_ports.iter() {
                if let Some(at) = node.host_ports.iter().position(|one| one == port) {
                    node.host_ports.swap_remove(at);
                }
            }
        }
        self.schedule_soon();
    }
}

/// Returns the node to use, or the error that the task shows.
fn choose<'a>(nodes: impl Iterator<Item = &'a Node>, wish: &Wish<'_>) -> Result<Id, String> {
    let mut lacking = [0; Lack::ALL.len()];
    let mut best: Option<(u64, usize, Id)> = None;
    for node in nodes {
        let siblings = wish.siblings.get(&node.id).copied().unwrap_or(0);
        let candidate = (siblings, node.busy, node.id);
        if best.is_some_and(|best| best < candidate) {
            continue;
        }
        match wish.lacks(node) {
            Some(lack) => lacking[lack as usize] += 1,
            None => best = Some(candidate),
        }
    }
    if let Some((_, _, node)) = best {
        return Ok(node);
    }
    let mut why: Vec<(usize, Lack)> = lacking.into_iter().zip(Lack::ALL).collect();
    why.retain(|(nodes, _)| *nodes > 0);
    why.sort_by_key(|(nodes, _)| std::cmp::Reverse(*nodes));
    let why: Vec<String> = why.into_iter().map(|(nodes, lack)| lack.told(nodes)).collect();
    Err(match why.is_empty() {
        true => "no suitable node".to_owned(),
        false => format!("no suitable node ({})", why.join("; ")),
    })
}
