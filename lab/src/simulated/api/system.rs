//! The daemon about itself.

use serde_json::{Value, json};

use super::render::{self, API, ENGINE};
use super::route::{Answer, Content};
use crate::simulated::model::Model;
use crate::simulated::model::node::Role;
use crate::simulated::model::program::{is_app, is_missing};
use crate::simulated::model::refusal::Refusal;

pub(crate) fn ping() -> Answer {
    Answer { status: 200, content: Content::Text, body: b"OK".to_vec() }
}

pub(crate) fn version() -> Answer {
    let details = json!({
        "ApiVersion": API, "Arch": "amd64", "Experimental": "false", "MinAPIVersion": "1.12",
        "Os": "linux",
    });
    let version = json!({
        "Platform": { "Name": "" },
        "Components": [{ "Name": "Engine", "Version": ENGINE, "Details": details }],
        "Version": ENGINE,
        "ApiVersion": API,
        "MinAPIVersion": "1.12",
        "GitCommit": "simulated",
        "GoVersion": "go1.19.8",
        "Os": "linux",
        "Arch": "amd64",
        "KernelVersion": "6.1.0",
        "BuildTime": "2023-04-04T18:28:19.000000000+00:00",
    });
    Answer::json(200, version.to_string())
}

pub(crate) fn info(model: &Model) -> Answer {
    let managers = || model.nodes.values().filter(|node| node.role == Role::Manager);
    let remote = managers().map(
        |node| json!({ "NodeID": node.id.as_str(), "Addr": format!("{}:2377", node.address) }),
    );
    let own = &model.nodes.get(&model.own_node);
    let (name, address) =
        own.map_or((String::new(), String::new()), |n| (n.hostname.clone(), n.address.clone()));
    let running = own.map_or(0, |node| node.busy);
    let mut info = json!({
        "ID": "SIMU:LATE:D000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
        "Containers": running,
        "ContainersRunning": running,
        "ContainersPaused": 0,
        "ContainersStopped": 0,
        "Images": 2,
        "Driver": "overlay2",
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "SystemTime": render::stamp(model.now),
        "KernelVersion": "6.1.0",
        "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
        "OSVersion": "12",
        "OSType": "linux",
        "Architecture": "x86_64",
        "IndexServerAddress": "https://index.docker.io/v1/",
        "NCPU": 16,
        "MemTotal": 64_u64 << 30,
        "DockerRootDir": "/var/lib/docker",
        "Name": name,
        "Labels": [],
        "ExperimentalBuild": false,
        "ServerVersion": ENGINE,
        "Swarm": {
            "NodeID": model.own_node.as_str(),
            "NodeAddr": address,
            "LocalNodeState": "active",
            "ControlAvailable": true,
            "Error": "",
            "RemoteManagers": remote.collect::<Vec<_>>(),
            "Nodes": model.nodes.len(),
            "Managers": managers().count(),
            "Cluster": super::swarm::cluster(model),
        },
        "SecurityOptions": ["name=seccomp,profile=default"],
        "Warnings": null,
    });
    if let Err(refusal) = model.check_leader() {
        info["Swarm"]["Error"] = json!(refusal.message);
        for key in ["Nodes", "Managers", "Cluster"] {
            info["Swarm"][key] = Value::Null;
        }
    }
    if !model.swarm.active {
        info["Swarm"] = json!({
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false,
            "Error": "", "RemoteManagers": null,
        });
    }
    Answer::json(200, info.to_string())
}

pub(crate) fn image(name: &str) -> Result<Answer, Refusal> {
    if !is_app(name) || is_missing(name) {
        let tag = if name.contains(':') { "" } else { ":latest" };
        let message = format!("no such image: {name}: No such image: {name}{tag}");
        return Err(Refusal::new(404, message));
    }
    let version = if name.ends_with(":2") { "2" } else { "1" };
    let config = json!({
        "Env": ["PATH=/bin", format!("APP_VERSION={version}")],
        "Cmd": ["/app"],
        "ExposedPorts": { "8080/tcp": {} },
        "Labels": { "windlass.version": version },
    });
    let image = json!({
        "Id": format!("sha256:{version:0>64}"),
        "RepoTags": [name],
        "RepoDigests": [],
        "Created": "2026-01-01T00:00:00Z",
        "Config": config,
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 1_984_925,
    });
    Ok(Answer::json(200, image.to_string()))
}

/// As in the real lab, there is no registry.
pub(crate) fn no_registry() -> Refusal {
    Refusal::new(
        500,
        "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on \
         127.0.0.1:53: read udp 127.0.0.1:53: read: connection refused",
    )
}
