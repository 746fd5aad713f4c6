//! The Docker Engine API, as far as it is simulated: what comes in, and what goes out.

pub(crate) mod events;
pub(crate) mod go;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod networks;
pub(crate) mod nodes;
pub(crate) mod objects;
pub(crate) mod query;
pub(crate) mod render;
pub(crate) mod route;
pub(crate) mod schema;
pub(crate) mod server;
pub(crate) mod services;
pub(crate) mod swarm;
pub(crate) mod system;
pub(crate) mod tasks;
