//! The journal's format: what earlier versions wrote stays readable.

#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

mod fixture;
mod waits;
