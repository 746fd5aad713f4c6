//! What started us: systemd wants to know when we are ready, that we live, and when we stop.
//! Without it, nothing of this does anything.

use std::time::Duration;

use sd_notify::NotifyState;

/// The process that watches over this one, if there is one.
pub struct Supervisor {
    /// How often it wants to hear from us: half of what it has the patience for.
    every: Option<Duration>,
}

impl Supervisor {
    /// Finds out whether there is one.
    pub fn begin() -> Self {
        let every = sd_notify::watchdog_enabled().map(|patience| patience / 2);
        Supervisor { every }
    }

    /// Runs are resumed, and requests are answered.
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// Goes on telling that we live until `end`.
    pub async fn watch_until(&self, end: impl Future<Output = ()>) {
        let Some(every) = self.every else { return end.await };
        let mut beat = tokio::time::interval(every);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return,
                _ = beat.tick() => tell(&[NotifyState::Watchdog]),
            }
        }
    }

    /// Runs are being parked.
    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }
}

fn tell(state: &[NotifyState]) {
    // Who started us without wanting to hear gets nothing; who wants to and can't starts us anew.
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the supervisor can't be told");
    }
}
