//! The shape of a live swarm, without anything that must stay there.
//!
//! A rehearsal needs to know which services there are, what they refer to, where they may run and
//! how they are updated. It needs no value: not of a secret, a config or an environment variable,
//! and no word of a command line, since people put passwords there too. A snapshot is made to be
//! sent to a colleague.
//!
//! | | |
//! |---|---|
//! | [`take()`] | asks the daemon, six lists |
//! | [`strip()`] | keeps the texts that are on a list, and hides every other one |
//! | [`text`], [`read`] | a file, checked when it is read |

mod file;
mod labels;
mod phrases;
mod places;
mod strip;
mod take;

pub use file::{SnapshotError, read, text};
pub use strip::{HIDDEN, strip};
pub use take::{Taken, take};

/// The version of the format that is written. Earlier ones are read too; a later one is refused.
pub const VERSION: u32 = windlass_lab::simulated::Snapshot::VERSION;
