//! What a snapshot must not hold, what it must hold, and files that are none.

use std::path::Path;

use serde_json::{Value, json};
use windlass_lab::simulated::Snapshot;
use windlass_rehearsal::snapshot::{HIDDEN, SnapshotError, read, strip, text};

const CANARY: &str = "c4n4ry";

fn canary(place: &str) -> String {
    format!("{CANARY}-{place}")
}

/// The spec of a task with a canary wherever a person or a program may have put something.
fn task_spec() -> Value {
    json!({
        "ContainerSpec": {
            "Image": "registry.example/shop/api:1.4@sha256:00",
            "Labels": { "traefik.users": canary("container label") },
            "Command": ["/bin/server", canary("command")],
            "Args": ["--password", canary("argument")],
            "Env": [format!("PASSWORD={}", canary("env")), "URL=x=y", canary("env without a sign")],
            "Dir": canary("dir"), "User": "1000", "Hostname": canary("hostname"),
            "Groups": [canary("group")],
            "Healthcheck": { "Test": ["CMD-SHELL", canary("health check")], "Interval": 5_000_000_000_u64 },
            "Hosts": [canary("host")],
            "DNSConfig": { "Nameservers": [canary("name server")], "Options": [canary("dns")] },
            "Sysctls": { "net.x": canary("sysctl") },
            "Privileges": {
                "CredentialSpec": { "Config": "cfg1", "File": canary("credspec"), "Registry": canary("registry") },
                "SELinuxContext": { "User": canary("selinux") },
                "Seccomp": { "Mode": "custom", "Profile": canary("seccomp") },
            },
            "Mounts": [{
                "Type": "volume", "Source": "data", "Target": "/data",
                "VolumeOptions": {
                    "Labels": { "owner": canary("volume label") },
                    "DriverConfig": { "Name": "local", "Options": { "o": canary("mount option") } },
                },
            }],
            "Secrets": [{ "SecretID": "sec1", "SecretName": "db", "File": { "Name": "db", "UID": "0", "GID": "0", "Mode": 292 } }],
            "SomethingNew": { "Name": canary("a field of a later Docker") },
        },
        "LogDriver": { "Name": "gelf", "Options": { "gelf-address": canary("log option") } },
        "Placement": {
            "Constraints": ["node.labels.zone == a"],
            "Preferences": [{ "Spread": { "SpreadDescriptor": "node.labels.rack" } }],
        },
        "Networks": [{ "Target": "net1", "Aliases": [canary("alias")], "DriverOpts": { "k": canary("network option") } }],
        "Resources": { "Limits": { "MemoryBytes": 1024 } },
    })
}

fn spec() -> Value {
    json!({
        "Name": "shop_api",
        "Labels": {
            "com.docker.stack.namespace": "shop",
            "swarm.cronjob.schedule": "0 3 * * *",
            "traefik.http.middlewares.auth.basicauth.users": canary("service label"),
            "zone": canary("a label of a service by the name of one of a node"),
        },
        "TaskTemplate": task_spec(),
        "Mode": { "Replicated": { "Replicas": 3 } },
        "UpdateConfig": { "Order": "start-first", "FailureAction": "rollback", "Monitor": 1 },
        "EndpointSpec": { "Mode": "vip", "Ports": [{ "Protocol": "tcp", "PublishMode": "host", "PublishedPort": 80 }] },
    })
}

