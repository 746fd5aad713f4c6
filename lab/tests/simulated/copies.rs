//! Copies of swarms as they are found: with networks, with what the model does not know, with
//! services that don't run.

use serde_json::{Value, json};
use windlass_lab::simulated::{Simulated, Snapshot, World};

use crate::bench::Bench;

const NODES: [&str; 2] = ["node000000000000000000001", "node000000000000000000002"];
const SERVICE: &str = "service000000000000000001";
const NETWORK: &str = "network000000000000000001";
/// When the snapshot was taken.
const TAKEN: &str = "2026-11-24T12:00:00Z";

fn node(id: &str, role: &str) -> Value {
    json!({
        "ID": id, "Spec": { "Role": role, "Availability": "active", "Labels": {} },
        "Description": { "Hostname": id, "Platform": { "OS": "linux", "Architecture": "x86_64" } },
        "Status": { "State": "ready" },
    })
}

/// Returns a swarm of two nodes and one service, as it is changed by `change`.
fn swarm(change: impl FnOnce(&mut Snapshot)) -> Snapshot {
    let spec = json!({
        "Name": "web", "Labels": {}, "Mode": { "Replicated": { "Replicas": 2 } },
        "TaskTemplate": {
            "ContainerSpec": { "Image": "shop/web:1" },
            "RestartPolicy": { "Condition": "any", "Delay": 2_000_000_000_i64 },
        },
    });
    let mut snapshot = Snapshot {
        version: Snapshot::VERSION,
        taken: TAKEN.to_owned(),
        api: "1.41".to_owned(),
        engine: "20.10.24".to_owned(),
        nodes: vec![node(NODES[0], "manager"), node(NODES[1], "worker")],
        services: vec![json!({ "ID": SERVICE, "Spec": spec })],
        secrets: Vec::new(),
        configs: Vec::new(),
        networks: Vec::new(),
        tasks: Vec::new(),
    };
    change(&mut snapshot);
    snapshot
}

fn network(name: &str, id: &str) -> Value {
    json!({ "Name": name, "Id": id, "Scope": "swarm", "Driver": "overlay", "Labels": { "a": "b" } })
}

/// Writes the service's own spec back, as every step does that changes a part of it.
async fn rewritten(bench: &Bench) -> Value {
    let service = bench.get(&format!("/services/{SERVICE}")).await;
    let mut spec = service["Spec"].clone();
    spec["TaskTemplate"]["ForceUpdate"] = json!(1);
    let path = format!("/services/{SERVICE}/update?version={}", service["Version"]["Index"]);
    bench.posted(&path, &spec).await;
    bench.pass(60.0);
    bench.get(&format!("/services/{SERVICE}")).await
}

/// Every stack has a network. Its services could not be written in a copy: "network ... not found".
#[tokio::test]
async fn a_service_on_networks_can_be_written() {
    // The daemon lists neither its own `host` nor what was removed while the swarm was read.
    let hidden = "network000000000000000002";
    let attached = json!([
        { "Target": NETWORK, "Aliases": ["***"] }, { "Target": hidden }, { "Target": "host" },
    ]);
    for list in ["/TaskTemplate", ""] {
        let snapshot = swarm(|swarm| {
            swarm.networks = vec![network("shop_app", NETWORK)];
            let spec = &mut swarm.services[0]["Spec"];
            spec.pointer_mut(list).unwrap()["Networks"] = attached.clone();
        });
        let bench = Bench::of(Simulated::from_snapshot(&snapshot, 1)).await;
        let written = rewritten(&bench).await;
        assert_eq!(written["UpdateStatus"]["State"], "completed", "{written}");
        let now = written["Spec"].pointer(list).unwrap()["Networks"].clone();
        assert_eq!(now, attached);
        let shown = bench.get("/networks/shop_app").await;
        assert_eq!((&shown["Id"], &shown["Labels"]["a"]), (&json!(NETWORK), &json!("b")));
        assert_eq!(bench.get(&format!("/networks/{hidden}")).await["Id"], hidden);
        let ingress = bench.get("/networks").await;
        let ingress = ingress.as_array().unwrap().iter().filter(|n| n["Ingress"] == true);
        assert_eq!(ingress.count(), 1);
    }
}

