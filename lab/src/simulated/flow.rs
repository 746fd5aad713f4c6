//! Lets the model's clock follow the clock on the wall.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::handle::Shared;

/// Where the two clocks were when they were compared, and how fast the model's goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    wall: Instant,
    model: i64,
    speed: f64,
}

impl Pace {
    pub(crate) fn new(model: i64, speed: f64) -> Self {
        Pace { wall: Instant::now(), model, speed }
    }

    /// Returns what the model's clock should show now.
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a process's life")]
    pub(crate) fn now(&self) -> i64 {
        self.model + (self.wall.elapsed().as_secs_f64() * 1_000.0 * self.speed) as i64
    }

    /// The model's clock was moved by hand: go on from there.
    pub(crate) fn set(&mut self, model: i64) {
        *self = Pace::new(model, self.speed);
    }

    fn wall_at(&self, model: i64) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a process's life")]
        let seconds = (model - self.model).max(0) as f64 / 1_000.0 / self.speed;
        // Rounded up, so that it is due when we look.
        self.wall + Duration::from_secs_f64(seconds.min(1e9)) + Duration::from_millis(1)
    }
}

/// The clock flows until this is dropped.
#[derive(Debug)]
#[must_use = "time stands still again when it is dropped"]
pub struct Flow {
    task: AbortHandle,
    shared: Arc<Shared>,
}

impl Flow {
    pub(crate) fn start(shared: Arc<Shared>, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        shared.lock().set_pace(Some(speed));
        let task = tokio::spawn(follow(shared.clone())).abort_handle();
        Flow { task, shared }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.lock().set_pace(None);
    }
}

/// Wakes when something is due, or when something was put into the queue.
async fn follow(shared: Arc<Shared>) {
    loop {
        let due = {
            let mut state = shared.lock();
            state.catch_up();
            let due = state.model.next_due();
            state.pace().zip(due).map(|(pace, due)| pace.wall_at(due))
        };
        let changed = shared.changed.notified();
        match due {
            Some(due) => {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = changed => {}
                }
            }
            None => changed.await,
        }
    }
}
