//! Puts services in that have been there for long: their tasks run, or have done what they should.

use std::collections::BTreeMap;

use super::Model;
use super::definition::Mode;
use super::id::Id;
use super::node::{Availability, Node};
use super::placement::all_admit;
use super::program::Program;
use super::task::{Slot, State};
use super::template::Condition;

/// Where a task was, if that is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Past {
    pub(crate) node: Option<Id>,
    /// It ran to its end, and was not replaced.
    pub(crate) complete: bool,
}

impl Model {
    /// Gives a service the tasks that it would have by now.
    pub(crate) fn settle(&mut self, service: Id, past: &BTreeMap<Slot, Past>) {
        let Some(spec) = self.services.get(&service).map(|service| service.spec.clone()) else {
            return;
        };
        let suits = |node: &&Node| !node.is_lost() && all_admit(&spec.template.constraints, node);
        let active = |node: &&Node| suits(node) && node.availability == Availability::Active;
        let nodes = || self.nodes.values();
        let slots: Vec<Slot> = match spec.mode {
            Mode::Replicated { replicas } => (1..=replicas).map(Slot::Number).collect(),
            Mode::ReplicatedJob { completions, .. } => (0..completions).map(Slot::Number).collect(),
            Mode::Global => nodes().filter(suits).map(|node| Slot::Node(node.id)).collect(),
            Mode::GlobalJob => nodes().filter(active).map(|node| Slot::Node(node.id)).collect(),
        };
        let ends = matches!(spec.template.program, Program::Ends { .. });
        let once = spec.template.restart.condition != Condition::Any;
        for slot in slots {
            let past = past.get(&slot).copied().unwrap_or_default();
            let done = spec.mode.is_job() || (once && (ends || past.complete));
            self.settle_task(service, slot, past.node, done);
        }
    }

    fn settle_task(&mut self, service: Id, slot: Slot, node: Option<Id>, done: bool) {
        let Some(id) = self.create_task(service, slot, State::Running) else { return };
        match (slot, node) {
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
