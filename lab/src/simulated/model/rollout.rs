//! Replaces the tasks that differ from the spec: swarmkit's updater, as a state machine.
//!
//! So many workers as the parallelism says each take a slot, replace its task, wait until the new
//! one has reached `running` or ended, wait for the delay, and take the next. There is no limit of
//! time. When all slots are done, failures are watched for the monitor time once more.
//!
//! A task counts as failed if it ends before it ran, or within the monitor time after. If more
//! than the ratio fail: pause; roll back; or, with `continue`, nobody looks. A rollback that fails
//! is paused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Model;
use super::definition::{FailureAction, UpdateConfig};
use super::id::Id;
use super::queue::Due;
use super::service::{UpdateState, UpdateStatus};
use super::task::{Slot, State};

/// A rollout that is under way.
#[derive(Debug, Clone)]
pub(crate) struct Rollout {
    /// Which one: entries of an earlier one in the queue mean nothing to it.
    number: u64,
    /// The spec that it works towards.
    fingerprint: u64,
    config: UpdateConfig,
    rolling_back: bool,
    left: VecDeque<Slot>,
    slots: usize,
    workers: usize,
    busy: Vec<Worker>,
    /// Tasks made by this rollout, and since when they run.
    made: BTreeMap<Id, Option<i64>>,
    failed: BTreeSet<Id>,
    /// No more slots are taken.
    stopped: bool,
    watch_until: Option<i64>,
}

#[derive(Debug, Clone)]
enum Worker {
    /// Waits until the task runs or has ended; then, with start-first, the old ones go.
    Waits { task: Id, old: Vec<Id> },
    /// Waits until the task is let go of; it need not run.
    Released { task: Id },
    /// Rests between two slots.
    Rests { until: i64 },
}

impl Model {
    /// Brings slots up to date. One at work towards the same spec goes on; any other is dropped.
    pub(crate) fn update_slots(&mut self, id: Id, slots: Vec<(Slot, Vec<Id>)>) {
        let Some(service) = self.services.get(&id) else { return };
        let spec = service.spec.clone();
        if service.rollout.as_ref().is_some_and(|r| r.fingerprint == spec.fingerprint) {
            return;
        }
        let state = service.status.as_ref().map(|status| status.state);
        let dirty = slots.iter().filter(|(_, tasks)| self.is_slot_dirty(id, tasks));
        let left: VecDeque<Slot> = dirty.map(|(slot, _)| *slot).collect();
        if let Some(service) = self.services.get_mut(&id) {
            service.rollout = None;
        }
        match state {
            Some(UpdateState::Paused | UpdateState::RollbackPaused) => return,
            Some(UpdateState::Updating | UpdateState::RollbackStarted) if left.is_empty() => {
                self.complete_update(id);
                return;
            }
            _ if left.is_empty() => return,
            None => self.set_status(
                id,
                UpdateStatus {
                    state: UpdateState::Updating,
                    started: Some(self.now),
                    completed: None,
                    message: "update in progress".to_owned(),
                },
            ),
            _ => {}
        }
        let rolling_back = state == Some(UpdateState::RollbackStarted);
        let config = if rolling_back { spec.rollback } else { spec.update };
        self.rollouts += 1;
        let slots = left.len();
        let rollout = Rollout {
            number: self.rollouts,
            fingerprint: spec.fingerprint,
            config,
            rolling_back,
            left,
            slots,
            workers: if config.parallelism == 0 { slots } else { config.parallelism },
            busy: Vec::new(),
            made: BTreeMap::new(),
            failed: BTreeSet::new(),
            stopped: false,
            watch_until: None,
        };
        if let Some(service) = self.services.get_mut(&id) {
            service.rollout = Some(Box::new(rollout));
        }
        self.roll_on(id);
    }

    fn is_slot_dirty(&self, service: Id, tasks: &[Id]) -> bool {
        let Some(service) = self.services.get(&service) else { return false };
        let task = |id: &Id| self.tasks.get(id);
        tasks.len() > 1 || tasks.first().and_then(task).is_some_and(|t| self.is_dirty(service, t))
    }

    fn rollout(&mut self, service: Id) -> Option<&mut Rollout> {
        self.services.get_mut(&service)?.rollout.as_deref_mut()
    }

