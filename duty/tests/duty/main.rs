//! Schedules and notices over a real engine: a store that can crash, a clock that is set by hand,
//! receivers on loopback.

#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod book;
mod couriers;
mod death;
mod mail;
mod missed;
mod nights;
mod overlap;
mod pages;
mod publishing;
mod receiver;
mod rig;
mod tls;
mod told;
mod world;
