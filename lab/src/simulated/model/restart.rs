//! The restart supervisor: replaces tasks that ended, as the restart policy says, and holds new
//! tasks back until their time has come and the old one is gone.

use super::Model;
use super::definition::Mode;
use super::id::Id;
use super::node::Availability;
use super::queue::Due;
use super::service::UpdateState;
use super::task::{Slot, State, Task};
use super::template::Condition;

/// An old task that does not stop holds the new one back no longer than this.
const OLD_TASK_MS_MAX: i64 = 60_000;

/// A task that is held back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    old: Option<Id>,
    not_before: i64,
    at_the_latest: i64,
    /// It ended already, and is to be replaced when its time has come.
    again: bool,
}

/// How often a slot was restarted under one spec.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restarts {
    spec_version: u64,
    total: u64,
    /// When, if the policy has a window.
    at: Vec<i64>,
}

impl Model {
    /// A task has ended, with nobody having asked for it.
    pub(crate) fn task_ended(&mut self, id: Id) {
        let Some(task) = self.tasks.get(&id).filter(|task| task.is_wanted()) else { return };
        let (service, state) = (task.service, task.state);
        let Some(mode) = self.services.get(&service).map(|s| s.spec.mode) else { return };
        if mode.is_job() && state == State::Complete {
            self.reconcile_soon(service);
            return;
        }
        self.restart(id);
    }

    /// Shuts a task down and, if its policy says so, puts another one in its place.
    pub(crate) fn restart(&mut self, id: Id) {
        if let Some(start) = self.starts.get_mut(&id) {
            // Wait for its delay, so that a task that can't start is not tried again and again.
            start.again = true;
            return;
        }
        let Some(task) = self.tasks.get(&id).filter(|task| task.is_wanted()).cloned() else {
            return;
        };
        self.desire(id, State::Shutdown);
        let Some(service) = self.services.get(&task.service) else { return };
        let node = task.node.and_then(|node| self.nodes.get(&node));
        let (lost, drained, down) = node.map_or((false, false, false), |node| {
            (node.is_lost(), node.availability == Availability::Drain, node.down)
        });
        let global = service.spec.mode.is_global();
        let stale = task.iteration.is_some_and(|iteration| iteration != service.iteration);
        if stale || (global && lost) || !self.should_restart(&task) {
            return;
        }
        let Some(new) = self.create_task(task.service, task.slot, State::Ready) else { return };
        self.note_restart(new);
        let delay = if drained { 0 } else { task.template.restart.delay_ms };
        let gone = down || task.state > State::Running;
        self.delay_start(new, (!gone).then_some(id), delay);
    }

    /// The node of a task is lost: replicated tasks go elsewhere.
    pub(crate) fn move_away(&mut self, id: Id) {
        let Some(task) = self.tasks.get(&id).filter(|task| task.is_wanted()) else { return };
        if task.state > State::Running {
            return;
        }
        let Some(service) = self.services.get(&task.service) else { return };
        match service.spec.mode {
            Mode::Global => self.desire(id, State::Shutdown),
            Mode::Replicated { .. } => self.restart(id),
            // A job is left to end where it is.
            Mode::ReplicatedJob { .. } | Mode::GlobalJob => {}
        }
    }

    /// True if the policy wants a task in the place of this one.
    pub(crate) fn should_restart(&self, task: &Task) -> bool {
        let policy = task.template.restart;
        let job = task.iteration.is_some();
        match policy.condition {
            Condition::None => return false,
            Condition::OnFailure if task.state == State::Complete => return false,
            Condition::Any if job && task.state == State::Complete => return false,
            _ => {}
        }
        if policy.attempts_max == 0 {
            return true;
        }
        let service = self.services.get(&task.service);
        let Some(past) = service.and_then(|service| service.restarts.get(&task.slot)) else {
            return true;
        };
        if past.spec_version != task.spec_version {
            return true;
        }
        if policy.window_ms == 0 {
            return past.total < policy.attempts_max;
        }
        let lately = past.at.iter().filter(|at| **at > self.now - policy.window_ms).count();
        (lately as u64) < policy.attempts_max
    }

