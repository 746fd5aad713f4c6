//! What a daemon does besides driving runs: it starts them at their times, and tells people who
//! don't look.
//!
//! ```text
//! schedule: Config -> Book -> Ticker -> Engine::start_because -> run
//! notice:   journal, schedule -> Outbox -> Courier -> webhook, Slack, mail
//! publish:  journal -> Head -> syslog, webhook: what was published can't be undone
//! ```
//!
//! Both keep what they know in the engine's store and nothing in memory, so that a daemon that was
//! killed goes on where it was. Neither holds a run up: runs have threads of their own, and nobody
//! waits for a receiver.

mod name;
pub mod notice;
pub mod publish;
pub mod schedule;
mod stop;
mod supplies;
mod tasks;

pub use name::Name;
pub use stop::{Stop, Stopping};
pub use supplies::Supplies;
pub use tasks::{Duty, DutyError, Options};

/// Does work that may block on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and we with it.
            Err(_) => std::future::pending().await,
        },
    }
}
