//! Snapshots, and what is made of reports.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod page;
mod report;
mod sample;
mod snapshot;
