//! The simulated swarm: what the real one was seen to do, and the docker command line against it.
#![expect(clippy::unwrap_used, reason = "a test panics where it can't go on")]

mod bench;
mod copies;
mod docker;
mod events;
mod faults;
mod leaders;
mod locals;
mod nodes;
mod objects;
mod rollouts;
mod tasks;
mod worlds;
