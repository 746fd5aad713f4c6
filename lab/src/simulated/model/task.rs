//! Tasks: one attempt to run a container for a slot of a service.
//!
//! | desired | means |
//! |---|---|
//! | ready | prepare it, but wait: the old one must stop first, or a delay must pass |
//! | running, complete | run it (complete: a job) |
//! | shutdown | stop it; it is history |
//! | remove | stop it and forget it |

use std::sync::Arc;

use super::Model;
use super::definition::{HostPort, Mode};
use super::id::Id;
use super::template::Template;

/// The states of a task, in swarmkit's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    New,
    Pending,
    Assigned,
    Accepted,
    Preparing,
    Ready,
    Starting,
    Running,
    Complete,
    Shutdown,
    Failed,
    Rejected,
    Remove,
    Orphaned,
}

impl State {
    pub(crate) const ALL: [State; 14] = [
        State::New,
        State::Pending,
        State::Assigned,
        State::Accepted,
        State::Preparing,
        State::Ready,
        State::Starting,
        State::Running,
        State::Complete,
        State::Shutdown,
        State::Failed,
        State::Rejected,
        State::Remove,
        State::Orphaned,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            State::New => "new",
            State::Pending => "pending",
            State::Assigned => "assigned",
            State::Accepted => "accepted",
            State::Preparing => "preparing",
            State::Ready => "ready",
            State::Starting => "starting",
            State::Running => "running",
            State::Complete => "complete",
            State::Shutdown => "shutdown",
            State::Failed => "failed",
            State::Rejected => "rejected",
            State::Remove => "remove",
            State::Orphaned => "orphaned",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What tells the tasks of a service apart: the slot, or for global services the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot {
    Number(u64),
    Node(Id),
}

/// A line that a container writes.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: i64,
    pub(crate) stream: Stream,
    pub(crate) text: String,
}

/// Where a line goes; the numbers are the daemon's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Output = 1,
    Error = 2,
}

/// A task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: Id,
    pub(crate) service: Id,
    pub(crate) slot: Slot,
    pub(crate) node: Option<Id>,
    pub(crate) version: u64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) template: Arc<Template>,
    pub(crate) endpoint_fingerprint: u64,
    pub(crate) host_ports: Arc<[HostPort]>,
    pub(crate) spec_version: u64,
    /// Which execution of a job this belongs to.
    pub(crate) iteration: Option<u64>,
    pub(crate) state: State,
    pub(crate) desired: State,
    pub(crate) stamp: i64,
    pub(crate) message: &'static str,
    pub(crate) err: Option<Box<str>>,
    pub(crate) exit: i32,
    /// A container was made for it.
    pub(crate) contained: bool,
    /// It takes up room on its node.
    pub(crate) busy: bool,
    /// Counts the steps, so that one that was planned before another is not taken.
    pub(crate) steps: u32,
    /// What it writes, also what is still to come: it may end before.
    pub(crate) log: Vec<Line>,
    /// False if it runs and no name or address leads to it.
    pub(crate) reachable: bool,
    /// Its start is reported as done by then, done or not.
    pub(crate) report_by: Option<i64>,
}

impl Task {
    /// True if it is to stop, or has.
    pub(crate) fn is_to_end(&self) -> bool {
        self.desired >= State::Shutdown
    }

    /// Returns the lines that it has written by then.
    pub(crate) fn written(&self, now: i64) -> impl Iterator<Item = &Line> {
        let until = if self.state > State::Running { self.stamp } else { now };
        self.log.iter().filter(move |line| line.at <= until)
    }

    /// Returns its slot as the API shows it: tasks of global services have none.
    pub(crate) fn slot_number(&self) -> u64 {
        match self.slot {
            Slot::Number(number) => number,
            Slot::Node(_) => 0,
        }
    }

    /// True if the swarm means it to run, now or soon.
    pub(crate) fn is_wanted(&self) -> bool {
        self.desired <= State::Complete
    }
}

