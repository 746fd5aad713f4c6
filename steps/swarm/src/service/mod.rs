//! Steps about services.
//!
//! ```text
//! using -> which services         refs: the references in a spec, by ID and in place
//! check -> do they run as wanted  health: what is wrong with one
//! switch_secret -> one update     risk: what an update of such a service can cost
//!                                 take_back: its undo
//! converged, observe -> waiting   judge: is it converged?  watch: when to look again
//! seal -> forget the old spec     write: when a service may be written
//! ```

pub mod check;
pub mod converged;
mod health;
mod judge;
pub mod observe;
pub mod refs;
mod risk;
pub mod seal;
pub mod switch_secret;
mod take_back;
mod task;
pub mod using;
mod watch;
mod write;

pub use health::{Unhealthy, unhealthy};

/// How long tasks may take to run, unless the runbook says otherwise.
fn ten_minutes() -> windlass_engine::step::Span {
    windlass_engine::step::Span(std::time::Duration::from_secs(600))
}