    /// Gives slots to idle workers; when all is done, watches, and completes.
    fn roll_on(&mut self, id: Id) {
        let now = self.now;
        loop {
            let Some(rollout) = self.rollout(id) else { return };
            rollout
                .busy
                .retain(|worker| !matches!(worker, Worker::Rests { until } if *until <= now));
            if rollout.stopped || rollout.busy.len() >= rollout.workers {
                break;
            }
            let Some(slot) = rollout.left.pop_front() else { break };
            self.replace(id, slot);
        }
        let Some(rollout) = self.rollout(id) else { return };
        if !rollout.busy.is_empty() {
            return;
        }
        let number = rollout.number;
        match rollout.watch_until {
            _ if rollout.stopped => self.end_rollout(id),
            Some(until) if until <= now => {
                self.end_rollout(id);
                self.complete_update(id);
            }
            Some(_) => {}
            None => {
                let until = now + watch_ms(&rollout.config);
                rollout.watch_until = Some(until);
                self.queue.put(until, Due::Rollout(id, number));
            }
        }
    }

    fn end_rollout(&mut self, id: Id) {
        if let Some(service) = self.services.get_mut(&id) {
            service.rollout = None;
        }
    }

    /// Replaces the task of a slot, or uses one that is already there.
    fn replace(&mut self, id: Id, slot: Slot) {
        let Some(service) = self.services.get(&id) else { return };
        let tasks = service.tasks.iter().filter_map(|task| self.tasks.get(task));
        let tasks: Vec<Id> = tasks.filter(|task| task.slot == slot).map(|task| task.id).collect();
        let mut old = self.updatable(&tasks);
        let clean = |id: &&Id| {
            self.tasks.get(id).is_some_and(|t| t.is_wanted() && !self.is_dirty(service, t))
        };
        let runs = |id: &&Id| self.tasks.get(id).is_some_and(|t| t.desired >= State::Running);
        // Swarm takes the first in its own order, which is by ID: any of them may be kept.
        old.sort_unstable();
        let existing = old.iter().filter(clean).find(runs).or_else(|| old.iter().rfind(clean));
        let Some(start_first) = service.rollout.as_ref().map(|r| r.config.start_first) else {
            return;
        };
        if let Some(existing) = existing.copied() {
            old.retain(|task| *task != existing);
            let removed = self.remove_old(&old);
            let waits = self.tasks.get(&existing).is_some_and(|t| t.desired < State::Running);
            if waits {
                self.work(id, Worker::Released { task: existing });
                self.hurry(existing, removed);
            } else {
                self.rest(id);
            }
            return;
        }
        if old.is_empty() {
            // Somebody removed it meanwhile.
            self.rest(id);
            return;
        }
        let Some(new) = self.create_task(id, slot, State::Ready) else { return };
        if let Some(rollout) = self.rollout(id) {
            rollout.made.insert(new, None);
        }
        if start_first {
            self.work(id, Worker::Waits { task: new, old });
            self.delay_start(new, None, 0);
        } else {
            let removed = self.remove_old(&old);
            self.work(id, Worker::Waits { task: new, old: Vec::new() });
            self.delay_start(new, removed, 0);
        }
    }

    /// A task that waited for its restart delay need not wait any more.
    fn hurry(&mut self, task: Id, old: Option<Id>) {
        self.starts.remove(&task);
        self.delay_start(task, old, 0);
    }

    /// Shuts tasks down and returns one of them.
    fn remove_old(&mut self, old: &[Id]) -> Option<Id> {
        let wanted = |id: &&Id| self.tasks.get(id).is_some_and(super::task::Task::is_wanted);
        let old: Vec<Id> = old.iter().filter(wanted).copied().collect();
        for task in &old {
            self.desire(*task, State::Shutdown);
        }
        old.last().copied()
    }

    fn work(&mut self, id: Id, worker: Worker) {
        if let Some(rollout) = self.rollout(id) {
            rollout.busy.push(worker);
        }
    }

    /// A worker is done with its slot.
    fn rest(&mut self, id: Id) {
        let now = self.now;
        let Some(rollout) = self.rollout(id) else { return };
        let (delay, number) = (rollout.config.delay_ms, rollout.number);
        if delay > 0 {
            rollout.busy.push(Worker::Rests { until: now + delay });
            self.queue.put(now + delay, Due::Rollout(id, number));
        }
    }

    pub(crate) fn rollout_due(&mut self, id: Id, number: u64) {
        if self.rollout(id).is_some_and(|rollout| rollout.number == number) {
            self.roll_on(id);
        }
    }

