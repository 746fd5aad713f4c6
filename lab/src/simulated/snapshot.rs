//! What a swarm looked like at one moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The shape of a swarm: Docker's own JSON objects, without anything that must stay there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of this format: 1.
    pub version: u32,
    /// When it was taken.
    pub taken: String,
    /// The API that the daemon speaks, such as `1.41`.
    pub api: String,
    /// The version of the daemon.
    pub engine: String,
    /// The nodes.
    pub nodes: Vec<Value>,
    /// The services.
    pub services: Vec<Value>,
    /// The secrets, without values.
    pub secrets: Vec<Value>,
    /// The configs, without data.
    pub configs: Vec<Value>,
    /// The tasks.
    pub tasks: Vec<Value>,
}
