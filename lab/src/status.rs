//! How the nodes of a lab are, as far as can be seen from outside and as they say themselves.

use std::net::Ipv4Addr;

use futures_util::future::join_all;
use serde::Serialize;

use crate::lab::{Lab, Node};
use crate::{api, daemon};

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The process of its daemon on this machine; none if it is stopped.
    pub pid: Option<i32>,
    /// The version of Docker, such as `20.10.24`; none if the daemon does not answer.
    pub version: Option<String>,
    /// The newest version of the API that it speaks, such as `1.41`.
    pub api_version: Option<String>,
    /// What it thinks of its swarm: `active`, `pending`, `inactive`, `error`, `locked`.
    pub swarm: Option<String>,
    /// Whether it is a manager that can answer for the swarm right now.
    pub manager: bool,
}

impl NodeStatus {
    /// Returns true if the daemon runs, answers and is an active member of the swarm.
    pub fn is_up(&self) -> bool {
        self.pid.is_some() && self.swarm.as_deref() == Some("active")
    }
}

impl Lab {
    /// Returns how every node is; never fails, since a node may be in any state.
    pub async fn status(&self) -> Vec<NodeStatus> {
        join_all(self.nodes.iter().map(Node::status)).await
    }
}

impl Node {
    async fn status(&self) -> NodeStatus {
        let pid = daemon::pid(&self.directory).map(|pid| pid.as_raw_nonzero().get());
        let info = api::get(&self.socket, "/info").await.unwrap_or_default();
        let version = api::get(&self.socket, "/version").await.unwrap_or_default();
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        NodeStatus {
            name: self.name.clone(),
            address: self.address,
            pid,
            version: text(&version["Version"]),
            api_version: text(&version["ApiVersion"]),
            swarm: text(&info["Swarm"]["LocalNodeState"]),
            manager: info["Swarm"]["ControlAvailable"] == true,
        }
    }
}
