//! Jobs: services whose tasks are to end. Every update executes them anew.

use std::collections::BTreeSet;

use super::Model;
use super::id::Id;
use super::node::Availability;
use super::placement::all_admit;
use super::task::{Slot, State};

impl Model {
    pub(crate) fn reconcile_replicated_job(&mut self, id: Id, concurrent: u64, completions: u64) {
        let (mut running, mut completed) = (0, 0);
        let mut used = BTreeSet::new();
        for task in self.of_this_execution(id) {
            let Some(task) = self.tasks.get(&task) else { continue };
            if task.state == State::Complete {
                completed += 1;
            } else if task.is_wanted() {
                running += 1;
            } else {
                continue;
            }
            used.insert(task.slot);
        }
        let room = concurrent.saturating_sub(running);
        let missing = completions.saturating_sub(completed + running);
        let free = (0..).map(Slot::Number).filter(|slot| !used.contains(slot));
        for slot in free.take(usize::try_from(room.min(missing)).unwrap_or(0)) {
            self.create_task(id, slot, State::Running);
        }
    }

    pub(crate) fn reconcile_global_job(&mut self, id: Id) {
        let tasks = self.of_this_execution(id);
        let tasks = tasks.iter().filter_map(|task| self.tasks.get(task));
        let had: BTreeSet<Slot> = tasks.map(|task| task.slot).collect();
        let Some(service) = self.services.get(&id) else { return };
        let template = service.spec.template.clone();
        let suits = |node: &&super::node::Node| {
            let ready = !node.down && node.availability == Availability::Active;
            ready && all_admit(&template.constraints, node)
        };
        let nodes: Vec<Id> = self.nodes.values().filter(suits).map(|node| node.id).collect();
        for slot in nodes.into_iter().map(Slot::Node).filter(|slot| !had.contains(slot)) {
            self.create_task(id, slot, State::Running);
        }
    }

    /// Returns the tasks of the execution that counts; those of earlier ones that still run are
    /// given up.
    fn of_this_execution(&mut self, id: Id) -> Vec<Id> {
        let Some(service) = self.services.get(&id) else { return Vec::new() };
        let iteration = Some(service.iteration);
        let tasks = service.tasks.iter().filter_map(|task| self.tasks.get(task));
        let (now, earlier): (Vec<_>, Vec<_>) = tasks.partition(|task| task.iteration == iteration);
        let given_up = earlier.into_iter().filter(|task| task.state <= State::Running);
        let given_up: Vec<Id> = given_up.map(|task| task.id).collect();
        let now = now.into_iter().map(|task| task.id).collect();
        for task in given_up {
            self.desire(task, State::Remove);
        }
        now
    }
}
