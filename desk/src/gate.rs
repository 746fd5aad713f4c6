//! Work that asks the swarm: so much of it at once, so much that waits, and no more.
//!
//! A swarm that does not answer holds whatever asks it for minutes. Without a bound it would hold
//! all threads, and those who ask something that needs no swarm would wait behind it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Kind, Problem, bug};

/// How many may wait for each that is at work.
const WAITING_EACH: usize = 2;

/// A bound on work of one kind.
#[derive(Clone)]
pub(crate) struct Gate {
    /// What is being done, for whoever is sent away.
    what: &'static str,
    at_work: Arc<Semaphore>,
    at_work_max: usize,
    inside: Arc<Semaphore>,
}

impl Gate {
    /// Returns a gate that lets so much be done at once.
    pub(crate) fn new(what: &'static str, at_work_max: usize) -> Self {
        let at_work = Arc::new(Semaphore::new(at_work_max));
        let inside = Arc::new(Semaphore::new(at_work_max * (1 + WAITING_EACH)));
        Gate { what, at_work, at_work_max, inside }
    }

    /// Does work when its turn comes. Whoever waits for it may go: it is done all the same, and
    /// counts until it is through.
    ///
    /// # Errors
    /// If too many wait already; or if it panics, a mistake of ours.
    pub(crate) async fn through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = self.inside.clone().try_acquire_owned().map_err(|_| {
            let waiting = self.at_work_max * WAITING_EACH;
            Kind::BUSY
                .because(format!("{} {}, and {waiting} more wait", self.at_work_max, self.what))
                .hint("Does the swarm answer? Try again in a moment.")
        })?;
        let turn = self.at_work.clone().acquire_owned().await;
        let turn = turn.map_err(|_| bug("a gate is closed"))?;
        let working = tokio::spawn(async move {
            let _held: [OwnedSemaphorePermit; 2] = [place, turn];
            work.await
        });
        working.await.map_err(|e| bug(&format!("the work ended early: {e}")))
    }
}
