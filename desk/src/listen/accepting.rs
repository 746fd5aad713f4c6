//! What a listener does when no connection comes about.

use std::time::Duration;

use tokio::time::Instant;

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(100);

/// How often it is worth saying.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Goes with a loop of accepts. An accept that fails is of one connection or of a moment: the
/// client has gone already, or the machine is out of file descriptors or memory, and those that
/// close make room. So nothing that it says ends the loop: it would end the listener for good.
#[derive(Debug, Default)]
pub(crate) struct Accepting {
    said: Option<Instant>,
}

impl Accepting {
    /// Waits a moment; true if it is worth saying, which it is not more than once in a minute.
    pub(crate) async fn pause(&mut self) -> bool {
        tokio::time::sleep(PAUSE).await;
        let now = Instant::now();
        if self.said.is_some_and(|said| now.duration_since(said) < SAID_EVERY) {
            return false;
        }
        self.said = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_said_once_in_a_minute() {
        let mut accepting = Accepting::default();
        assert!(accepting.pause().await);
        assert!(!accepting.pause().await);
        accepting.said = Instant::now().checked_sub(SAID_EVERY);
        assert!(accepting.pause().await);
    }
}
