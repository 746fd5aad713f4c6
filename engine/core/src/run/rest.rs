//! Waiting without a thread.
//!
//! What a run waits for goes on as a task of the runtime, one for each wait. The thread that came to
//! the wait attends it for as long as other threads of the run are at work; once all of them do
//! nothing but wait, the evaluation ends and the run is parked (`standby`). The task that is over
//! first has the run resumed, by replay, which finds what the task left here.
//!
//! ```text
//! thread: begin -> attend -----------> take (the result), go on
//!                     \-> all rest -> Halt::Waiting, the thread ends
//! task:   ... waits ... over -> wakes whoever attends, or the engine
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::control::Control;
use super::drive::Driver;
use crate::clock::{Clock, Millis};
use crate::id::CallKey;
use crate::script::CallFailure;
use crate::step::StepError;

/// What a wait of a step came to.
type Waited = Result<Value, StepError>;

/// The waits of a run that have not finished.
pub(crate) struct Waits {
    open: Mutex<HashMap<CallKey, Open>>,
    clock: Arc<dyn Clock>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

struct Open {
    shared: Arc<Shared>,
    over: watch::Receiver<bool>,
    /// None if only a person ends it.
    task: Option<JoinHandle<()>>,
}

/// What the task and the run have in common.
struct Shared {
    over: watch::Sender<bool>,
    result: Mutex<Option<Waited>>,
    /// True while the clock counts the task, because no thread attends it.
    counted: AtomicBool,
}

impl Shared {
    fn uncount(&self, clock: &dyn Clock) {
        if self.counted.swap(false, Ordering::SeqCst) {
            clock.at_work(-1);
        }
    }
}

impl Waits {
    /// Returns no waits. `wake` resumes the run again if it has been parked.
    pub(crate) fn new(clock: Arc<dyn Clock>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Waits { open: Mutex::default(), clock, wake }
    }

    /// Begins to wait, unless that wait goes on already.
    pub(super) fn begin(
        &self,
        key: &CallKey,
        runtime: &Handle,
        waiting: Option<impl Future<Output = Waited> + Send + 'static>,
    ) {
        let mut open = self.lock();
        if open.contains_key(key) {
            return;
        }
        let (sender, over) = watch::channel(false);
        let (result, counted) = (Mutex::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { over: sender, result, counted });
        let task = waiting.map(|waiting| {
            let (shared, clock, wake) = (shared.clone(), self.clock.clone(), self.wake.clone());
            runtime.spawn(async move {
                let waited = waiting.await;
                *shared.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(waited);
                shared.over.send_replace(true);
                // The thread that resumes the run is counted before this task no longer is.
                wake();
                shared.uncount(clock.as_ref());
            })
        });
        open.insert(key.clone(), Open { shared, over, task });
    }

    /// Returns what a wait for a moment is.
    pub(super) async fn timer(clock: Arc<dyn Clock>, due: Millis) -> Waited {
        clock.sleep_until(due).await;
        Ok(Value::Null)
    }

    /// True if that wait goes on.
    pub(super) fn pending(&self, key: &CallKey) -> bool {
        self.lock().get(key).is_some_and(|wait| !*wait.over.borrow())
    }

    /// True if one of the waits is over, and nobody has taken its result.
    pub(crate) fn any_over(&self) -> bool {
        self.lock().values().any(|wait| *wait.over.borrow())
    }

