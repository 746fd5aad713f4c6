//! Evidence: what is signed is what was recorded, and what was changed is named.

#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

mod journal;
mod report;
mod tampering;
