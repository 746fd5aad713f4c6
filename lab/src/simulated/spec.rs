//! What kind of simulated swarm is wanted.

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// A simulated swarm to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulatedSpec {
    /// How many nodes.
    pub nodes: usize,
    /// How many of them are managers; the first ones.
    pub managers: usize,
    /// How many made-up services it has, with secrets, some of them shared.
    pub services: usize,
    /// Where IDs come from.
    pub seed: u64,
    /// What its clock shows at first.
    pub start: Millis,
    /// How long containers take.
    pub timings: Timings,
}

impl Default for SimulatedSpec {
    /// Three nodes, one manager, no services, on 2026-01-01.
    fn default() -> Self {
        let start = 1_767_225_600_000;
        let timings = Timings::default();
        SimulatedSpec { nodes: 3, managers: 1, services: 0, seed: 1, start, timings }
    }
}

/// How long containers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timings {
    /// To fetch the image and make the container.
    pub prepare_ms: i64,
    /// To start it: between the two, the same for the same task.
    pub start_ms: (i64, i64),
    /// To stop it.
    pub stop_ms: i64,
}

impl Default for Timings {
    fn default() -> Self {
        Timings { prepare_ms: 70, start_ms: (500, 1_000), stop_ms: 200 }
    }
}
