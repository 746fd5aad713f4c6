//! Making one swarm of several daemons, and knowing when it is ready.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::api::{self, ApiError};
use crate::lab::Node;
use crate::wait;

const READY_LIMIT: Duration = Duration::from_secs(60);

/// A swarm that did not come together.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// A daemon refused.
    #[error("form the swarm: {node}: {source}")]
    Refused {
        /// The node.
        node: String,
        /// What was asked and answered.
        source: ApiError,
    },
    /// Not all nodes became ready.
    #[error("wait for {node}: its swarm is `{state}` after {seconds} s; see {log}")]
    NotReady {
        /// The node.
        node: String,
        /// The last state seen.
        state: String,
        /// How long was waited.
        seconds: u64,
        /// The file with the daemon's log.
        log: String,
    },
}

/// Joins fresh daemons to one swarm: the first makes it, the rest join.
pub(crate) async fn form(nodes: &[Node]) -> Result<(), SwarmError> {
    let Some((first, rest)) = nodes.split_first() else {
        return Ok(());
    };
    let addresses = json!({ "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": first.address });
    call(first, "/swarm/init", &addresses).await?;
    let swarm = api::get(&first.socket, "/swarm").await;
    let swarm = swarm.map_err(|source| refused(first, source))?;
    let join = async |node: &Node| {
        let role = if node.manager { "Manager" } else { "Worker" };
        let body = json!({
            "ListenAddr": "0.0.0.0:2377",
            "AdvertiseAddr": node.address,
            "RemoteAddrs": [format!("{}:2377", first.address)],
            "JoinToken": swarm["JoinTokens"][role],
        });
        call(node, "/swarm/join", &body).await
    };
    // Managers one by one: each changes the membership of the raft group, and two changes at
    // once disturb each other.
    for node in rest.iter().filter(|node| node.manager) {
        join(node).await?;
    }
    try_join_all(rest.iter().filter(|node| !node.manager).map(join)).await?;
    Ok(())
}

async fn call(node: &Node, path: &str, body: &Value) -> Result<Value, SwarmError> {
    api::post(&node.socket, path, body).await.map_err(|source| refused(node, source))
}

fn refused(node: &Node, source: ApiError) -> SwarmError {
    SwarmError::Refused { node: node.name.clone(), source }
}

/// Waits until the node is an active member, and a manager one that can answer for the swarm.
pub(crate) async fn member(node: &Node) -> Result<(), SwarmError> {
    let mut state = String::from("unknown");
    let ready = wait::until(READY_LIMIT, async || {
        let info = api::get(&node.socket, "/info").await.unwrap_or_default();
        state = info["Swarm"]["LocalNodeState"].as_str().unwrap_or("unreachable").to_owned();
        // A manager knows the list of nodes once it has found or become the leader.
        state == "active" && (!node.manager || api::get(&node.socket, "/nodes").await.is_ok())
    });
    if ready.await { Ok(()) } else { Err(not_ready(node, state)) }
}

/// Waits until the managers see every one of `nodes` ready for tasks.
pub(crate) async fn ready(nodes: &[Node]) -> Result<(), SwarmError> {
    let Some(first) = nodes.first() else {
        return Ok(());
    };
    let mut waiting = nodes.to_vec();
    let all = wait::until(READY_LIMIT, async || {
        let list = api::get(&first.socket, "/nodes").await.unwrap_or_default();
        let is_ready = |name: &str| {
            list.as_array().into_iter().flatten().any(|node| {
                node["Description"]["Hostname"] == name && node["Status"]["State"] == "ready"
            })
        };
        waiting.retain(|node| !is_ready(&node.name));
        waiting.is_empty()
    });
    if all.await {
        return Ok(());
    }
    let late = waiting.first().unwrap_or(first);
    Err(not_ready(late, "not ready for tasks".to_owned()))
}

fn not_ready(node: &Node, state: String) -> SwarmError {
    let log = node.directory.join("docker.log").display().to_string();
    SwarmError::NotReady { node: node.name.clone(), state, seconds: READY_LIMIT.as_secs(), log }
}
