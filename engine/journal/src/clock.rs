//! The only place where the engine learns what time it is.
//!
//! Wall time is what journals and deadlines carry, because it must mean the same after a restart
//! or a reboot; it is read through [`Clock`] so that tests and rehearsals can move it.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// A source of wall time, and of waiting for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Millis;

    /// Returns once `now()` is at least `deadline`.
    async fn sleep_until(&self, deadline: Millis);

    /// Tells the clock that so many more threads drive runs, or fewer. Time that is virtual moves
    /// when all of them sleep: who is at work takes no time.
    fn at_work(&self, change: i32) {
        let _ = change;
    }
}

/// Counts a thread with a clock for as long as it lives.
pub struct Counted<'a> {
    clock: &'a dyn Clock,
    change: i32,
}

impl<'a> Counted<'a> {
    /// One thread more is at work.
    pub fn working(clock: &'a dyn Clock) -> Self {
        clock.at_work(1);
        Counted { clock, change: 1 }
    }

    /// A thread that was counted waits for others.
    pub fn waiting(clock: &'a dyn Clock) -> Self {
        clock.at_work(-1);
        Counted { clock, change: -1 }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.clock.at_work(-self.change);
    }
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn now(&self) -> Millis {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        millis(since_epoch)
    }

    async fn sleep_until(&self, deadline: Millis) {
        // The wall clock may be set while we sleep, so look again rather than trust one long nap.
        loop {
            let left = deadline - self.now();
            if left <= 0 {
                return;
            }
            let nap = Duration::from_millis(left.unsigned_abs()).min(Duration::from_secs(30));
            tokio::time::sleep(nap).await;
        }
    }
}

/// A clock that stands still until it is told to move. Sleeping on it moves it: time is virtual.
#[derive(Debug)]
pub struct SimClock {
    now: Mutex<Millis>,
}

impl SimClock {
    /// Returns a clock that shows `now`.
    pub fn at(now: Millis) -> Self {
        SimClock { now: Mutex::new(now) }
    }

    /// Moves the clock on by `by`.
    pub fn advance(&self, by: Duration) {
        *self.lock() += millis(by);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Millis> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Millis {
        *self.lock()
    }

    async fn sleep_until(&self, deadline: Millis) {
        {
            let mut now = self.lock();
            *now = (*now).max(deadline);
        }
        tokio::task::yield_now().await;
    }
}

/// Returns a duration in whole milliseconds; one longer than 292 million years is cut to that.
pub fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// Returns a moment as text for people: `2026-11-21 03:04:05Z`.
pub fn utc(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map(|t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
        .unwrap_or_else(|_| format!("{at} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_on_a_simulated_clock_moves_it_and_never_back() {
        let clock = SimClock::at(1_000);
        clock.sleep_until(5_000).await;
        assert_eq!(clock.now(), 5_000);
        clock.sleep_until(2_000).await;
        assert_eq!(clock.now(), 5_000);
    }

    #[test]
    fn moments_are_shown_in_utc() {
        assert_eq!(utc(0), "1970-01-01 00:00:00Z");
    }
}
