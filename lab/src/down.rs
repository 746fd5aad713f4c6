//! Removing a lab, from whatever state it is in.
//!
//! Processes first, since they hold everything else: with a node's process 1 the kernel ends
//! the rest of the node, and with them go its mounts, which no other process has. Then what is
//! visible on the machine. The record goes last, so that a `down` that was interrupted can be
//! repeated.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;

use crate::lab::{Lab, LabError};
use crate::{cgroup, network, node, wait};

/// How long the kernel may take to end processes; it normally takes milliseconds.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Something of a lab that could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum DownError {
    /// Processes did not end.
    #[error("end the processes of {directory}; try `windlass lab down` again, `ps` shows them")]
    Processes {
        /// The node's directory.
        directory: PathBuf,
    },
    /// Control groups still have members.
    #[error("remove the control groups of the lab {0}: processes are left in them")]
    Groups(String),
    /// Files could not be removed.
    #[error("remove {path}: {source}")]
    Files {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Removes everything of the lab.
pub(crate) async fn remove(lab: &Lab) -> Result<(), LabError> {
    let ended = lab.nodes.iter().map(|node| node::switch_off(&node.directory, LIMIT));
    for (node, ended) in lab.nodes.iter().zip(join_all(ended).await) {
        if !ended {
            return Err(DownError::Processes { directory: node.directory.clone() }.into());
        }
    }
    for node in &lab.nodes {
        network::unplug(&node.name).await?;
    }
    network::remove_bridge(&lab.name).await?;
    // A group counts its members for a moment after they have died.
    if !wait::until(LIMIT, async || cgroup::remove(&lab.name)).await {
        return Err(DownError::Groups(lab.name.clone()).into());
    }
    for node in &lab.nodes {
        remove_files(&node.directory)?;
    }
    lab.forget();
    Ok(())
}

fn remove_files(directory: &Path) -> Result<(), DownError> {
    match fs::remove_dir_all(directory) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DownError::Files { path: directory.to_owned(), source })
        }
        _ => Ok(()),
    }
}
