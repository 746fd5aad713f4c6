//! Which tasks answer, and when a service had none that did.
//!
//! The swarm itself does not know this; those who judge a rehearsal ask for it. A task answers
//! while it runs and is meant to, its node is up, and it can be reached.

use std::collections::VecDeque;

use super::Model;
use super::definition::Mode;
use super::id::Id;
use super::task::{State, Task};

/// So many changes are kept.
const CHANGES_MAX: usize = 256;

/// How a service's tasks answered, as long as it has been there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Serving {
    /// When the number of tasks that answer changed, and to what.
    pub(crate) changes: VecDeque<(i64, usize)>,
    /// From when until when none answered although some were wanted.
    pub(crate) outages: Vec<(i64, Option<i64>)>,
}

impl Serving {
    pub(crate) fn now(&self) -> usize {
        self.changes.back().map_or(0, |(_, tasks)| *tasks)
    }

    /// Notes how many tasks answer now, and whether any should.
    fn note(&mut self, at: i64, tasks: usize, wanted: bool) {
        let before = self.now();
        if (tasks > 0 || !wanted)
            && let Some((from, until @ None)) = self.outages.last_mut()
        {
            *until = Some(at);
            if *from == at {
                // What began and ends in the same moment is none.
                self.outages.pop();
            }
        }
        if before > 0 && tasks == 0 && wanted {
            self.outages.push((at, None));
        }
        if before == tasks {
            return;
        }
        match self.changes.back_mut() {
            Some((last, count)) if *last == at => *count = tasks,
            _ => self.changes.push_back((at, tasks)),
        }
        if self.changes.len() > CHANGES_MAX {
            self.changes.pop_front();
        }
    }
}

impl Model {
    /// True if somebody who asks this task gets an answer.
    pub(crate) fn serves(&self, task: &Task) -> bool {
        let node = task.node.and_then(|node| self.nodes.get(&node));
        let meant = task.state == State::Running && task.desired == State::Running;
        meant && task.reachable && node.is_some_and(|node| !node.down)
    }

    /// Counts the tasks of a service that answer, after something about them has changed.
    pub(crate) fn count_serving(&mut self, id: Id) {
        let Some(service) = self.services.get(&id) else { return };
        let wanted = match service.spec.mode {
            Mode::Replicated { replicas } => replicas > 0,
            Mode::Global => true,
            Mode::ReplicatedJob { .. } | Mode::GlobalJob => return,
        };
        let tasks = service.tasks.iter().filter_map(|task| self.tasks.get(task));
        let serving = tasks.filter(|task| self.serves(task)).count();
        let now = self.now;
        if let Some(service) = self.services.get_mut(&id) {
            service.serving.note(now, serving, wanted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_a_time_in_which_none_answers_though_some_should() {
        let mut serving = Serving::default();
        for (at, tasks, wanted) in [
            (0, 0, true), // Not yet: it has never answered.
            (5, 1, true),
            (6, 2, true),
            (10, 0, true), // An outage,
            (13, 1, true), // that ends.
            (20, 0, true),
            (20, 1, true),  // Replaced in the same moment: none.
            (30, 0, false), // Scaled to zero: none.
            (40, 1, true),
            (50, 0, true),
            (60, 0, false), // Nobody wants it any more.
            (70, 1, true),
            (80, 0, true), // Goes on.
        ] {
            serving.note(at, tasks, wanted);
        }
        assert_eq!(serving.outages, [(10, Some(13)), (50, Some(60)), (80, None)]);
        assert_eq!(serving.now(), 0);
        assert_eq!(serving.changes.front(), Some(&(5, 1)));
    }
}
