//! Waits: no thread is held, deadlines outlive the process, and people decide once.
//!
//! How: a clock that is set by hand, forward and back; a store that forgets what was not synced;
//! and threads counted by their names.

#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod approval;
mod clock;
mod death;
mod lives;
mod many;
mod people;
mod place;
mod plans;
mod rig;
mod takeup;
mod time;
mod turns;
mod vigil;
#[expect(dead_code, reason = "the battery has faults that are of no use here")]
#[path = "../battery/world.rs"]
mod world;
