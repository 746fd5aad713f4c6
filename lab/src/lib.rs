//! Places to practise: real Docker swarms on this machine, thrown away afterwards.
//!
//! A runbook that restarts daemons and replaces secrets must be tried on something that behaves
//! exactly like production and that nobody will miss. A lab is that: real `dockerd` processes,
//! one for each node, each with its own network, host name, process tree and data, joined to
//! one swarm. Nothing is downloaded and nothing leaves the machine.
//!
//! ```text
//!  LabSpec --up--> network (bridge, namespaces) --> node (holder) --> daemon --> swarm --> Lab
//!                                                                     image ----^
//!  Lab --stop_node, kill_node, start_node--> daemon
//!  Lab --down--> nothing left: processes, mounts, namespaces, links, rules, cgroups, files
//! ```
//!
//! Everything that a lab makes on the machine can be derived from its name and its directory.
//! That is why [`Lab::down`] works for a lab that was only half made and for one whose daemons
//! have crashed, and why a second process can find the labs that a first one started.
//!
//! ```no_run
//! # async fn demo() -> Result<(), windlass_lab::LabError> {
//! use windlass_lab::{LabSpec, up};
//! let lab = up(&LabSpec::new("demo", 3), &|line| eprintln!("{line}")).await?;
//! println!("export DOCKER_HOST={}", lab.docker_host());
//! lab.down().await?;
//! # Ok(())
//! # }
//! ```

mod api;
mod ask;
mod cgroup;
mod daemon;
mod down;
pub mod image;
mod lab;
mod network;
mod node;
pub mod packages;
mod process;
mod program;
mod registry;
pub mod simulated;
mod spec;
mod status;
mod swarm;
mod up;
mod wait;

pub use api::ApiError;
pub use ask::feed;
pub use daemon::DaemonError;
pub use down::DownError;
pub use image::ImageError;
pub use lab::{Lab, LabError, Node};
pub use network::NetworkError;
pub use packages::PackagesError;
pub use program::ProgramError;
pub use registry::{find, list};
pub use spec::{LabSpec, SpecError};
pub use status::NodeStatus;
pub use swarm::SwarmError;
pub use up::up;
