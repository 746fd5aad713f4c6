//! Where this process itself runs, and what of the swarm it depends on.
//!
//! A daemon that drains its own node, or rotates the secret that its own service mounts, ends
//! itself in the middle of the run. The run is resumed afterwards, if anything starts the daemon
//! again; a person should know before it begins.

use std::fs;

use serde_json::Value;

use crate::docker::{DockerError, Swarm};

/// What this process depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnPlace {
    /// The node's host name, if it is known to run on a node of this swarm.
    pub node: Option<String>,
    /// The service that it is a task of.
    pub service: Option<String>,
    /// The secrets of that service.
    pub secrets: Vec<String>,
}

impl OwnPlace {
    /// Returns the names of the locks under which a run would pull it away.
    pub fn locks(&self) -> Vec<String> {
        let node = self.node.iter().map(|node| format!("node:{node}"));
        let service = self.service.iter().map(|service| format!("service:{service}"));
        let secrets = self.secrets.iter().map(|secret| format!("secret:{secret}"));
        node.chain(service).chain(secrets).collect()
    }

    /// Returns it in words, for a log.
    pub fn in_words(&self) -> String {
        match (&self.service, &self.node) {
            (Some(service), Some(node)) => format!("a task of the service {service} on {node}"),
            (Some(service), None) => format!("a task of the service {service}"),
            (None, Some(node)) => format!("a process on the node {node}"),
            (None, None) => "a process outside the swarm".to_owned(),
        }
    }
}

/// Finds out. `local` says whether the daemon is on this machine: then it is a node, and we run on it.
///
/// # Errors
/// If the daemon can't be asked.
pub async fn own_place(swarm: &Swarm, local: bool) -> Result<OwnPlace, DockerError> {
    let container = fs::read_to_string("/proc/self/mountinfo").ok();
    let container = container.as_deref().and_then(container_in);
    let task = match &container {
        Some(container) => swarm.tasks().await?.into_iter().find(|task| is_of(task, container)),
        None => None,
    };
    let Some(task) = task else {
        let node = match local {
            true => swarm.info().await?["Name"].as_str().map(str::to_owned),
            false => None,
        };
        return Ok(OwnPlace { node, ..OwnPlace::default() });
    };
    let nodes = swarm.nodes().await?;
    let node = nodes.iter().find(|node| node["ID"] == task["NodeID"]);
    let node = node.and_then(|node| node["Description"]["Hostname"].as_str());
    let service = match task["ServiceID"].as_str() {
        Some(id) => swarm.service(id).await?.unwrap_or_default(),
        None => Value::Null,
    };
    let secrets = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"].as_array();
    let secrets = secrets.into_iter().flatten().filter_map(|secret| secret["SecretName"].as_str());
    Ok(OwnPlace {
        node: node.map(str::to_owned),
        service: service["Spec"]["Name"].as_str().map(str::to_owned),
        secrets: secrets.map(str::to_owned).collect(),
    })
}

fn is_of(task: &Value, container: &str) -> bool {
    task["Status"]["ContainerStatus"]["ContainerID"] == container
}

/// Returns the ID of the container in which these mounts are: Docker mounts its own files into each.
fn container_in(mountinfo: &str) -> Option<String> {
    let id = |line: &str| {
        let (_, rest) = line.split_once("/containers/")?;
        let (id, file) = rest.split_once('/')?;
        let whole = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        (whole && file.starts_with("hostname ")).then(|| id.to_owned())
    };
    mountinfo.lines().find_map(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_known_by_the_files_that_docker_mounts() {
        let id = "8fdc1a3c2f5b".repeat(6)[..64].to_owned();
        let inside = format!(
            "612 590 0:52 / /proc rw,nosuid - proc proc rw\n\
             640 590 254:0 /var/lib/docker/containers/{id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw\n\
             641 590 254:0 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/vda rw\n"
        );
        assert_eq!(container_in(&inside), Some(id));
        assert_eq!(container_in("22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw"), None);
        assert_eq!(container_in("1 1 0:1 /containers/short/hostname /etc/hostname rw -"), None);
    }

    #[test]
    fn locks_name_what_it_stands_on() {
        let place = OwnPlace {
            node: Some("n1".to_owned()),
            service: Some("windlass".to_owned()),
            secrets: vec!["windlass-key".to_owned()],
        };
        assert_eq!(place.locks(), ["node:n1", "service:windlass", "secret:windlass-key"]);
        assert_eq!(place.in_words(), "a task of the service windlass on n1");
        assert_eq!(OwnPlace::default().locks(), Vec::<String>::new());
    }
}