fn planted() -> Snapshot {
    let node = json!({
        "ID": "node1", "Version": { "Index": 9 },
        "Spec": { "Role": "manager", "Availability": "active",
            "Labels": { "zone": "a", "rack": "r1", "note": canary("node label") } },
        "Description": {
            "Hostname": "m1", "Platform": { "OS": "linux", "Architecture": "x86_64" },
            "Resources": { "NanoCPUs": 1, "MemoryBytes": 2 },
            "Engine": { "EngineVersion": "20.10.24", "Labels": { "engine": canary("engine label") } },
            "TLSInfo": { "TrustRoot": canary("tls"), "CertIssuerSubject": canary("tls"), "CertIssuerPublicKey": canary("tls") },
        },
        "Status": { "State": "ready", "Addr": canary("address"), "Message": canary("node message") },
        "ManagerStatus": { "Leader": true, "Reachability": "reachable", "Addr": canary("manager address") },
    });
    let service = json!({
        "ID": "svc1", "Version": { "Index": 10 }, "CreatedAt": "2026-01-01T00:00:00Z",
        "Spec": spec(), "PreviousSpec": spec(),
        "Endpoint": { "Spec": { "Mode": "vip" }, "VirtualIPs": [{ "NetworkID": "n", "Addr": canary("virtual ip") }] },
        "UpdateStatus": { "State": "completed", "Message": canary("update message") },
    });
    let secret = json!({
        "ID": "sec1",
        "Spec": {
            "Name": "db", "Data": canary("secret data"), "Templating": { "Name": "golang", "Options": { "k": canary("templating") } },
            "Labels": { "note": canary("secret label"), "io.windlass.run": "run_1" },
            "Driver": { "Name": "vault", "Options": { "token": canary("secret driver") } },
        },
    });
    let config = json!({ "ID": "cfg1", "Spec": { "Name": "nginx", "Data": canary("config data"), "Labels": {} } });
    let network = json!({
        "Name": "shop_app", "Id": "net1", "Created": "2026-01-01T00:00:00Z", "Scope": "swarm",
        "Driver": "overlay", "Attachable": true, "Ingress": false,
        "IPAM": { "Driver": "default", "Options": { "o": canary("ipam option") },
            "Config": [{ "Subnet": canary("subnet"), "Gateway": canary("gateway") }] },
        "Containers": { "c": { "Name": canary("container"), "IPv4Address": canary("ip") } },
        "Peers": [{ "Name": canary("peer"), "IP": canary("peer ip") }],
        "Options": { "encrypted": canary("network option") },
        "Labels": { "com.docker.stack.namespace": "shop", "owner": canary("network label") },
    });
    let task = json!({
        "ID": "task1", "ServiceID": "svc1", "NodeID": "node1", "Slot": 1, "Spec": task_spec(),
        "Labels": { "x": canary("task label") },
        "Status": {
            "State": "failed", "Timestamp": "2026-01-01T00:00:00Z", "Message": "started",
            "Err": format!("task: non-zero exit (1): {}", canary("task error")), "ContainerStatus": { "ContainerID": canary("container"), "PID": 5, "ExitCode": 1 },
        },
        "DesiredState": "shutdown",
        "NetworksAttachments": [{ "Network": { "Spec": { "Name": canary("network") } }, "Addresses": [canary("ip")] }],
    });
    Snapshot {
        version: Snapshot::VERSION,
        taken: "2026-11-21T03:04:05Z".into(),
        api: "1.41".into(),
        engine: "20.10.24".into(),
        nodes: vec![node],
        services: vec![service],
        secrets: vec![secret],
        configs: vec![config],
        networks: vec![network],
        tasks: vec![task],
    }
}

fn stripped() -> Snapshot {
    let mut snapshot = planted();
    strip(&mut snapshot);
    snapshot
}

#[test]
fn nothing_that_must_stay_in_the_swarm_is_in_the_file() {
    let before = text(&planted());
    assert!(
        before.matches(CANARY).count() > 60,
        "the canaries are gone before they are looked for"
    );
    let after = text(&stripped());
    let left: Vec<&str> = after.match_indices(CANARY).map(|(at, _)| &after[at..at + 40]).collect();
    assert!(left.is_empty(), "still there: {left:?}");
}

