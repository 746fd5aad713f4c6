//! The control groups of a lab's containers.
//!
//! Containers of a node go below one group named after the lab instead of the shared `docker`,
//! so that `down` knows which ones to remove. Both layouts of the kernel are served: one tree
//! for each controller (v1) and the unified tree (v2).

use std::fs;
use std::path::{Path, PathBuf};

const MOUNT: &str = "/sys/fs/cgroup";

/// Returns the name of the group for `dockerd --cgroup-parent`.
pub(crate) fn name(lab: &str) -> String {
    format!("windlass-lab-{lab}")
}

/// Removes the lab's groups; returns false while one still holds a process.
pub(crate) fn remove(lab: &str) -> bool {
    groups(lab).iter().all(|group| remove_tree(group).is_ok())
}

fn groups(lab: &str) -> Vec<PathBuf> {
    let trees = fs::read_dir(MOUNT).into_iter().flatten().flatten().map(|entry| entry.path());
    trees
        .chain([MOUNT.into()])
        .map(|tree| tree.join(name(lab)))
        .filter(|group| group.is_dir())
        .collect()
}

/// The files in a group vanish with it; only its directories are ours to remove, inside first.
fn remove_tree(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
