//! The Docker daemon of a node: starting it, stopping it as a reboot does, killing it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::Child;

use crate::lab::{Lab, Node};
use crate::program::SYSTEM_PATH;
use crate::{api, cgroup, node, process, spec, wait};

/// A daemon on a busy machine answers within seconds; more is one that hangs.
const START_LIMIT: Duration = Duration::from_secs(60);

/// dockerd gives its containers 15 seconds, and itself a little more.
const STOP_LIMIT: Duration = Duration::from_secs(45);

/// A daemon, or the node around it, that does not do what it is told.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The node's files could not be written or its processes started.
    #[error("prepare node {node}: {source}")]
    File {
        /// The node.
        node: String,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon, or the node's process 1, ended right after its start.
    #[error("start the Docker daemon of {node}: it ended; the end of its log:\n{log}")]
    Exited {
        /// The node.
        node: String,
        /// The last lines of the log.
        log: String,
    },
    /// The daemon runs but does not answer.
    #[error("reach the Docker daemon of {node} within {seconds} s; the end of its log:\n{log}")]
    Silent {
        /// The node.
        node: String,
        /// How long was waited.
        seconds: u64,
        /// The last lines of the log.
        log: String,
    },
    /// The daemon did not end when it was told to.
    #[error("stop the Docker daemon of {node} within {seconds} s; `windlass lab down` ends it")]
    Lingers {
        /// The node.
        node: String,
        /// How long was waited.
        seconds: u64,
    },
}

impl DaemonError {
    pub(crate) fn file(node: &Node, source: io::Error) -> Self {
        Self::File { node: node.name.clone(), source }
    }

    pub(crate) fn exited(node: &Node) -> Self {
        Self::Exited { node: node.name.clone(), log: log_end(node) }
    }
}

/// Starts the daemon and waits until it answers; switches the node on if it is off.
/// Does nothing but wait if the daemon runs already.
pub(crate) async fn start(lab: &Lab, node: &Node) -> Result<(), DaemonError> {
    let mut child = None;
    if pid(&node.directory).is_none() {
        let holder = match node::holder(&node.directory) {
            Some(holder) => holder,
            None => node::switch_on(node).await?,
        };
        child = Some(spawn(lab, node, holder)?);
    }
    let mut ended = false;
    let answered = wait::until(START_LIMIT, async || {
        ended = child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
        ended || api::get(&node.socket, "/_ping").await.is_ok()
    });
    match (answered.await, ended) {
        (true, false) => Ok(()),
        (_, true) => Err(DaemonError::exited(node)),
        (false, false) => Err(DaemonError::Silent {
            node: node.name.clone(),
            seconds: START_LIMIT.as_secs(),
            log: log_end(node),
        }),
    }
}

/// Starts the daemon in its node. The returned process is the `nsenter` that waits for it: it
/// ends when the daemon does, and stays when the caller ends.
fn spawn(lab: &Lab, node: &Node, holder: Pid) -> Result<Child, DaemonError> {
    let at = |part: &str| node.directory.join(part).display().to_string();
    // After a kill these files name processes that may be somebody else by now; dockerd would
    // refuse to start, or wait for that one as for its containerd.
    let pid_file = node.directory.join("docker.pid");
    for stale in [&pid_file, &node.directory.join("exec/containerd/containerd.pid")] {
        match fs::remove_file(stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(DaemonError::file(node, error));
            }
            _ => {}
        }
    }
    let log = || node::log(&node.directory).map_err(|error| DaemonError::file(node, error));
    node::enter(holder, "dockerd")
        .env("PATH", search_path(lab.engine.as_deref()))
        .arg(mark(&node.directory))
        .arg(format!("--exec-root={}", at("exec")))
        .arg(format!("--pidfile={}", pid_file.display()))
        .arg(format!("--host=unix://{}", node.socket.display()))
        .arg(format!("--cgroup-parent=/{}/{}", cgroup::name(&lab.name), node.name))
        // systemd, where there is one, knows nothing of our groups.
        .arg("--exec-opt=native.cgroupdriver=cgroupfs")
        // Nobody answers there, so that look-ups in containers fail as well instead of going to
        // a public server; Docker drops loopback addresses from this list.
        .arg(format!("--dns={}", node.address))
        .args(["--dns-opt=timeout:1", "--dns-opt=attempts:1"])
        .stdout(log()?)
        .stderr(log()?)
        .spawn()
        .map_err(|error| DaemonError::file(node, error))
}

/// Returns where a daemon looks for its programs: first in its own engine, if it has one.
fn search_path(engine: Option<&Path>) -> String {
    let own = engine.map(spec::programs).unwrap_or_default();
    let own = own.iter().map(|part| part.display().to_string());
    own.chain([SYSTEM_PATH.to_owned()]).collect::<Vec<_>>().join(":")
}

/// Stops the daemon in order and waits until it and its containerd are gone: containerd's
/// socket is held till then, and a daemon started too early fails on it.
pub(crate) async fn stop(node: &Node) -> Result<(), DaemonError> {
    end(node, Signal::TERM).await
}

/// Kills the daemon; its containers go on without it, as after a crash.
pub(crate) async fn kill(node: &Node) -> Result<(), DaemonError> {
    end(node, Signal::KILL).await
}

async fn end(node: &Node, signal: Signal) -> Result<(), DaemonError> {
    process::signal(signal, |arguments| is_daemon(arguments, &node.directory));
    let gone = wait::until(STOP_LIMIT, async || {
        let (mark, directory) = (mark(&node.directory), &node.directory);
        process::find(|a| a.contains(&mark) || is_containerd(a, directory)).is_empty()
    });
    if gone.await {
        return Ok(());
    }
    Err(DaemonError::Lingers { node: node.name.clone(), seconds: STOP_LIMIT.as_secs() })
}

/// Returns the daemon's process number on this machine; none if it is not running.
pub(crate) fn pid(directory: &Path) -> Option<Pid> {
    process::find(|arguments| is_daemon(arguments, directory)).first().copied()
}

/// The argument that only this node's daemon has, and the `nsenter` that waits for it.
fn mark(directory: &Path) -> String {
    format!("--data-root={}", directory.join("data").display())
}

fn is_daemon(arguments: &[String], directory: &Path) -> bool {
    arguments[0].ends_with("dockerd") && arguments.contains(&mark(directory))
}

fn is_containerd(arguments: &[String], directory: &Path) -> bool {
    let config = directory.join("exec/containerd/containerd.toml");
    arguments[0].ends_with("containerd") && arguments.iter().any(|a| Path::new(a) == config)
}

fn log_end(node: &Node) -> String {
    let text = fs::read(node.directory.join("docker.log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
