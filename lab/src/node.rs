//! The node as a machine: a process that holds its namespaces open, apart from its daemon.
//!
//! The daemon could make them itself (`unshare ... dockerd`), but then a new start would not
//! see what the old one left: containers that survived `kill -9` keep their mounts and sockets
//! in the namespaces of the daemon that started them. On a real machine they stay visible, so
//! here they must too. Being process 1 of a process namespace, the holder also is the power
//! switch: when it dies the kernel ends everything in the node, containers included.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::daemon::DaemonError;
use crate::lab::Node;
use crate::program::{self, SYSTEM_PATH};
use crate::{network, process, wait};

const SCRIPT: &str = include_str!("node.sh");

/// The argument that marks a holder, followed by the node's directory.
const MARK: &str = "windlass-lab-node";

/// Returns the node's process 1, by its number on the machine; none while it still furnishes the
/// node, since a daemon that is started then would write to the machine's own /etc and /run.
pub(crate) fn holder(directory: &Path) -> Option<Pid> {
    let ready = |arguments: &[String]| arguments.last().is_some_and(|last| last == "ready");
    process::find(|arguments| is_first(arguments, directory) && ready(arguments)).first().copied()
}

/// Starts the holder, waits until the node is furnished, and returns its process 1.
pub(crate) async fn switch_on(node: &Node) -> Result<Pid, DaemonError> {
    let furnish = || {
        let exec = node.directory.join("exec");
        // On a real machine it is in /run, which is empty after a boot. What is left of an
        // earlier life names processes and mounts that this one does not have.
        if exec.exists() {
            fs::remove_dir_all(&exec)?;
        }
        ["etc", "data", "exec"]
            .iter()
            .try_for_each(|part| fs::create_dir_all(node.directory.join(part)))
    };
    furnish().map_err(|error| DaemonError::file(node, error))?;
    let log = log(&node.directory).map_err(|error| DaemonError::file(node, error))?;
    let namespace = format!("--net={}", network::namespace(&node.name).display());
    // A session of its own: a ^C for the command that made the lab must not reach the lab.
    let mut child = program::command("setsid")
        .args(["nsenter", &namespace])
        .args(["unshare", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["sh", "-c", SCRIPT, MARK])
        .arg(&node.directory)
        .arg(&node.name)
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|error| DaemonError::file(node, error))?;
    let mut line = String::new();
    if let Some(pipe) = child.stdout.take() {
        let read = BufReader::new(pipe).read_line(&mut line).await;
        read.map_err(|error| DaemonError::file(node, error))?;
    }
    let first = holder(&node.directory).filter(|_| line.trim() == "ready");
    first.ok_or_else(|| DaemonError::exited(node))
}

/// Ends everything in the node at once, as a power cut does. Returns false if something still
/// runs after `limit`.
pub(crate) async fn switch_off(directory: &Path, limit: Duration) -> bool {
    // Process 1 dies first, and its parent, which waits for it, last: so when the parent is
    // gone the kernel has ended all of the node. Without process 1 the parent has no task.
    process::signal(Signal::KILL, |arguments| is_first(arguments, directory));
    wait::until(limit, async || process::find(|a| is_holder(a, directory)).is_empty()).await
}

/// Returns a command that runs `program` inside the node, in a session of its own.
pub(crate) fn enter(holder: Pid, program: &str) -> Command {
    let mut command = program::command("setsid");
    command
        .arg("nsenter")
        .args(["--target", &holder.as_raw_nonzero().to_string()])
        .args(["--mount", "--uts", "--net", "--pid", "--", program])
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

/// Opens the node's log for appending.
pub(crate) fn log(directory: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(directory.join("docker.log"))
}

/// The holder's process 1 or its parent.
fn is_holder(arguments: &[String], directory: &Path) -> bool {
    arguments.windows(2).any(|pair| pair[0] == MARK && Path::new(&pair[1]) == directory)
}

fn is_first(arguments: &[String], directory: &Path) -> bool {
    arguments[0] == "sh" && is_holder(arguments, directory)
}
