//! What a snapshot of a real swarm holds, and what it must not hold.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::rig::{Rig, text};

#[test]
fn a_snapshot_of_a_real_swarm_has_its_shape_and_no_value() {
    const CANARY: &str = "c4n4ry";
    let rig = Rig::up();
    rig.create_secret("pass", "c4n4ry-secret");
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config");
    std::fs::write(&config, "c4n4ry-config").unwrap();
    rig.docker(&format!("config create --label note=c4n4ry-label conf {}", config.display()));
    let node = rig.docker("info --format {{.Swarm.NodeID}}");
    let node = node.trim();
    rig.docker(&format!("node update --label-add zone=east --label-add note=c4n4ry-node {node}"));
    rig.create_service(
        "web",
        "--no-resolve-image --replicas 2 --secret pass --config conf --env TOKEN=c4n4ry-env \
         --label traefik.users=c4n4ry-label --container-label x=c4n4ry-container \
         --constraint node.labels.zone==east --hostname c4n4ry-host --host c4n4ry-h:10.0.0.9 \
         --health-cmd c4n4ry-health||true --health-interval 1s --log-driver json-file --log-opt tag=c4n4ry-log \
         --mount type=volume,source=data,target=/data,volume-label=x=c4n4ry",
    );
    let planted = rig.docker("service inspect web");
    assert!(planted.matches(CANARY).count() >= 8, "{planted}");

    let operator = rig.operator();
    let file = directory.path().join("swarm.json");
    let path = file.to_str().unwrap();
    let output = operator.windlass(&format!("snapshot -o {path}"));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(!written.contains(CANARY), "{written}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let snapshot: Value = serde_json::from_str(&written).unwrap();
    let count = |list: &str| snapshot[list].as_array().unwrap().len();
    assert_eq!((count("nodes"), count("services"), count("secrets")), (3, 1, 1));
    assert!(count("tasks") >= 2);
    let spec = &snapshot["services"][0]["Spec"];
    let container = &spec["TaskTemplate"]["ContainerSpec"];
    assert_eq!(container["Env"], serde_json::json!(["TOKEN"]));
    assert_eq!(
        container["Secrets"],
        rig.inspect("web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"]
    );
    assert_eq!(container["Healthcheck"]["Interval"], 1_000_000_000_u64);
    let nodes = snapshot["nodes"].as_array().unwrap();
    assert!(nodes.iter().any(|node| node["Spec"]["Labels"]["zone"] == "east"));
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 2, "something else was left beside the file");

    // Taken again to standard output, from the host that is named.
    let host = rig.lab().docker_host();
    let output = operator.windlass(&format!("snapshot --from {host}"));
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(again["services"], snapshot["services"]);
}
