//! Whole swarms: made up, copied, written down and built again; and how large they may be.

use serde_json::{Value, json};
use windlass_lab::simulated::{Edit, Fault, On, Simulated, SimulatedSpec, Snapshot, What, World};

use crate::bench::Bench;

fn spec() -> SimulatedSpec {
    SimulatedSpec { nodes: 7, managers: 3, services: 60, seed: 5, ..SimulatedSpec::default() }
}

/// Returns how many tasks are to run and do.
fn running(world: &World) -> usize {
    world.tasks.iter().filter(|t| t.state == "running" && t.desired == "running").count()
}

fn work(swarm: &Simulated) -> World {
    let service = || "shop001_web".to_owned();
    let secret = Edit::CreateSecret { name: "new".into(), value: "v".into() };
    let from = "shop001_db_password".to_owned();
    let switch = Edit::SecretRefs { service: service(), from, to: "new".into() };
    for edit in [secret, switch, Edit::NodeDown { node: "node004".into() }] {
        swarm.edit(&edit).unwrap();
        swarm.advance_to(swarm.now() + 700);
    }
    swarm.advance_to(swarm.now() + 60_000);
    swarm.look()
}

#[test]
fn a_made_up_swarm_is_at_rest() {
    let swarm = Simulated::new(&spec());
    let world = swarm.look();
    assert_eq!((world.services.len(), world.nodes.len()), (60, 7));
    let wanted = |s: &Value| s["Mode"]["Replicated"]["Replicas"].as_u64().unwrap_or(0);
    let once = |s: &Value| s["TaskTemplate"]["RestartPolicy"]["Condition"] == "none";
    let specs = world.services.iter().map(|service| &service.spec);
    let replicas: u64 = specs.filter(|spec| !once(spec)).map(wanted).sum();
    assert_eq!(running(&world) as u64, replicas + 7);
    swarm.advance_to(swarm.now() + 3_600_000);
    let later = swarm.look();
    assert_eq!((later.tasks, later.services), (world.tasks, world.services));
}

#[test]
fn the_same_history_gives_the_same_swarm() {
    let (one, two) = (Simulated::new(&spec()), Simulated::new(&spec()));
    let worked = work(&one);
    assert_eq!(worked, work(&two));
    let other = Simulated::new(&SimulatedSpec { seed: 6, ..spec() });
    assert_ne!(worked.tasks, work(&other).tasks);
}

#[test]
fn a_fork_goes_its_own_way() {
    let swarm = Simulated::new(&spec());
    let before = swarm.look();
    let all = On { times: u32::MAX, ..On::default() };
    swarm.set_faults(vec![Fault { on: all, what: What::LoseRequest }]);
    let fork = swarm.fork();
    assert!(fork.faults_hit().is_empty() && fork.requests().is_empty());
    let worked = work(&fork);
    assert_eq!(swarm.look(), before);
    assert_eq!(work(&swarm), worked, "the same happens to both");
}

#[test]
fn a_fork_in_the_middle_of_an_update_ends_as_the_swarm_does() {
    let swarm = Simulated::new(&spec());
    swarm.edit(&Edit::ForceUpdate { service: "shop001_web".into() }).unwrap();
    swarm.advance_to(swarm.now() + 900);
    let fork = swarm.fork();
    let later = swarm.now() + 60_000;
    swarm.advance_to(later);
    fork.advance_to(later);
    assert_eq!(swarm.look(), fork.look());
}

#[tokio::test]
async fn a_snapshot_is_built_again_and_holds_no_value() {
    let bench = Bench::with(&spec()).await;
    let data = json!({ "Name": "c", "Data": "c2VjcmV0" });
    bench.posted("/configs/create", &data).await;
    let line = "TOKEN=hunter2".to_owned();
    bench.swarm.edit(&Edit::Env { service: "shop002_api".into(), line }).unwrap();
    bench.pass(60.0);
    let snapshot = bench.swarm.snapshot();
    let text = serde_json::to_string(&snapshot).unwrap();
    for value in ["hunter2", "old value", "b2xkIHZhbHVl", "c2VjcmV0"] {
        assert!(!text.contains(value), "{value}");
    }
    let read: Snapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(read, snapshot);

    let again = Simulated::from_snapshot(&read, 9);
    let (then, now) = (bench.swarm.look(), again.look());
    let names = |world: &World| {
        let services = world.services.iter().map(|s| (s.id.clone(), s.name.clone()));
        services.collect::<Vec<_>>()
    };
    assert_eq!((names(&then), running(&then)), (names(&now), running(&now)));
    let env = |world: &World| {
        let api = world.services.iter().find(|s| s.name == "shop002_api").unwrap();
        api.spec["TaskTemplate"]["ContainerSpec"]["Env"].clone()
    };
    assert_eq!(env(&now), json!(["SERVICE", "TOKEN"]));
    assert!(now.secrets.iter().all(|secret| secret.data.starts_with(b"made up for ")));
    let at_rest = again.look();
    again.advance_to(again.now() + 3_600_000);
    assert_eq!(again.look().tasks, at_rest.tasks);
}

#[tokio::test]
async fn what_is_made_in_a_copy_gets_an_id_of_its_own_whatever_the_seed() {
    let made = Simulated::new(&spec());
    let copy = Simulated::from_snapshot(&made.snapshot(), spec().seed);
    let known = copy.look().services.len();
    for n in 0..20 {
        let secret = "registry_token".to_owned();
        copy.edit(&Edit::CreateService { name: format!("new{n}"), secret }).unwrap();
    }
    assert_eq!(copy.look().services.len(), known + 20);
}

/// The limit is of the process: nextest gives each test its own.
#[tokio::test]
async fn ten_thousand_services_on_two_hundred_nodes_fit() {
    let spec =
        SimulatedSpec { nodes: 200, managers: 5, services: 10_000, ..SimulatedSpec::default() };
    let bench = Bench::with(&spec).await;
    assert_eq!(bench.get("/services").await.as_array().unwrap().len(), 10_000);
    for stack in 1..=200 {
        let service = format!("shop{stack:03}_web");
        bench.swarm.edit(&Edit::ForceUpdate { service }).unwrap();
    }
    bench.pass(60.0);
    let world = bench.swarm.look();
    let done = world.services.iter().filter(|s| s.update_status.as_deref() == Some("completed"));
    assert_eq!(done.count(), 200);
}
