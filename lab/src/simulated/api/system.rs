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
            "Cluster": cluster(model),
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
    Answer::json(200, info.to_string())
}

pub(crate) fn swarm(model: &Model) -> Answer {
    let mut swarm = cluster(model);
    swarm["JoinTokens"] =
        json!({ "Worker": "SWMTKN-1-simulated-worker", "Manager": "SWMTKN-1-simulated-manager" });
    Answer::json(200, swarm.to_string())
}

fn cluster(model: &Model) -> Value {
    json!({
        "ID": model.cluster.as_str(),
        "Version": { "Index": 10 },
        "CreatedAt": render::stamp(model.started),
        "UpdatedAt": render::stamp(model.started),
        "Spec": {
            "Name": "default",
            "Labels": {},
            "Orchestration": { "TaskHistoryRetentionLimit": model.history_max },
            "Raft": {
                "SnapshotInterval": 10_000, "KeepOldSnapshots": 0,
                "LogEntriesForSlowFollowers": 500, "ElectionTick": 10, "HeartbeatTick": 1,
            },
            "Dispatcher": { "HeartbeatPeriod": 5_000_000_000_i64 },
            "CAConfig": { "NodeCertExpiry": 7_776_000_000_000_000_i64 },
            "TaskDefaults": {},
            "EncryptionConfig": { "AutoLockManagers": false },
        },
        "TLSInfo": render::tls(),
        "RootRotationInProgress": false,
        "DefaultAddrPool": ["10.0.0.0/8"],
        "SubnetSize": 24,
        "DataPathPort": 4789,
    })
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
