//! What of a run stays in memory while it waits: next to nothing.
//!
//! Its journal, its runbook and its sealed values are let go of when its last thread ends, and read
//! again when the run goes on. What stays is what no journal knows: the tasks that wait, what
//! people have told the run meanwhile, and which lines it has printed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use super::control::Control;
use super::rest::Waits;
use crate::clock::{Clock, Millis, millis};
use crate::event::WaitView;
use crate::id::CallKey;
use crate::wait::is_wait;

/// What outlives the threads of a run. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Standby {
    pub(crate) control: Arc<Control>,
    pub(crate) waits: Arc<Waits>,
    /// How many lines each branch has printed: a replay does not print them again.
    pub(crate) printed: Arc<Mutex<HashMap<CallKey, u32>>>,
}

impl Standby {
    /// Returns what stays of a run that has just been taken in hand. `wake` takes it up again.
    pub(crate) fn new(clock: Arc<dyn Clock>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let waits = Arc::new(Waits::new(clock, wake));
        Standby { control: Arc::default(), waits, printed: Arc::default() }
    }

    /// Begins to wait for all that a run waits for, knowing no more of it than its line in lists.
    /// False, and nothing is begun, if that is not enough: a step waits, which only its journal
    /// tells how.
    pub(crate) fn begin(&self, waits: &[WaitView], clock: &Arc<dyn Clock>, on: &Handle) -> bool {
        if !waits.iter().all(|wait| is_wait(&wait.step)) {
            return false;
        }
        for wait in waits {
            let due = due(wait, clock.now());
            self.waits.begin(&wait.key, on, due.map(|due| Waits::timer(clock.clone(), due)));
        }
        true
    }

    /// Ends all waits; on return none of their tasks is left. Blocks.
    pub(crate) fn stop(&self, runtime: &Handle) {
        let tasks = self.waits.close();
        runtime.block_on(async {
            for task in tasks {
                // Aborted, or at its end: either is what is wanted.
                let _ = task.await;
            }
        });
    }
}

/// Returns when there is something to do about a wait. Without an answer, never, if nothing.
fn due(wait: &WaitView, now: Millis) -> Option<Millis> {
    let look = wait.every.map(|every| now.saturating_add(millis(every.0)));
    wait.until.into_iter().chain(look).min()
}
