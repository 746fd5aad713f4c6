//! Nodes that are paused, drained, lost, labelled.

use serde_json::{Value, json};
use windlass_lab::simulated::Edit;

use crate::bench::{Bench, app};

fn set(node: &str, availability: &str) -> Edit {
    Edit::Availability { node: node.into(), availability: availability.into() }
}

/// Returns on how many nodes tasks of the service run.
fn spread(bench: &Bench, service: &str) -> Vec<String> {
    let running = bench.tasks(service).into_iter().filter(|t| t.state == "running");
    let world = bench.swarm.look();
    let name = |id: String| world.nodes.iter().find(|n| n.id == id).unwrap().name.clone();
    let mut nodes: Vec<String> =
        running.filter(|t| t.desired == "running").filter_map(|t| t.node.map(name)).collect();
    nodes.sort_unstable();
    nodes
}

#[tokio::test]
async fn a_drained_node_is_left_and_nothing_comes_back_by_itself() {
    let bench = Bench::new().await;
    bench.service(&app("web", 3)).await;
    bench
        .service(&json!({
            "Name": "g",
            "TaskTemplate": { "ContainerSpec": { "Image": "nginx" } },
            "Mode": { "Global": {} },
        }))
        .await;
    bench.pass(3.0);
    assert_eq!(spread(&bench, "web"), ["node001", "node002", "node003"]);
    bench.swarm.edit(&set("node002", "drain")).unwrap();
    bench.pass(3.0);
    let left = spread(&bench, "web");
    assert!(left.len() == 3 && !left.contains(&"node002".to_owned()), "{left:?}");
    assert_eq!(spread(&bench, "g"), ["node001", "node003"]);
    bench.swarm.edit(&set("node002", "active")).unwrap();
    bench.pass(3.0);
    assert_eq!(spread(&bench, "web"), left);
    assert_eq!(spread(&bench, "g"), ["node001", "node002", "node003"]);
}

#[tokio::test]
async fn a_paused_node_keeps_its_global_task_as_it_is() {
    let bench = Bench::new().await;
    let global = json!({
        "Name": "g",
        "TaskTemplate": { "ContainerSpec": { "Image": "nginx" } },
        "Mode": { "Global": {} },
    });
    bench.service(&global).await;
    bench.pass(3.0);
    bench.swarm.edit(&set("node003", "pause")).unwrap();
    bench.swarm.edit(&Edit::Image { service: "g".into(), image: "nginx:2".into() }).unwrap();
    bench.pass(30.0);
    assert_eq!(bench.update_state("g").await, "completed");
    let old = |bench: &Bench| {
        let tasks = bench.tasks("g");
        tasks.iter().filter(|t| t.state == "running" && t.image == "nginx").count()
    };
    assert_eq!(old(&bench), 1);
    bench.swarm.edit(&set("node003", "active")).unwrap();
    bench.pass(10.0);
    assert_eq!(old(&bench), 0);
}

#[tokio::test]
async fn tasks_of_a_lost_node_start_elsewhere_and_its_own_stop_when_it_returns() {
    let bench = Bench::new().await;
    bench.service(&app("web", 3)).await;
    bench.pass(3.0);
    bench.swarm.edit(&Edit::NodeDown { node: "node002".into() }).unwrap();
    bench.pass(10.0);
    let running = bench.states("web").iter().filter(|s| *s == "running running").count();
    assert_eq!(running, 3);
    // Nobody knows what became of the one on the lost node.
    assert!(bench.states("web").contains(&"running shutdown".to_owned()));
    let status = bench.get("/services?status=true").await[0]["ServiceStatus"].clone();
    assert_eq!(status["RunningTasks"], 3);
    bench.swarm.edit(&Edit::NodeUp { node: "node002".into() }).unwrap();
    bench.pass(1.0);
    assert!(!bench.states("web").contains(&"running shutdown".to_owned()));
}

#[tokio::test]
async fn an_update_without_labels_wipes_them_and_pinned_tasks_are_rejected() {
    let bench = Bench::new().await;
    let node = bench.get("/nodes/node002").await;
    let update = format!("/nodes/node002/update?version={}", node["Version"]["Index"]);
    let spec = json!({ "Role": "worker", "Availability": "active", "Labels": { "db": "yes" } });
    bench.posted(&update, &spec).await;
    let stale = bench.refused(&update, &spec).await;
    assert_eq!(stale, (500, "rpc error: code = Unknown desc = update out of sequence".into()));
    let mut pinned = app("db", 1);
    pinned["TaskTemplate"]["Placement"] = json!({ "Constraints": ["node.labels.db == yes"] });
    bench.service(&pinned).await;
    bench.pass(3.0);
    assert_eq!(spread(&bench, "db"), ["node002"]);

    let node = bench.get("/nodes/node002").await;
    let update = format!("/nodes/node002/update?version={}", node["Version"]["Index"]);
    bench.posted(&update, &json!({ "Role": "worker", "Availability": "active" })).await;
    bench.pass(10.0);
    let tasks = bench.tasks("db");
    assert_eq!(tasks[0].state, "rejected");
    assert_eq!(tasks[0].err.as_deref(), Some("assigned node no longer meets constraints"));
    assert_eq!(tasks[1].state, "pending");
}

#[tokio::test]
async fn what_is_wrong_with_an_update_of_a_node_is_said_in_the_daemons_words() {
    let bench = Bench::new().await;
    let node = bench.get("/nodes/node001").await;
    let id = node["ID"].as_str().unwrap();
    let update = format!("/nodes/{id}/update?version={}", node["Version"]["Index"]);
    let last = "rpc error: code = FailedPrecondition desc = attempting to demote the last manager \
        of the swarm";
    for (spec, message) in [
        (json!({ "Availability": "active" }), "invalid Role: \"\""),
        (json!({ "Role": "manager" }), "invalid Availability: \"\""),
        (
            json!({ "Role": "manager", "Availability": "sleepy" }),
            "invalid Availability: \"sleepy\"",
        ),
        (json!({ "Role": "worker", "Availability": "active" }), last),
    ] {
        assert_eq!(bench.refused(&update, &spec).await, (400, message.to_owned()));
    }
    let (status, answer) = bench.ask("DELETE", &format!("/nodes/{id}"), &Value::Null).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().unwrap().contains("It must be demoted to worker"));
}
