//! A swarm as a document: Docker's own objects, to practise on what one really has.
//!
//! It holds no value of a secret, a config or an environment variable: `NAME=value` is kept as
//! `NAME`.
//!
//! ```text
//! model --written--> Snapshot --build--> model
//!                       |       objects that exist are taken as they are (readable)
//!                       |       tasks that fail go on failing            (past)
//!                       +--unplayed--> what the model can't play, by name
//! ```
//!
//! Whatever a real swarm holds, a copy can be built of it: nothing is refused. What the model does
//! not understand is left out of the copy and named.

mod build;
mod past;
mod readable;
mod unplayed;
mod written;

pub(crate) use build::Built;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A swarm as Docker's own objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The format.
    pub version: u32,
    /// When it was taken, RFC 3339.
    pub taken: String,
    /// The API version that was spoken.
    pub api: String,
    /// The engine's version.
    pub engine: String,
    /// `GET /nodes`.
    pub nodes: Vec<Value>,
    /// `GET /services`, without the values of environment variables.
    pub services: Vec<Value>,
    /// `GET /secrets`.
    pub secrets: Vec<Value>,
    /// `GET /configs`, without their data.
    pub configs: Vec<Value>,
    /// `GET /networks`, those of the swarm; none in a file of format 1.
    #[serde(default)]
    pub networks: Vec<Value>,
    /// `GET /tasks`. One that is made from an earlier spec of its service has `"UpToDate": false`,
    /// which Docker only tells by a filter.
    pub tasks: Vec<Value>,
}

impl Snapshot {
    /// The format that is written. Format 1 has no networks, and does not say why tasks fail.
    pub const VERSION: u32 = 2;
}
