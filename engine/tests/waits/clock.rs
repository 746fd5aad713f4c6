//! A clock that is set by hand, forward and back; who sleeps on it looks when it is set.

use async_trait::async_trait;
use tokio::sync::watch;
use windlass_engine::clock::{Clock, Millis};

pub struct HandClock(watch::Sender<Millis>);

impl HandClock {
    pub fn at(now: Millis) -> Self {
        HandClock(watch::Sender::new(now))
    }

    pub fn set(&self, now: Millis) {
        self.0.send_replace(now);
    }

    /// Moves the clock by so many minutes, forward or back.
    pub fn minutes(&self, by: i64) {
        self.0.send_modify(|now| *now += by * 60_000);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Millis {
        *self.0.borrow()
    }

    async fn sleep_until(&self, deadline: Millis) {
        let mut now = self.0.subscribe();
        // The clock outlives who sleeps on it.
        let _ = now.wait_for(|now| *now >= deadline).await;
    }
}
