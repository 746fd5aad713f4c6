//! Puts services in that have been there for long: their tasks run, have done what they should, or
//! fail as they did.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Model;
use super::definition::Mode;
use super::id::Id;
use super::node::{Availability, Node};
use super::placement::all_admit;
use super::program::Program;
use super::service::UpdateState;
use super::task::{Slot, State};
use super::template::{Condition, Template};

/// How a slot begins, as far as that is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlotStart {
    /// Where its task runs.
    pub(crate) node: Option<Id>,
    /// It is one of those that are wanted.
    pub(crate) live: bool,
    /// Its task ran to its end, and was not replaced.
    pub(crate) complete: bool,
    /// Its tasks fail: they begin anew, and the model makes of them what it can.
    pub(crate) fails: bool,
    /// Its task is made from an earlier spec: this one.
    pub(crate) template: Option<Arc<Template>>,
}

impl Model {
    /// Gives a service the tasks that it would have by now.
    pub(crate) fn settle(&mut self, service: Id, starts: &BTreeMap<Slot, SlotStart>) {
        let Some(spec) = self.services.get(&service).map(|service| service.spec.clone()) else {
            return;
        };
        let suits = |node: &&Node| !node.is_lost() && all_admit(&spec.template.constraints, node);
        let active = |node: &&Node| suits(node) && node.availability == Availability::Active;
        let nodes = || self.nodes.values();
        let slots: Vec<Slot> = match spec.mode {
            Mode::Replicated { replicas } => replicated(replicas, starts),
            Mode::ReplicatedJob { completions, .. } => (0..completions).map(Slot::Number).collect(),
            Mode::Global => nodes().filter(suits).map(|node| Slot::Node(node.id)).collect(),
            Mode::GlobalJob => nodes().filter(active).map(|node| Slot::Node(node.id)).collect(),
        };
        let ends = matches!(spec.template.program, Program::Ends { .. });
        let once = spec.template.restart.condition != Condition::Any;
        for slot in slots {
            let start = starts.get(&slot).cloned().unwrap_or_default();
            let done = spec.mode.is_job() || (once && (ends || start.complete));
            self.settle_slot(service, slot, &start, done);
        }
        let state = self.services.get(&service).and_then(|s| s.status.as_ref()).map(|s| s.state);
        if matches!(state, Some(UpdateState::Updating | UpdateState::RollbackStarted)) {
            self.reconcile_soon(service);
        }
    }

    fn settle_slot(&mut self, service: Id, slot: Slot, start: &SlotStart, done: bool) {
        let Some(id) = self.create_task(service, slot, State::Running) else { return };
        if start.fails && !done {
            return;
        }
        if let (Some(task), Some(template)) = (self.tasks.get_mut(&id), &start.template) {
            task.template = template.clone();
        }
        match (slot, start.node) {
            // Where it was it may stay, even if nothing new would be put there.
            (Slot::Node(node), _) | (_, Some(node)) if self.nodes.contains_key(&node) => {
                self.assign(id, node);
            }
            _ => self.place(id),
        }
        let Some(task) = self.tasks.get_mut(&id).filter(|task| task.node.is_some()) else { return };
        task.contained = true;
        if done {
            let job = task.iteration.is_some();
            task.desired = if job { State::Complete } else { State::Shutdown };
            self.observe(id, State::Complete, "finished", None);
        } else {
            self.observe(id, State::Running, "started", None);
            self.take_up(id);
        }
    }
}

/// Returns the slots that are wanted: those that are known, then the first that are free.
fn replicated(replicas: u64, starts: &BTreeMap<Slot, SlotStart>) -> Vec<Slot> {
    let replicas = usize::try_from(replicas).unwrap_or(usize::MAX);
    let known = starts.iter().filter(|(slot, start)| start.live && matches!(slot, Slot::Number(_)));
    let known: BTreeSet<Slot> = known.map(|(slot, _)| *slot).take(replicas).collect();
    let free = (1..).map(Slot::Number).filter(|slot| !known.contains(slot));
    let free: Vec<Slot> = free.take(replicas - known.len()).collect();
    known.into_iter().chain(free).collect()
}
