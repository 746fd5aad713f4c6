//! A lab that exists: its nodes, and what can be done to them.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::api::{self, ApiError};
use crate::daemon::{self, DaemonError};
use crate::down::{self, DownError};
use crate::image::ImageError;
use crate::network::NetworkError;
use crate::packages::PackagesError;
use crate::spec::{LabSpec, SpecError};
use crate::swarm::{self, SwarmError};
use crate::{node, program};

/// A lab that could not be made, found, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The caller is not root.
    #[error("make or remove a lab: it runs Docker daemons and needs root; run it with sudo")]
    NotRoot,
    /// A lab of this name is up, or being made.
    #[error(
        "make the lab `{0}`: it is up, or another process makes it; use it, end it with \
         `windlass lab down --name {0}`, or choose another name"
    )]
    AlreadyUp(String),
    /// No lab of that name.
    #[error(
        "find a lab `{0}`: `windlass lab status` shows the labs of this machine, \
         `windlass lab up --name {0}` makes one"
    )]
    NoSuchLab(String),
    /// There is no such node in the lab.
    #[error("find node {index}: lab `{lab}` has nodes 0 to {last}")]
    NoSuchNode {
        /// The lab.
        lab: String,
        /// What was asked for.
        index: usize,
        /// The last node's index.
        last: usize,
    },
    /// The record of the lab can't be read or written.
    #[error("keep the record of the lab in {path}: {source}")]
    Record {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The lab is not possible.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Programs are missing.
    #[error(transparent)]
    Packages(#[from] PackagesError),
    /// The network could not be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A daemon did not obey.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The swarm did not come together.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// The test image could not be made.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Something of the lab could not be removed.
    #[error(transparent)]
    Down(#[from] DownError),
    /// A daemon refused an image.
    #[error("load the image: {0}")]
    Load(#[from] ApiError),
}

/// A lab, as recorded in `lab.json` in its directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// What it is called; part of the names of everything it has made on the machine.
    pub name: String,
    /// The machine's own address in the lab's network; none while that is not made yet.
    pub gateway: Option<Ipv4Addr>,
    /// Its nodes, managers first.
    pub nodes: Vec<Node>,
    /// Where its engine is, if it is not the machine's.
    #[serde(default)]
    pub engine: Option<PathBuf>,
    /// Whether it was made to the end; false while `up` runs and after it was interrupted.
    pub complete: bool,
    /// Its directory.
    #[serde(skip)]
    pub root: PathBuf,
}

/// One node of a lab: a Docker daemon that believes to be alone on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, which also is its host name and the name of its network namespace: `lab-n1`.
    pub name: String,
    /// Its address, reachable from this machine and from the other nodes. Ports that services
    /// publish in host mode are open here.
    pub address: Ipv4Addr,
    /// The socket of its daemon.
    pub socket: PathBuf,
    /// Whether it joined the swarm as a manager.
    pub manager: bool,
    /// Its directory: `data` and `exec` of the daemon, `docker.log`.
    pub directory: PathBuf,
}

impl Lab {
    /// Returns the lab of a specification before anything of it is made.
    pub(crate) fn planned(spec: &LabSpec) -> Self {
        let nodes = (0..spec.nodes).map(|index| {
            let name = format!("{}-n{}", spec.name, index + 1);
            let directory = spec.root.join(&name);
            let socket = directory.join("docker.sock");
            let manager = index < spec.managers;
            Node { name, address: Ipv4Addr::UNSPECIFIED, socket, manager, directory }
        });
        let (name, root, engine) = (spec.name.clone(), spec.root.clone(), spec.engine.clone());
        Self { name, gateway: None, engine, complete: false, nodes: nodes.collect(), root }
    }

    /// Returns the address of the first manager, for `DOCKER_HOST`.
    pub fn docker_host(&self) -> String {
        let socket = self.nodes.first().map(|node| node.socket.display().to_string());
        format!("unix://{}", socket.unwrap_or_default())
    }

    /// Returns the command `docker`, speaking to the node with this index (from 0).
    ///
    /// # Panics
    /// If there is no such node.
    pub fn docker(&self, index: usize) -> Command {
        let program = program::locate("docker").unwrap_or_else(|| "docker".into());
        let mut command = Command::new(program);
        for variable in ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"] {
            command.env_remove(variable);
        }
        command.arg("--host").arg(format!("unix://{}", self.nodes[index].socket.display()));
        command
    }

    /// Stops a node's daemon in order, as a reboot does, and waits until it is gone with its
    /// containers. Does nothing if it does not run.
    ///
    /// # Errors
    /// [`LabError::Daemon`] if it is still there after 45 s.
    pub async fn stop_node(&mut self, index: usize) -> Result<(), LabError> {
        Ok(daemon::stop(self.node(index)?).await?)
    }

    /// Kills a node's daemon with SIGKILL. Its containers stay, as after a crash of `dockerd`;
    /// the daemon ends them when it is started again.
    ///
    /// # Errors
    /// [`LabError::Daemon`] if the kernel does not end it.
    pub async fn kill_node(&mut self, index: usize) -> Result<(), LabError> {
        Ok(daemon::kill(self.node(index)?).await?)
    }

    /// Ends everything in a node at once, containers included, as a power cut does.
    ///
    /// # Errors
    /// [`LabError::Down`] if something still runs after 30 s.
    pub async fn cut_power(&mut self, index: usize) -> Result<(), LabError> {
        let directory = &self.node(index)?.directory;
        if node::switch_off(directory, down::LIMIT).await {
            return Ok(());
        }
        Err(DownError::Processes { directory: directory.clone() }.into())
    }

    /// Starts a node's daemon on the data that it has, and waits until it is a member of the
    /// swarm again. A manager answers for the swarm then, if the swarm has a quorum.
    ///
    /// # Errors
    /// [`LabError::Daemon`] if it does not start, with the end of its log; [`LabError::Swarm`]
    /// if it does not find its swarm within 60 s.
    pub async fn start_node(&mut self, index: usize) -> Result<(), LabError> {
        let node = self.node(index)?;
        daemon::start(self, node).await?;
        Ok(swarm::member(node).await?)
    }

    /// Loads an archive written by `docker save` into every node.
    ///
    /// # Errors
    /// [`LabError::Load`] with the daemon's answer.
    pub async fn load(&self, archive: &[u8]) -> Result<(), LabError> {
        let loads = self.nodes.iter().map(|node| async move {
            api::post_tar(&node.socket, "/images/load?quiet=1", archive).await
        });
        for answer in join_all(loads).await {
            answer?;
        }
        Ok(())
    }

    /// Removes everything that the lab has made: processes, mounts, namespaces, links, rules,
    /// control groups, files. Works for a lab that was only half made or has crashed, and again
    /// after it failed.
    ///
    /// # Errors
    /// [`LabError::NotRoot`]; [`LabError::Network`] and [`LabError::Down`] say what is left.
    pub async fn down(self) -> Result<(), LabError> {
        if !is_root() {
            return Err(LabError::NotRoot);
        }
        down::remove(&self).await
    }

    fn node(&self, index: usize) -> Result<&Node, LabError> {
        let last = self.nodes.len().saturating_sub(1);
        let missing = LabError::NoSuchNode { lab: self.name.clone(), index, last };
        self.nodes.get(index).ok_or(missing)
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