    /// A task has reached `running`.
    pub(crate) fn rollout_task_up(&mut self, service: Id, task: Id) {
        let now = self.now;
        let Some(rollout) = self.rollout(service) else { return };
        if let Some(since) = rollout.made.get_mut(&task) {
            *since = Some(now);
        }
        if let Some(old) = rollout.worker_of(task) {
            self.remove_old(&old);
            self.rest(service);
            self.roll_on(service);
        }
    }

    /// A task has ended, for whatever reason.
    pub(crate) fn rollout_task_ended(&mut self, service: Id, task: Id) {
        self.judge_failure(service, task);
        self.rollout_task_gone(service, task);
    }

    pub(crate) fn rollout_task_gone(&mut self, service: Id, task: Id) {
        let Some(rollout) = self.rollout(service) else { return };
        if rollout.worker_of(task).is_some() {
            self.rest(service);
            self.roll_on(service);
        }
    }

    /// A task is not held back any more.
    pub(crate) fn rollout_task_released(&mut self, service: Id, task: Id) {
        let Some(rollout) = self.rollout(service) else { return };
        let released = |w: &Worker| matches!(w, Worker::Released { task: one } if *one == task);
        if let Some(at) = rollout.busy.iter().position(released) {
            rollout.busy.swap_remove(at);
            self.rest(service);
            self.roll_on(service);
        }
    }

    fn judge_failure(&mut self, service: Id, task: Id) {
        let now = self.now;
        let Some(rollout) = self.rollout(service) else { return };
        let config = rollout.config;
        let watched = config.action != FailureAction::Continue && !rollout.stopped;
        let Some(since) = rollout.made.get(&task).copied().filter(|_| watched) else { return };
        if since.is_some_and(|since| now - since > watch_ms(&config))
            || !rollout.failed.insert(task)
        {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "there are fewer tasks than that")]
        let ratio = rollout.failed.len() as f64 / rollout.slots as f64;
        if ratio <= config.failure_ratio_max {
            return;
        }
        rollout.stopped = true;
        let rolling_back = rollout.rolling_back;
        let why = format!("due to failure or early termination of task {task}");
        match config.action {
            FailureAction::Rollback if rolling_back => {
                self.pause_update(service, format!("rollback paused {why}"));
            }
            FailureAction::Rollback => self.roll_back(service, format!("update rolled back {why}")),
            _ => self.pause_update(service, format!("update paused {why}")),
        }
        self.roll_on(service);
    }

    fn pause_update(&mut self, id: Id, message: String) {
        let Some(status) = self.services.get(&id).and_then(|s| s.status.clone()) else { return };
        let state = match status.state {
            UpdateState::RollbackStarted => UpdateState::RollbackPaused,
            _ => UpdateState::Paused,
        };
        self.set_status(id, UpdateStatus { state, message, ..status });
    }

    /// Puts the spec before in place; it does not look whether its secrets still exist.
    fn roll_back(&mut self, id: Id, message: String) {
        let Some(service) = self.services.get(&id) else { return };
        let (Some(previous), Some(status)) = (service.previous.clone(), service.status.clone())
        else {
            return;
        };
        let state = UpdateState::RollbackStarted;
        let started = Some(self.now);
        let status = UpdateStatus { state, message, started, ..status };
        self.set_spec(id, previous, None, Some(status));
    }

    fn complete_update(&mut self, id: Id) {
        let Some(status) = self.services.get(&id).and_then(|s| s.status.clone()) else { return };
        let (state, message) = match status.state {
            UpdateState::RollbackStarted => (UpdateState::RollbackCompleted, "rollback completed"),
            _ => (UpdateState::Completed, "update completed"),
        };
        let completed = Some(self.now);
        let message = message.to_owned();
        self.set_status(id, UpdateStatus { state, message, completed, ..status });
    }
}

impl Rollout {
    /// Takes away the worker that waits for this task, and returns what it was to replace.
    fn worker_of(&mut self, task: Id) -> Option<Vec<Id>> {
        let waits = |w: &Worker| matches!(w, Worker::Waits { task: one, .. } if *one == task);
        let at = self.busy.iter().position(waits)?;
        match self.busy.swap_remove(at) {
            Worker::Waits { old, .. } => Some(old),
            Worker::Released { .. } | Worker::Rests { .. } => None,
        }
    }
}

/// Returns how long failures are watched for: longer than the delay, or none would be seen.
fn watch_ms(config: &UpdateConfig) -> i64 {
    if config.delay_ms >= config.monitor_ms { config.delay_ms + 1_000 } else { config.monitor_ms }
}
