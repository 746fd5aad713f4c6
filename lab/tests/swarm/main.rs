//! The lab on the real machine: needs root and Docker, takes about half a minute.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test panics, and tells how long")]

mod engines;
mod reboots;
mod services;
mod support;
mod traces;