impl Model {
    /// Makes a task for a slot.
    pub(crate) fn create_task(&mut self, service: Id, slot: Slot, desired: State) -> Option<Id> {
        let id = self.ids.id();
        let (version, now) = (self.write(), self.now);
        let service = self.services.get_mut(&service)?;
        let job = service.spec.mode.is_job();
        let desired = if job && desired == State::Running { State::Complete } else { desired };
        let node = match slot {
            Slot::Node(node) => Some(node),
            Slot::Number(_) => None,
        };
        service.tasks.push(id);
        let task = Task {
            id,
            service: service.id,
            slot,
            node,
            version,
            created: now,
            updated: now,
            template: service.spec.template.clone(),
            endpoint_fingerprint: service.spec.endpoint_fingerprint,
            host_ports: service.spec.host_ports.clone(),
            spec_version: service.spec_version,
            iteration: job.then_some(service.iteration),
            state: State::New,
            desired,
            stamp: now,
            message: "created",
            err: None,
            exit: 0,
            contained: false,
            busy: false,
            steps: 0,
            log: Vec::new(),
            reachable: true,
            report_by: None,
        };
        self.tasks.insert(id, task);
        if let Some(node) = node.and_then(|node| self.nodes.get_mut(&node)) {
            node.tasks.insert(id);
        }
        self.unassigned.insert(id);
        self.schedule_soon();
        self.tidy_slot(id);
        Some(id)
    }

    /// Says what is to become of a task; never undoes it.
    pub(crate) fn desire(&mut self, id: Id, desired: State) {
        let version = self.index + 1;
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&id).filter(|t| t.desired < desired) else { return };
        (task.desired, task.version, task.updated) = (desired, version, now);
        let (unassigned, service) = (task.state < State::Assigned, task.service);
        self.write();
        if unassigned && desired >= State::Shutdown {
            // No node has to stop it.
            self.observe(id, State::Shutdown, "shutdown", None);
            return;
        }
        self.take_up(id);
        if desired >= State::Shutdown {
            self.count_serving(service);
            self.tidy_slot(id);
        }
    }

    /// Notes what became of a task, and lets everybody know whom it concerns.
    pub(crate) fn observe(
        &mut self,
        id: Id,
        state: State,
        message: &'static str,
        err: Option<String>,
    ) {
        let version = self.write();
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&id) else { return };
        (task.state, task.message, task.err) = (state, message, err.map(String::into_boxed_str));
        (task.version, task.updated, task.stamp) = (version, now, now);
        // What was planned for it does not come to pass any more.
        task.steps += 1;
        let service = task.service;
        self.count_serving(service);
        if state == State::Running {
            self.rollout_task_up(service, id);
        }
        if state > State::Running {
            self.unassigned.remove(&id);
            self.leave_room(id);
            self.start_if_old_is_gone(id);
            self.task_ended(id);
            self.rollout_task_ended(service, id);
            self.tidy_slot(id);
        }
    }

    /// Forgets a task.
    pub(crate) fn forget_task(&mut self, id: Id) {
        self.leave_room(id);
        let Some(task) = self.tasks.remove(&id) else { return };
        self.write();
        self.unassigned.remove(&id);
        self.starts.remove(&id);
        if let Some(node) = task.node.and_then(|node| self.nodes.get_mut(&node)) {
            node.tasks.remove(&id);
        }
        if let Some(service) = self.services.get_mut(&task.service) {
            service.tasks.retain(|one| *one != id);
            if matches!(service.spec.mode, Mode::Replicated { .. }) && !task.is_to_end() {
                self.reconcile_soon(task.service);
            }
        }
        self.count_serving(task.service);
        self.start_if_old_is_gone(id);
        self.rollout_task_gone(task.service, id);
    }

    /// Keeps as many tasks of a slot as the swarm does, and forgets what is to be removed.
    fn tidy_slot(&mut self, id: Id) {
        let Some(task) = self.tasks.get(&id) else { return };
        let over = |t: &Task| {
            t.is_to_end() && (t.state > State::Running || t.state < State::Assigned)
                || t.state > State::Running && t.desired == State::Complete
        };
        if task.desired == State::Remove && over(task) {
            self.forget_task(id);
            return;
        }
        let Some(service) = self.services.get(&task.service) else { return };
        let slot = task.slot;
        let tasks = service.tasks.iter().filter_map(|id| self.tasks.get(id));
        let mut all: Vec<&Task> = tasks.filter(|task| task.slot == slot).collect();
        // With fewer the swarm could not count how often it has tried.
        let kept = match usize::try_from(service.spec.template.restart.attempts_max) {
            Ok(attempts) if attempts > 0 => attempts + 1,
            _ => self.history_max,
        };
        let surplus = all.len().saturating_sub(kept);
        all.sort_unstable_by_key(|task| (task.created, task.id));
        let past: Vec<Id> = all.into_iter().filter(|task| over(task)).map(|t| t.id).collect();
        for id in past.into_iter().take(surplus) {
            self.forget_task(id);
        }
    }
}
