//! What is to happen, and when. Time moves from one entry to the next; between them nothing does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::id::Id;

/// Something that is due at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The orchestrator looks at a service.
    Reconcile(Id),
    /// The scheduler looks at the tasks that have no node.
    Schedule,
    /// The next step in a task's life, unless it has taken another one meanwhile.
    Task(Id, u32),
    /// A task that was held back may be started.
    Start(Id),
    /// The rollout of a service: a delay or the time to watch is over.
    Rollout(Id, u64),
    /// Another manager begins to lead.
    Lead,
    /// Nothing but that time has come this far.
    Mark,
}

/// Entries by time; those of the same time in the order in which they were put in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<(i64, u64, Due)>>,
    entered: u64,
}

impl Queue {
    pub(crate) fn put(&mut self, at: i64, due: Due) {
        self.entered += 1;
        self.heap.push(Reverse((at, self.entered, due)));
    }

    pub(crate) fn next_at(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next entry if it is due by then.
    pub(crate) fn take(&mut self, by: i64) -> Option<(i64, Due)> {
        if self.next_at()? > by {
            return None;
        }
        self.heap.pop().map(|Reverse((at, _, due))| (at, due))
    }
}
