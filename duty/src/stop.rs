//! Asking tasks to stop.

use tokio::sync::watch;

/// Asks tasks to stop.
#[derive(Debug)]
pub struct Stopping(watch::Sender<bool>);

impl Stopping {
    /// Asks, once and for all.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

/// Tells a task that it is time to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns both ends.
    pub fn new() -> (Stopping, Self) {
        let (stopping, stop) = watch::channel(false);
        (Stopping(stopping), Stop(stop))
    }

    /// Returns when it is time.
    pub async fn asked(&self) {
        // An error means that whoever could ask is gone.
        let _ = self.0.clone().wait_for(|asked| *asked).await;
    }
}
