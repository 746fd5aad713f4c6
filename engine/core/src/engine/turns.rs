//! Whose turn it is: no more runs are driven at once than the machine should bear.
//!
//! A run that waits has no turn; when its time comes, it queues with the others. Nothing of a queued
//! run is read until its turn comes, so a thousand of them are resumed in a moment.

use std::collections::VecDeque;

use super::rest::TakenUp;
use super::{Engine, EngineError, RunHandle};
use crate::event::SummaryRecord;
use crate::id::RunId;
use crate::journal::RunStatus;

/// Who has a turn, and who queues for one.
pub(super) struct Turns {
    most: usize,
    taken: usize,
    queue: VecDeque<RunId>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns { most: usize::MAX, taken: 0, queue: VecDeque::new() }
    }
}

impl Turns {
    /// True if the run may begin; else it queues.
    pub(super) fn take(&mut self, run: &RunId) -> bool {
        let free = self.taken < self.most;
        match free {
            true => self.taken += 1,
            false => self.queue.push_back(run.clone()),
        }
        free
    }

    /// Gives a turn to the next run, if there is one.
    fn next(&mut self) -> Option<RunId> {
        self.taken -= 1;
        let next = if self.taken < self.most { self.queue.pop_front() } else { None };
        self.taken += usize::from(next.is_some());
        next
    }

    /// Undoes a turn that led to nothing.
    pub(super) fn untake(&mut self) {
        self.taken -= 1;
    }

    /// Sends everybody away who queues.
    pub(super) fn clear(&mut self) -> VecDeque<RunId> {
        std::mem::take(&mut self.queue)
    }
}

/// A turn, given on when it is dropped.
pub(super) struct Turn<'a>(pub(super) &'a Engine);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.next_turn();
    }
}

impl Engine {
    /// Drives at most so many runs at once from now on. Others queue, in the order in which they
    /// were begun or woken; a run that waits does not count.
    pub fn drive_at_most(&self, most: usize) {
        self.0.turns().most = most.max(1);
    }

    /// Returns how many runs queue for their turn.
    pub fn queued(&self) -> usize {
        self.0.turns().queue.len()
    }

    /// Takes up every run that has not finished and needs no person: for a process that stays. Those that
    /// wait go on waiting, the others go on in turn; that they do is recorded when it happens.
    ///
    /// # Errors
    /// If the store is damaged. That one run can't be taken up does not keep the others.
    pub fn resume_all(&self) -> Result<Vec<TakenUp>, EngineError> {
        let open = self.records_beside(true)?.into_iter();
        let ours = open.filter(|run| !run.status.is_stuck() && !self.is_driven(&run.run));
        let here = self.elsewhere();
        let take_up = |run: &SummaryRecord| here(run).and_then(|()| self.take_up_later(run));
        Ok(ours.map(|run| (run.run.clone(), take_up(&run))).collect())
    }

    fn take_up_later(&self, summary: &SummaryRecord) -> Result<RunHandle, EngineError> {
        if summary.status == RunStatus::Waiting {
            return self.stand_by(summary);
        }
        self.queue(&summary.run)
    }

    /// Has a run go on in its turn; that it does is recorded when it happens.
    pub(super) fn queue(&self, run: &RunId) -> Result<RunHandle, EngineError> {
        self.take(run, self.standby(run), None)
    }

    /// A thread has ended: the next run in the queue begins.
    fn next_turn(&self) {
        let mut live = self.0.live();
        loop {
            let next = self.0.turns().next();
            let Some(run) = next else { return };
            // Whoever was cancelled in the queue is still there; whoever was parked is not.
            if !live.contains_key(&run) {
                continue;
            }
            match self.turn(&mut live, &run) {
                Ok(()) => return,
                Err(error) => self.give_up(&mut live, &run, &error),
            }
        }
    }
}
