//! What is to be said before a rehearsal begins.

use windlass_lab::simulated::{Simulated, Snapshot};

/// What a copy of a swarm will be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// What of the swarm is not played, each by name.
    pub not_played: Vec<String>,
}

/// Returns what a copy of a swarm will be like.
pub fn prospect(snapshot: &Snapshot) -> Prospect {
    let (_, not_played) = Simulated::copied(snapshot, 1);
    Prospect { not_played }
}