    fn note_restart(&mut self, new: Id) {
        let Some(task) = self.tasks.get(&new) else { return };
        let (slot, spec_version, policy) = (task.slot, task.spec_version, task.template.restart);
        if policy.attempts_max == 0 {
            return;
        }
        let (service, now) = (task.service, self.now);
        let Some(service) = self.services.get_mut(&service) else { return };
        let past = service.restarts.entry(slot).or_default();
        if past.spec_version != spec_version {
            *past = Restarts { spec_version, ..Restarts::default() };
        }
        past.total += 1;
        if policy.window_ms > 0 {
            past.at.retain(|at| *at > now - policy.window_ms);
            past.at.push(now);
        }
    }

    /// Holds a task back for a time, and until the old one has stopped.
    pub(crate) fn delay_start(&mut self, new: Id, old: Option<Id>, delay_ms: i64) {
        let not_before = self.now + delay_ms;
        let at_the_latest = not_before.max(self.now + OLD_TASK_MS_MAX);
        self.starts.insert(new, Start { old, not_before, at_the_latest, again: false });
        if let Some(old) = old {
            self.awaited.insert(old, new);
            self.queue.put(at_the_latest, Due::Start(new));
        }
        if delay_ms > 0 {
            self.queue.put(not_before, Due::Start(new));
        }
        self.start_if_due(new);
    }

    /// A new leader knows no more of tasks that are held back than that they are not to run yet:
    /// their delays are counted from when they were made, and nobody waits for the old ones.
    pub(crate) fn recall_starts(&mut self) {
        self.awaited.clear();
        for (new, Start { again, .. }) in std::mem::take(&mut self.starts) {
            let Some(task) = self.tasks.get(&new).filter(|t| t.desired == State::Ready) else {
                continue;
            };
            let left = task.created + task.template.restart.delay_ms - self.now;
            self.delay_start(new, None, left.max(0));
            match self.starts.get_mut(&new) {
                Some(start) => start.again = again,
                None if again => self.restart(new),
                None => {}
            }
        }
    }

    /// Starts the task that waits for this one, if nothing else holds it back.
    pub(crate) fn start_if_old_is_gone(&mut self, old: Id) {
        if let Some(new) = self.awaited.get(&old).copied() {
            self.start_if_due(new);
        }
    }

    pub(crate) fn start_if_due(&mut self, new: Id) {
        let Some(start) = self.starts.get(&new).copied() else { return };
        let stands = |old: &Task| {
            let node = old.node.and_then(|node| self.nodes.get(&node));
            old.state <= State::Running
                && old.state >= State::Assigned
                && node.is_some_and(|node| !node.down)
        };
        let held = start.old.and_then(|old| self.tasks.get(&old)).is_some_and(stands);
        if self.now < start.not_before || (held && self.now < start.at_the_latest) {
            return;
        }
        self.starts.remove(&new);
        if let Some(old) = start.old {
            self.awaited.remove(&old);
        }
        let Some(task) = self.tasks.get(&new) else { return };
        let (service, ended) = (task.service, task.state > State::Running);
        if task.desired < State::Running {
            let job = task.iteration.is_some();
            self.desire(new, if job { State::Complete } else { State::Running });
        }
        self.rollout_task_released(service, new);
        if start.again && ended {
            self.restart(new);
        }
    }

    /// Returns the tasks of a slot that an update would replace: those that are to run, or else
    /// the last one if it ended for good. A rollback takes no notice of those that ended.
    pub(crate) fn updatable(&self, tasks: &[Id]) -> Vec<Id> {
        let tasks = || tasks.iter().filter_map(|id| self.tasks.get(id));
        let wanted: Vec<Id> = tasks().filter(|task| task.is_wanted()).map(|t| t.id).collect();
        if !wanted.is_empty() {
            return wanted;
        }
        let last = tasks().max_by_key(|task| (task.stamp, task.created));
        let service = last.and_then(|task| self.services.get(&task.service));
        let status = service.and_then(|service| service.status.as_ref());
        if status.is_some_and(|status| status.state == UpdateState::RollbackStarted) {
            return Vec::new();
        }
        last.filter(|task| !self.should_restart(task)).map(|task| task.id).into_iter().collect()
    }

    /// Returns a service's tasks by slot, each oldest first.
    pub(crate) fn slots(&self, service: Id) -> std::collections::BTreeMap<Slot, Vec<Id>> {
        let mut slots = std::collections::BTreeMap::<Slot, Vec<Id>>::new();
        let Some(service) = self.services.get(&service) else { return slots };
        for task in service.tasks.iter().filter_map(|id| self.tasks.get(id)) {
            if task.desired != State::Remove {
                slots.entry(task.slot).or_default().push(task.id);
            }
        }
        slots
    }
}
