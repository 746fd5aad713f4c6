//! Steps about services.
//!
//! ```text
//! using -> which services         refs: the references in a spec, by ID and in place
//! switch_secret -> one update     risk: what an update of such a service can cost
//! converged, observe -> waiting   judge: is it converged?  watch: when to look again
//! seal -> forget the old spec
//! ```

pub mod converged;
mod judge;
pub mod observe;
pub mod refs;
mod risk;
pub mod seal;
pub mod switch_secret;
mod task;
pub mod using;
mod watch;
