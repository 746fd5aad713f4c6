//! The Docker Engine API, as far as steps need it.
//!
//! Everything is raw JSON at the daemon's own API version: typed models drop the fields that they
//! don't know, and an older version drops the fields that it doesn't; either way a rotation could
//! switch off somebody's seccomp profile.
//!
//! ```text
//! endpoint: where the daemon is -> client: bytes -> connection: its API -> swarm: objects
//!                                     within: a daemon in this process
//! error: what may be done          events: when to look again          logs: what a task said
//! ```

mod client;
mod connection;
mod endpoint;
mod error;
mod events;
mod handed;
mod listing;
mod logs;
mod swarm;
mod within;

pub use connection::api_number;
pub use endpoint::{Endpoint, EndpointError, Environment, Tls};
pub use error::DockerError;
pub use events::{Event, Watch, Woken};
pub(crate) use listing::Listing;
pub use swarm::{Nodes, Swarm};
pub use within::{Answer, Daemon};
