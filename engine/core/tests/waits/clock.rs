//! A clock that is set by hand, forward and back; who sleeps on it looks when it is set.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::watch;
use windlass_engine::clock::{Clock, Millis};

pub struct HandClock {
    now: watch::Sender<Millis>,
    /// How often somebody began to be at work.
    begun: AtomicUsize,
}

impl HandClock {
    pub fn at(now: Millis) -> Self {
        HandClock { now: watch::Sender::new(now), begun: AtomicUsize::new(0) }
    }

    pub fn set(&self, now: Millis) {
        self.now.send_replace(now);
    }

    /// How many sleep on it.
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }

    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Moves the clock by so many minutes, forward or back.
    pub fn minutes(&self, by: i64) {
        self.now.send_modify(|now| *now += by * 60_000);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Millis {
        *self.now.borrow()
    }

    fn at_work(&self, change: i32) {
        if change > 0 {
            self.begun.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn sleep_until(&self, deadline: Millis) {
        let mut now = self.now.subscribe();
        // The clock outlives who sleeps on it.
        let _ = now.wait_for(|now| *now >= deadline).await;
    }
}
