//! The console over real sockets, and an engine over memory with a few small steps.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod audit;
mod document;
mod duties;
mod events;
mod keys;
mod limits;
mod listen;
mod numbers;
mod people;
mod rig;
mod roles;
mod runs;
mod schema;
mod socket;
mod stream;
mod tokens;
mod traces;
mod world;