/// The daemon of one time accepts what that of another refuses. A copy takes it as it is.
#[tokio::test]
async fn what_the_model_would_refuse_or_does_not_know_is_named_and_in_nobodys_way() {
    let snapshot = swarm(|swarm| {
        swarm.nodes[1]["Status"]["State"] = json!("unknown");
        swarm.secrets = vec![json!({ "ID": "s1", "Spec": {
            "Name": "vaulted", "Driver": { "Name": "vault" } } })];
        swarm.configs = vec![json!({ "ID": "c1", "Spec": {
            "Name": "nginx", "Templating": { "Name": "golang" } } })];
        swarm.networks =
            vec![json!({ "Name": "lan", "Id": NETWORK, "Scope": "swarm", "Driver": "macvlan" })];
        let spec = &mut swarm.services[0]["Spec"];
        spec["UpdateConfig"] = json!({ "FailureAction": "of tomorrow" });
        spec["Tomorrow"] = json!({ "Of": ["a", "later", "Docker"] });
        spec["EndpointSpec"] = json!({ "Mode": "dnsrr" });
        spec["TaskTemplate"]["Resources"] = json!({ "Reservations": { "GenericResources": [
            { "DiscreteResourceSpec": { "Kind": "gpu", "Value": 1 } } ] } });
        spec["TaskTemplate"]["Networks"] = json!([{ "Target": NETWORK }]);
        let file = |name: &str| json!({ "Name": name, "UID": "0", "GID": "0", "Mode": 292 });
        let container = &mut spec["TaskTemplate"]["ContainerSpec"];
        container["Privileges"] = json!({ "CredentialSpec": { "Config": "c1" } });
        container["Mounts"] = json!([
            { "Type": "volume", "Source": "d", "Target": "/d",
                "VolumeOptions": { "DriverConfig": { "Name": "rexray" } } },
            { "Type": "cluster", "Source": "csi", "Target": "/c" },
        ]);
        container["Secrets"] = json!([
            { "SecretID": "s1", "SecretName": "vaulted", "File": file("a") },
            { "SecretID": "secret0000000000000000009", "SecretName": "gone", "File": file("b") },
        ]);
        container["Configs"] = json!([
            { "ConfigID": "c1", "ConfigName": "nginx", "Runtime": {} },
            { "ConfigID": "config0000000000000000009", "ConfigName": "away", "File": file("/c") },
        ]);
        let plugin = json!({ "Runtime": "plugin", "PluginSpec": { "Name": "rexray" } });
        let mode = json!({ "Global": {} });
        swarm.services.push(json!({
            "ID": "service000000000000000002",
            "Spec": { "Name": "volumes", "TaskTemplate": plugin, "Mode": mode },
        }));
    });
    let (copy, not_played) = Simulated::copied(&snapshot, 1);
    let all = not_played.join("\n");
    for words in [
        "the state unknown of a node, which is taken for ready",
        "the secret driver vault: values are made up (vaulted)",
        "the template of a config (nginx)",
        "the network driver macvlan (lan)",
        "UpdateConfig of service web: ",
        "generic resources: any node has them (web)",
        "credential specs (web)",
        "the volume driver rexray: any node has it (web)",
        "cluster volumes (CSI): any node has them (web)",
        "the secret gone of service web",
        "the config away of service web",
        "the runtime plugin: such services are left out (volumes)",
    ] {
        assert!(all.contains(words), "{words:?} is not in\n{all}");
    }
    assert_eq!(not_played.len(), 12, "{all}");
    let bench = Bench::of(copy).await;
    let written = rewritten(&bench).await;
    assert_eq!(written["Spec"]["Tomorrow"]["Of"][1], "later");
    assert_eq!(written["UpdateStatus"]["State"], "completed", "{written}");
}

