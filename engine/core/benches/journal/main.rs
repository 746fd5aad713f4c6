//! What recording costs: `cargo bench --bench journal`.
//!
//! Everything is a ratio of things measured in the same run, on the same disk, in turns: the disk
//! of a shared machine is three times slower in one minute than in the next. Medians are shown.
//! The scratch directory lies in `WINDLASS_BENCH_DIR`, or in the build directory; not on a tmpfs,
//! where fdatasync costs nothing and every figure would be a lie.

#![expect(clippy::unwrap_used, reason = "a bench that can't go on stops and says where")]
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod durable;
mod opening;
mod rig;

use std::path::PathBuf;

/// One line of the table.
pub fn row(what: &str, figure: &str, wanted: &str) {
    println!("{what:<58} {figure:>16}  {wanted}");
}

fn main() {
    if let Some(directory) = std::env::var_os(opening::CHILD) {
        return opening::child(&PathBuf::from(directory));
    }
    let parent = std::env::var_os("WINDLASS_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let only = std::env::var("WINDLASS_BENCH_ONLY").unwrap_or_default();
    let scratch = tempfile::tempdir_in(parent).unwrap();
    let chosen = |name: &str| only.is_empty() || only.split(',').any(|o| o == name);
    row("what", "measured", "target");
    if chosen("durable") {
        durable::measure(&scratch.path().join("durable"));
    }
    if chosen("length") {
        durable::measure_length(&scratch.path().join("length"));
    }
    if chosen("resume") {
        opening::measure_resume(&scratch.path().join("resume"));
    }
    if chosen("million") {
        opening::measure_million(&scratch.path().join("million"));
    }
}
