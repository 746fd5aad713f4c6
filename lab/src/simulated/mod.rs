//! A swarm that is simulated in this process.

mod snapshot;

pub use snapshot::Snapshot;