/// A task of the service, as the daemon shows it after so many seconds.
fn task(slot: u64, desired: &str, state: &str, after_s: u64) -> Value {
    json!({
        "ID": format!("task{slot:09}{after_s:012}"), "ServiceID": SERVICE, "Slot": slot,
        "NodeID": NODES[usize::try_from(slot).unwrap() % 2], "DesiredState": desired,
        "CreatedAt": format!("2026-11-24T11:59:{:02}Z", after_s.saturating_sub(3)),
        "Spec": { "ContainerSpec": { "Image": "shop/web:1" } },
        "Status": { "State": state, "Timestamp": format!("2026-11-24T11:59:{after_s:02}Z") },
    })
}

/// One that ended, or does not get on, and why.
fn ended(slot: u64, state: &str, after_s: u64, message: &str, err: &str, code: i64) -> Value {
    let mut task = task(slot, "shutdown", state, after_s);
    task["Status"]["Message"] = json!(message);
    task["Status"]["Err"] = json!(err);
    task["Status"]["ContainerStatus"] = json!({ "ExitCode": code });
    task
}

fn with_tasks(tasks: &[Value]) -> Simulated {
    let snapshot = swarm(|swarm| swarm.tasks = tasks.to_vec());
    let copy = Simulated::from_snapshot(&snapshot, 1);
    copy.advance_to(copy.now() + 180_000);
    copy
}

fn running(world: &World) -> usize {
    world.tasks.iter().filter(|t| t.state == "running" && t.desired == "running").count()
}

fn errors(world: &World) -> Vec<&str> {
    world.tasks.iter().filter_map(|task| task.err.as_deref()).collect()
}

/// A rehearsal said that a rotation holds, because tasks ran in the copy that had never run.
#[test]
fn tasks_that_fail_go_on_failing_in_the_same_way_until_they_are_made_of_something_else() {
    let live = |slot: u64, state: &str, err: &str| {
        let mut task = task(slot, "running", state, 0);
        task["Status"]["Err"] = json!(err);
        task
    };
    let cases: [(&str, [Value; 2], &str); 6] = [
        (
            "no image",
            [1, 2].map(|slot| ended(slot, "rejected", 50, "preparing", "No such image", 0)),
            "No such image: shop/web:1",
        ),
        (
            "no bind source",
            [1, 2].map(|slot| {
                ended(slot, "rejected", 50, "preparing", "invalid mount config: bind source", 0)
            }),
            "invalid mount config: bind source",
        ),
        (
            "no such user",
            [1, 2].map(|slot| {
                ended(slot, "failed", 50, "starting", "starting container failed", 128)
            }),
            "starting container failed",
        ),
        (
            "it ends at once",
            [1, 2].map(|slot| ended(slot, "failed", 50, "started", "task: non-zero exit (3)", 3)),
            "task: non-zero exit (3)",
        ),
        (
            "no node, for a reason that the model does not know",
            [1, 2]
                .map(|slot| live(slot, "pending", "no suitable node (missing plugin on 2 nodes)")),
            "no suitable node (missing plugin on 2 nodes)",
        ),
        ("it is prepared without end", [1, 2].map(|slot| live(slot, "preparing", "")), ""),
    ];
    for (name, tasks, err) in cases {
        let copy = with_tasks(&tasks);
        let world = copy.look();
        let steady = err.contains("exit (3)");
        // What runs for a while before it fails may just do so.
        assert!(steady || running(&world) == 0, "{name}: {:#?}", world.tasks);
        assert!(err.is_empty() || errors(&world).contains(&err), "{name}: {:?}", errors(&world));
        // Somebody writes to the service, and changes nothing that counts.
        let line = "A=b".to_owned();
        let env = windlass_lab::simulated::Edit::Env { service: "web".into(), line };
        copy.edit(&env).unwrap();
        copy.advance_to(copy.now() + 120_000);
        assert!(steady || running(&copy.look()) == 0, "{name}");
        let image = "shop/web:2".to_owned();
        copy.edit(&windlass_lab::simulated::Edit::Image { service: "web".into(), image }).unwrap();
        copy.advance_to(copy.now() + 120_000);
        assert_eq!(running(&copy.look()), 2, "{name}: {:#?}", copy.look().tasks);
    }
}