#[test]
fn what_a_rehearsal_needs_is_still_there() {
    let snapshot = stripped();
    let service = &snapshot.services[0];
    for spec in ["Spec", "PreviousSpec"] {
        let spec = &service[spec];
        let container = &spec["TaskTemplate"]["ContainerSpec"];
        assert_eq!(container["Env"], json!(["PASSWORD", "URL", HIDDEN]));
        assert_eq!(container["Command"], json!([HIDDEN, HIDDEN]));
        assert_eq!(container["Healthcheck"]["Test"], json!(["CMD-SHELL", HIDDEN]));
        assert_eq!(container["Healthcheck"]["Interval"], 5_000_000_000_u64);
        assert_eq!(container["Secrets"], task_spec()["ContainerSpec"]["Secrets"]);
        assert_eq!(container["Mounts"][0]["Source"], "data");
        assert_eq!(spec["TaskTemplate"]["Placement"], task_spec()["Placement"]);
        assert_eq!(spec["Labels"]["com.docker.stack.namespace"], "shop");
        assert_eq!(spec["Labels"]["swarm.cronjob.schedule"], "0 3 * * *");
        assert_eq!(spec["UpdateConfig"]["Order"], "start-first");
        assert_eq!(spec["EndpointSpec"]["Ports"][0]["PublishMode"], "host");
    }
    let node = &snapshot.nodes[0];
    assert_eq!(node["Spec"]["Labels"], json!({ "zone": "a", "rack": "r1", "note": HIDDEN }));
    assert_eq!(node["ManagerStatus"], json!({ "Leader": true, "Reachability": "reachable" }));
    assert_eq!(snapshot.secrets[0]["Spec"]["Driver"]["Name"], "vault");
    assert_eq!(snapshot.secrets[0]["Spec"]["Labels"]["io.windlass.run"], "run_1");
    assert_eq!(snapshot.tasks[0]["Status"]["State"], "failed");
    assert_eq!(snapshot.tasks[0]["Status"]["ContainerStatus"]["ExitCode"], 1);
    assert_eq!(snapshot.tasks[0]["Status"]["Message"], "started");
    assert_eq!(snapshot.tasks[0]["Status"]["Err"], "task: non-zero exit (1)");
    let network = &snapshot.networks[0];
    assert_eq!((&network["Name"], &network["Id"]), (&json!("shop_app"), &json!("net1")));
    assert_eq!(network["Labels"]["com.docker.stack.namespace"], "shop");
}

#[test]
fn a_file_gives_back_what_was_written() {
    let snapshot = stripped();
    assert!(read_text(&text(&snapshot)).unwrap() == snapshot);
}

fn read_text(text: &str) -> Result<Snapshot, SnapshotError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("swarm.json");
    std::fs::write(&path, text).unwrap();
    read(&path)
}

/// Files of the first release: no networks, and no word of why tasks fail.
#[test]
fn a_file_of_format_1_is_still_read() {
    let mut old = stripped();
    (old.version, old.networks) = (1, Vec::new());
    let written = text(&old).replacen(" \"networks\": [],\n", "", 1);
    assert!(!written.contains("networks\""), "{written}");
    assert!(read_text(&written).unwrap() == old);
}

#[test]
fn a_file_that_is_no_snapshot_is_refused_with_its_line_and_not_quoted() {
    let good = text(&stripped());
    let later = good.replacen("\"version\": 2", "\"version\": 3", 1);
    let nameless = good.replacen("\"Name\":\"shop_api\"", "\"Label\":\"shop_api\"", 1);
    let cases: [(&str, &str, &str); 8] = [
        ("", "swarm.json:1:", "EOF"),
        ("[]", "swarm.json:1:", "not a snapshot"),
        ("\"c4n4ry\"", "swarm.json:1:", "not a snapshot"),
        (
            "{\"services\": {\"db\": {\"password\": \"c4n4ry\"}}}",
            "swarm.json:1:",
            "missing field `version`",
        ),
        ("{\n \"version\": 1,\n \"taken\": c4n4ry", "swarm.json:3:", "expected value"),
        (
            "{\n \"version\": 1, \"taken\": \"\", \"api\": \"\", \"engine\": \"\",\n \"nodes\": \"c4n4ry\"}",
            "swarm.json:3:",
            "another kind of value",
        ),
        (&later, "swarm.json:2:", "has the format 3, and this windlass reads 1 to 2"),
        (&nameless, "swarm.json:9:", "has no name"),
    ];
    for (text, place, words) in cases {
        let error = read_text(text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(words), "{error}");
        assert!(error.contains("windlass snapshot"), "it does not say what to do: {error}");
        assert!(!error.contains(CANARY), "it repeats the file: {error}");
    }
    let error = read(Path::new("nowhere/swarm.json")).unwrap_err().to_string();
    assert!(error.contains("nowhere/swarm.json"), "{error}");
}
