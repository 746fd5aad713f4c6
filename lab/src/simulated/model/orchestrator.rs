//! The orchestrator: as many tasks as the spec wants, in the right places; what differs from the
//! spec is left to the [`super::rollout`].

use std::collections::{BTreeMap, BTreeSet};

use super::Model;
use super::definition::Mode;
use super::id::Id;
use super::node::Availability;
use super::placement::all_admit;
use super::queue::Due;
use super::service::Service;
use super::task::{Slot, State, Task};

impl Model {
    pub(crate) fn reconcile(&mut self, id: Id) {
        let Some(service) = self.services.get(&id) else { return };
        match service.spec.mode {
            Mode::Replicated { replicas } => self.reconcile_replicated(id, replicas),
            Mode::Global => self.reconcile_global(id),
            Mode::ReplicatedJob { concurrent, completions } => {
                self.reconcile_replicated_job(id, concurrent, completions);
            }
            Mode::GlobalJob => self.reconcile_global_job(id),
        }
    }

    /// Nodes have changed.
    pub(crate) fn reconcile_globals(&mut self) {
        for service in self.globals.iter() {
            self.queue.put(self.now, Due::Reconcile(*service));
        }
    }

    fn reconcile_replicated(&mut self, id: Id, replicas: u64) {
        let slots = self.slots(id);
        let mut live: Vec<(Slot, Vec<Id>)> = Vec::new();
        let mut dead: BTreeMap<Slot, Vec<Id>> = BTreeMap::new();
        for (slot, tasks) in slots {
            let updatable = self.updatable(&tasks);
            if updatable.is_empty() {
                dead.insert(slot, tasks);
            } else {
                live.push((slot, updatable));
            }
        }
        let wanted = usize::try_from(replicas).unwrap_or(usize::MAX);
        if live.len() > wanted {
            self.order_for_removal(&mut live);
            let surplus = live.split_off(wanted);
            for task in surplus.into_iter().flat_map(|(_, tasks)| tasks) {
                self.desire(task, State::Remove);
            }
        }
        let used: BTreeSet<Slot> = live.iter().map(|(slot, _)| *slot).collect();
        self.update_slots(id, live);
        let free = (1..).map(Slot::Number).filter(|slot| !used.contains(slot));
        for slot in free.take(wanted.saturating_sub(used.len())) {
            dead.remove(&slot);
            self.create_task(id, slot, State::Running);
        }
        for task in dead.into_values().flatten() {
            self.desire(task, State::Remove);
        }
    }

    /// Slots to keep come first: those that run, then those on nodes with few of the others.
    fn order_for_removal(&self, slots: &mut [(Slot, Vec<Id>)]) {
        let first =
            |tasks: &[Id]| tasks.iter().filter_map(|id| self.tasks.get(id)).find(|t| t.busy);
        let mut on_node: BTreeMap<Id, u64> = BTreeMap::new();
        let mut rank = BTreeMap::new();
        for (slot, tasks) in slots.iter() {
            let running = first(tasks).is_some_and(|task| task.state == State::Running);
            let siblings = first(tasks).and_then(|task| task.node).map_or(0, |node| {
                let siblings = on_node.entry(node).or_default();
                *siblings += 1;
                *siblings
            });
            rank.insert(*slot, (!running, siblings));
        }
        slots.sort_by_key(|(slot, _)| rank[slot]);
    }

    fn reconcile_global(&mut self, id: Id) {
        let Some(spec) = self.services.get(&id).map(|service| service.spec.clone()) else { return };
        let mut slots = self.slots(id);
        let (mut live, mut missing, mut misplaced) = (Vec::new(), Vec::new(), Vec::new());
        for node in self.nodes.values().filter(|node| !node.is_lost()) {
            let slot = Slot::Node(node.id);
            let tasks = slots.remove(&slot).unwrap_or_default();
            let updatable = self.updatable(&tasks);
            if !all_admit(&spec.template.constraints, node) {
                misplaced.extend(updatable);
            } else if node.availability == Availability::Pause {
                // Neither new tasks nor updates: the old one stays as it is.
            } else if updatable.is_empty() {
                missing.push(slot);
            } else {
                live.push((slot, updatable));
            }
        }
        // What is left is on nodes that are lost.
        let gone: Vec<Id> = slots.into_values().flatten().collect();
        for task in misplaced.into_iter().chain(gone) {
            self.desire(task, State::Shutdown);
        }
        for slot in missing {
            self.create_task(id, slot, State::Running);
        }
        if !live.is_empty() {
            self.update_slots(id, live);
        }
    }

    /// True if the task is not what the spec would make.
    pub(crate) fn is_dirty(&self, service: &Service, task: &Task) -> bool {
        let (want, have) = (&service.spec.template, &task.template);
        if service.spec.endpoint_fingerprint != task.endpoint_fingerprint {
            return true;
        }
        if want.fingerprint == have.fingerprint {
            return false;
        }
        if want.unplaced_fingerprint != have.unplaced_fingerprint {
            return true;
        }
        // Only the constraints differ: a task that is in a good place may stay.
        let node = task.node.and_then(|node| self.nodes.get(&node));
        !node.is_some_and(|node| all_admit(&want.constraints, node))
    }
}
