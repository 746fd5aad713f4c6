//! The journal's stores and its format: what they promise, and what they do when everything is
//! done to them.

#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

mod conformance;
mod damage;
mod differential;
mod fixture;
mod forgetting;
mod home;
mod kill;
mod waits;