#[test]
fn a_task_that_ends_again_and_again_does_so_although_one_runs_just_now() {
    let loops = |slot| {
        let err = "task: non-zero exit (1)";
        let failed = |after_s| ended(slot, "failed", after_s, "started", err, 1);
        [failed(40), failed(48), failed(56), task(slot, "running", "running", 59)]
    };
    let copy = with_tasks(&[1, 2].map(loops).concat());
    let before = copy.look();
    copy.advance_to(copy.now() + 60_000);
    let failed = |world: &World| {
        let failed = world.tasks.iter().filter(|t| t.state == "failed");
        failed.map(|t| t.id.clone()).collect::<Vec<_>>()
    };
    assert!(errors(&before).contains(&"task: non-zero exit (1)"), "{:?}", before.tasks);
    assert_ne!(failed(&before), failed(&copy.look()), "it has failed no more");
}

#[test]
fn what_fails_on_one_node_runs_on_another() {
    // Slot 1 is on the worker, where the image is missing; slot 2 on the manager.
    let tasks = [
        task(2, "running", "running", 10),
        ended(1, "rejected", 50, "preparing", "No such image", 0),
    ];
    let copy = with_tasks(&tasks);
    let world = copy.look();
    assert_eq!(running(&world), 1, "{:#?}", world.tasks);
    let runs = world.tasks.iter().find(|t| t.state == "running").unwrap();
    assert_eq!(runs.node.as_deref(), Some(NODES[0]));
}

/// An update that somebody's bad image has stopped: what runs is made from the spec before.
#[tokio::test]
async fn a_paused_update_stays_paused_and_what_runs_is_of_the_spec_before() {
    let mut old = task(1, "running", "running", 10);
    old["UpToDate"] = json!(false);
    old["Spec"]["ContainerSpec"]["Image"] = json!("shop/web:0");
    let snapshot = swarm(|swarm| {
        let service = &mut swarm.services[0];
        service["PreviousSpec"] = service["Spec"].clone();
        service["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Image"] = json!("shop/web:0");
        service["UpdateStatus"] = json!({
            "State": "paused", "StartedAt": "2026-11-24T11:59:20Z", "Message": "update paused",
        });
        let err = "task: non-zero exit (1)";
        swarm.tasks = vec![old, ended(2, "failed", 50, "starting", err, 1)];
    });
    let bench = Bench::of(Simulated::from_snapshot(&snapshot, 1)).await;
    bench.pass(120.0);
    let service = bench.get(&format!("/services/{SERVICE}")).await;
    assert_eq!(service["UpdateStatus"]["State"], "paused", "{service}");
    assert_eq!(service["UpdateStatus"]["StartedAt"], "2026-11-24T11:59:20Z");
    let world = bench.swarm.look();
    let runs: Vec<_> = world.tasks.iter().filter(|t| t.state == "running").collect();
    assert_eq!((runs.len(), runs[0].image.as_str()), (1, "shop/web:0"), "{:#?}", world.tasks);
    // Written down and built again, it is the same.
    let again = Simulated::from_snapshot(&bench.swarm.snapshot(), 2).look();
    let runs: Vec<_> = again.tasks.iter().filter(|t| t.state == "running").collect();
    assert_eq!((runs.len(), runs[0].image.as_str()), (1, "shop/web:0"), "{:#?}", again.tasks);
}

#[test]
fn slots_keep_their_numbers() {
    let tasks = [4, 7].map(|slot| task(slot, "running", "running", 10));
    let mut slots: Vec<u64> = with_tasks(&tasks).look().tasks.iter().map(|t| t.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, [4, 7]);
}
