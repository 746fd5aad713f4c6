//! The swarm as the place where runs act: its cluster ID tells it from every other.
//!
//! The ID stays as long as the swarm does: managers may come and go, `--force-new-cluster` keeps
//! it, and so does a restored `/var/lib/docker/swarm`. A swarm that is left and made anew has
//! another one, and none of the secrets and services of the one before.

use async_trait::async_trait;
use serde_json::Value;
use windlass_engine::journal::Identity;
use windlass_engine::step::{ErrorClass, Place, StepError};

use super::check::{self, manager};
use crate::docker::Swarm;

/// Digits of a cluster ID that people are shown.
const SHORT: usize = 12;

/// A swarm, and how it is reached.
pub struct SwarmPlace {
    /// The swarm.
    pub swarm: Swarm,
    /// Its address, such as `unix:///var/run/docker.sock`.
    pub address: String,
}

#[async_trait]
impl Place for SwarmPlace {
    fn address(&self) -> &str {
        &self.address
    }

    async fn identity(&self) -> Result<Identity, StepError> {
        let doing = "ask which swarm this is";
        let info = self.swarm.info().await.map_err(|error| error.reading(doing))?;
        identity(&info).map_err(|error| {
            let message = format!("{doing}: {}", error.message);
            StepError { message, ..error }
        })
    }

    /// Looks as a runbook does that begins with a check.
    async fn ready(&self) -> Result<(), StepError> {
        let nodes = self.swarm.nodes_by_id();
        check::check(&self.swarm, check::OLDEST_API, nodes).await.map(drop)
    }
}

fn identity(info: &Value) -> Result<Identity, StepError> {
    let swarm = &info["Swarm"];
    if let (Some(id), Ok(())) = (swarm["Cluster"]["ID"].as_str(), manager(info)) {
        let short: String = id.chars().take(SHORT).collect();
        let manager = info["Name"].as_str().unwrap_or("without a name");
        let nodes = swarm["Nodes"].as_u64().unwrap_or_default();
        let nodes = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") };
        let name = format!("swarm {short} (manager {manager}, {nodes})");
        return Ok(Identity { id: id.to_owned(), name });
    }
    let message = match manager(info) {
        Err(message) => message,
        Ok(()) => "the managers have no leader".to_owned(),
    };
    // A daemon that has just begun, is locked or has lost the other managers will be a manager yet.
    let waits = match swarm["LocalNodeState"].as_str() {
        Some("active") => swarm["ControlAvailable"].as_bool() == Some(true),
        Some("locked" | "pending" | "error") => true,
        _ => false,
    };
    let class = if waits { ErrorClass::Transient } else { ErrorClass::Permanent };
    let code = if waits { "no_quorum" } else { "not_manager" };
    Err(StepError::new(class, code, message).hint(
        "Point DOCKER_HOST or `docker context use` at a manager: `docker node ls` there must work.",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn info(state: &str, control: bool, cluster: &Value) -> Value {
        let swarm = json!({
            "LocalNodeState": state, "ControlAvailable": control, "Cluster": cluster, "Nodes": 3,
        });
        json!({ "Name": "m1", "Swarm": swarm })
    }

    #[test]
    fn a_swarm_is_known_by_its_cluster_and_named_by_its_manager() {
        let cluster = json!({ "ID": "k3v8x1a2b3c4d5e6f7g8h9i0j" });
        let identity = identity(&info("active", true, &cluster)).unwrap();
        assert_eq!(identity.id, "k3v8x1a2b3c4d5e6f7g8h9i0j");
        assert_eq!(identity.name, "swarm k3v8x1a2b3c4 (manager m1, 3 nodes)");
    }

    #[test]
    fn who_will_be_a_manager_yet_is_waited_for_and_who_is_none_is_refused() {
        let table = [
            ("active", true, ErrorClass::Transient),
            ("locked", false, ErrorClass::Transient),
            ("pending", false, ErrorClass::Transient),
            ("active", false, ErrorClass::Permanent),
            ("inactive", false, ErrorClass::Permanent),
        ];
        for (state, control, class) in table {
            let error = identity(&info(state, control, &Value::Null)).unwrap_err();
            assert_eq!(error.class, class, "{state}: {error}");
        }
    }
}
