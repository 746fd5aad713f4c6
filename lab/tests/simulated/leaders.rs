//! Another leader, and the tasks that answer.

use serde_json::{Value, json};
use windlass_lab::simulated::{Edit, ServiceNow, SimulatedSpec, TaskNow};

use crate::bench::{Bench, app, ask, reference};

/// How long the replacement takes to get healthy.
const START_MS: i64 = 25_000;

/// Returns a swarm of three managers in which a start-first replacement of `web` is starting.
async fn starting(role: &str) -> Bench {
    let spec = SimulatedSpec { managers: 3, nodes: 4, ..SimulatedSpec::default() };
    let bench = Bench::with(&spec).await;
    let mut web = app("web", 1);
    web["UpdateConfig"] = json!({ "Order": "start-first", "Parallelism": 1 });
    let constraint = format!("node.role=={role}");
    web["TaskTemplate"]["Placement"] = json!({ "Constraints": [constraint] });
    let secret = bench.secret("db", "v").await;
    web["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([reference(&secret, "db", "db")]);
    bench.service(&web).await;
    bench.pass(3.0);
    let slow = Edit::SlowStart { service: "web".into(), ms: START_MS };
    bench.swarm.edit(&slow).unwrap();
    bench.swarm.edit(&Edit::ForceUpdate { service: "web".into() }).unwrap();
    bench.pass(1.0);
    assert_eq!(bench.states("web"), ["running running", "starting running"]);
    bench
}

fn web(bench: &Bench) -> ServiceNow {
    bench.swarm.look().services.into_iter().find(|service| service.name == "web").unwrap()
}

fn serving(bench: &Bench) -> Vec<TaskNow> {
    bench.tasks("web").into_iter().filter(|task| task.serves).collect()
}

#[tokio::test]
async fn a_replacement_that_is_left_alone_is_no_outage() {
    let bench = starting("worker").await;
    bench.pass(60.0);
    assert_eq!(bench.states("web"), ["shutdown shutdown", "running running"]);
    let serving_now = web(&bench).serving;
    assert_eq!((serving_now.tasks, serving_now.outages.len()), (1, 0));
    let most = serving_now.changes.iter().map(|(_, tasks)| *tasks).max();
    assert_eq!(most, Some(1), "the old one is told to stop when the new one runs");
    assert_eq!(serving(&bench)[0].secrets[0].1, "db");
}

#[tokio::test]
async fn a_second_update_stops_the_old_task_although_the_new_one_is_only_starting() {
    let bench = starting("worker").await;
    bench.change("web", |spec| spec["Labels"]["a"] = json!("b")).await;
    bench.pass(1.0);
    assert_eq!(bench.states("web"), ["shutdown shutdown", "starting running"]);
    assert!(serving(&bench).is_empty());
    bench.pass(60.0);
    assert_eq!(serving(&bench).len(), 1);
    let (service, now) = (web(&bench), bench.swarm.now());
    assert_eq!(service.serving.outages.len(), 1);
    let gap = service.serving.outage_ms_max(now);
    assert!((20_000..START_MS).contains(&gap), "{gap}");
}

#[tokio::test]
async fn a_new_leader_does_so_too_and_nothing_is_answered_before_it_is_there() {
    let bench = starting("worker").await;
    let leader = |bench: &Bench| bench.swarm.look().nodes.into_iter().find(|node| node.leader);
    let old = leader(&bench).unwrap().name;
    bench.swarm.change_leader();
    assert_eq!(leader(&bench), None);
    let (status, answer) = bench.ask("GET", "/services", &Value::Null).await;
    let said = answer["message"].as_str().unwrap();
    assert!(status == 500 && said.contains("desc = The swarm does not have a leader."), "{said}");
    let info = bench.get("/info").await;
    assert_eq!(info["Swarm"]["Error"], answer["message"]);
    assert_eq!(
        (&info["Swarm"]["Managers"], &info["Swarm"]["ControlAvailable"]),
        (&Value::Null, &json!(true))
    );
    assert!(ask(bench.served.socket(), "GET", "/_ping", &[], &Value::Null).await.is_some());
    let label = Edit::Label { service: "web".into(), key: "a".into(), value: "b".into() };
    assert!(bench.swarm.edit(&label).is_err(), "others can't write either");
    bench.pass(14.0);
    assert_eq!(bench.states("web"), ["running running", "starting running"]);
    bench.pass(1.0);
    assert_eq!(bench.states("web"), ["shutdown shutdown", "starting running"]);
    let new = leader(&bench).unwrap().name;
    assert_ne!(new, old);
    let shown = bench.get(&format!("/nodes/{new}")).await["ManagerStatus"]["Leader"].clone();
    assert_eq!(shown, true);
    bench.pass(60.0);
    assert_eq!(serving(&bench).len(), 1);
    let gap = web(&bench).serving.outage_ms_max(bench.swarm.now());
    assert!(gap > 5_000, "{gap}");
}

#[tokio::test]
async fn on_a_manager_the_task_then_runs_too_early_and_answers_nobody_until_it_is_replaced() {
    let bench = starting("manager").await;
    bench.swarm.change_leader();
    bench.pass(19.0);
    let task = bench.tasks("web").pop().unwrap();
    assert_eq!((task.state.as_str(), task.serves), ("running", false), "before it can be healthy");
    bench.pass(600.0);
    assert!(serving(&bench).is_empty());
    let serving_now = web(&bench).serving;
    assert_eq!(serving_now.outages.last().map(|outage| outage.until), Some(None));
    bench.swarm.edit(&Edit::ForceUpdate { service: "web".into() }).unwrap();
    bench.pass(60.0);
    assert_eq!(serving(&bench).len(), 1);
}

#[tokio::test]
async fn scaling_to_zero_is_no_outage_and_the_loss_of_the_only_node_is() {
    let bench = Bench::new().await;
    bench.service(&app("web", 1)).await;
    bench.pass(3.0);
    let scale = |replicas| Edit::Scale { service: "web".into(), replicas };
    bench.swarm.edit(&scale(0)).unwrap();
    bench.pass(10.0);
    bench.swarm.edit(&scale(1)).unwrap();
    bench.pass(10.0);
    assert_eq!(web(&bench).serving.outages, []);
    let node = bench.tasks("web").pop().unwrap().node.unwrap();
    bench.swarm.edit(&Edit::NodeDown { node }).unwrap();
    bench.pass(10.0);
    assert_eq!(web(&bench).serving.outages.len(), 1);
    assert_eq!(web(&bench).serving.tasks, 1);
}

#[tokio::test]
async fn a_leader_that_is_demoted_hands_over_and_a_worker_answers_nothing_about_the_swarm() {
    let spec = SimulatedSpec { managers: 3, ..SimulatedSpec::default() };
    let bench = Bench::with(&spec).await;
    let own = bench.get("/info").await["Swarm"]["NodeID"].as_str().unwrap().to_owned();
    let node = bench.get(&format!("/nodes/{own}")).await;
    assert_eq!(node["ManagerStatus"]["Leader"], true);
    let worker = json!({ "Role": "worker", "Availability": "active" });
    let version = &node["Version"]["Index"];
    bench.posted(&format!("/nodes/{own}/update?version={version}"), &worker).await;
    let leader = |bench: &Bench| bench.swarm.look().nodes.into_iter().find(|node| node.leader);
    assert_eq!(leader(&bench), None);
    bench.pass(1.0);
    assert_ne!(leader(&bench).unwrap().id, own);
    let (status, answer) = bench.ask("GET", "/services", &Value::Null).await;
    assert_eq!(status, 503);
    assert!(answer["message"].as_str().unwrap().starts_with("This node is not a swarm manager."));
}

/// A task that waits for an old one to stop, or for its delay, is not forgotten.
#[tokio::test]
async fn an_update_and_a_restart_under_way_go_on_under_the_new_leader() {
    let bench = Bench::with(&SimulatedSpec { managers: 3, ..SimulatedSpec::default() }).await;
    bench.service(&app("web", 2)).await;
    bench.pass(3.0);
    bench.swarm.edit(&Edit::SlowStop { service: "web".into(), ms: 20_000 }).unwrap();
    bench.swarm.edit(&Edit::ForceUpdate { service: "web".into() }).unwrap();
    bench.pass(1.0);
    bench.swarm.change_leader();
    bench.pass(120.0);
    assert_eq!(bench.update_state("web").await, "completed");
    assert_eq!(serving(&bench).len(), 2);
}