    /// Takes the result of a wait that is over.
    pub(super) fn take(&self, key: &CallKey) -> Option<Waited> {
        let mut open = self.lock();
        open.get(key).filter(|wait| *wait.over.borrow())?;
        let wait = open.remove(key)?;
        wait.shared.uncount(self.clock.as_ref());
        wait.shared.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends a wait from outside: what came of it is in the journal.
    pub(crate) fn end(&self, key: &CallKey) {
        if let Some(wait) = self.lock().get(key) {
            wait.task.iter().for_each(JoinHandle::abort);
            wait.shared.over.send_replace(true);
        }
        (self.wake)();
    }

    /// Ends a wait that nobody attends.
    pub(super) fn forget(&self, key: &CallKey) {
        if let Some(wait) = self.lock().remove(key) {
            wait.task.iter().for_each(JoinHandle::abort);
            wait.shared.uncount(self.clock.as_ref());
        }
    }

    /// Counts the tasks with the clock from now on: the run's threads end.
    pub(crate) fn left_alone(&self) {
        for wait in self.lock().values() {
            let waits = wait.task.is_some() && !*wait.over.borrow();
            if waits && !wait.shared.counted.swap(true, Ordering::SeqCst) {
                self.clock.at_work(1);
            }
        }
    }

    /// Ends all waits, and returns the tasks that come to their end.
    pub(crate) fn close(&self) -> Vec<JoinHandle<()>> {
        let closed: Vec<Open> = self.lock().drain().map(|(_, wait)| wait).collect();
        let tasks = closed.into_iter().filter_map(|wait| {
            wait.shared.uncount(self.clock.as_ref());
            wait.task.inspect(JoinHandle::abort)
        });
        tasks.collect()
    }

    /// Returns what tells that a wait is over; nothing if there is no such wait.
    fn watch(&self, key: &CallKey) -> Option<watch::Receiver<bool>> {
        let open = self.lock();
        let wait = open.get(key)?;
        wait.shared.uncount(self.clock.as_ref());
        Some(wait.over.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CallKey, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.close();
    }
}

/// The threads of one evaluation: how many there are, and how many of them only wait. It counts as
/// the clock does, and hands everything on to the clock.
pub(crate) struct Threads {
    clock: Arc<dyn Clock>,
    control: Arc<Control>,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    working: i32,
    resting: i32,
}

impl Threads {
    pub(crate) fn new(clock: Arc<dyn Clock>, control: Arc<Control>) -> Self {
        Threads { clock, control, tally: Mutex::default() }
    }

    /// An evaluation begins, on one thread.
    pub(super) fn begin(&self) {
        *self.lock() = Tally { working: 1, resting: 0 };
    }

    /// This thread does nothing but wait, or goes on.
    fn rest(&self, change: i32) {
        let mut tally = self.lock();
        tally.resting += change;
        self.stop_if_all_rest(&tally);
    }

    fn stop_if_all_rest(&self, tally: &Tally) {
        if tally.resting > 0 && tally.resting >= tally.working {
            self.control.rest();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for Threads {
    fn now(&self) -> Millis {
        self.clock.now()
    }

    async fn sleep_until(&self, deadline: Millis) {
        self.clock.sleep_until(deadline).await;
    }

    fn at_work(&self, change: i32) {
        self.clock.at_work(change);
        let mut tally = self.lock();
        tally.working += change;
        self.stop_if_all_rest(&tally);
    }
}

impl Driver {
    /// Waits with a thread for a while. True if the wait is over, or there is none.
    ///
    /// The while is real time: what is spared by it is a thread, which is real as well.
    pub(super) fn attend(&self, key: &CallKey, at_most: Duration) -> Result<bool, CallFailure> {
        let Some(mut over) = self.standby.waits.watch(key) else { return Ok(true) };
        let pivoted = self.pivoted();
        let attending = async {
            tokio::select! {
                biased;
                halt = self.standby.control.halted(pivoted) => Err(CallFailure::Halt(halt)),
                // Closed, it was ended.
                _ = over.wait_for(|over| *over) => Ok(true),
            }
        };
        self.world
            .runtime
            .block_on(async { tokio::time::timeout(at_most, attending).await.unwrap_or(Ok(false)) })
    }

    /// Waits with a thread for as long as other threads of the run are at work; after that the run
    /// is parked.
    pub(super) fn rest(&self, key: &CallKey) -> Result<(), CallFailure> {
        let Some(mut over) = self.standby.waits.watch(key) else { return Ok(()) };
        let pivoted = self.pivoted();
        self.threads.rest(1);
        let rested = self.world.runtime.block_on(async {
            tokio::select! {
                biased;
                halt = self.standby.control.halted(pivoted) => Err(CallFailure::Halt(halt)),
                _ = over.wait_for(|over| *over) => Ok(()),
            }
        });
        self.threads.rest(-1);
        rested
    }

    /// Ends all waits; on return none of their tasks is left.
    pub(super) fn stop_waiting(&self) {
        self.standby.stop(&self.world.runtime);
    }
}
