//! Waiting for a condition: everything in a lab is asynchronous to us, and a fixed sleep is
//! either too short on a busy machine or too long on a quiet one.

use std::time::{Duration, Instant};

/// Asks `done` every 15 ms; returns false when `limit` has passed without a yes.
pub(crate) async fn until(limit: Duration, mut done: impl AsyncFnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done().await {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
