//! What a client asks besides services: the node's containers, and the swarm itself.

use serde_json::{Value, json};

use crate::bench::{Bench, app};

#[tokio::test]
async fn containers_of_the_node_that_answers_are_listed() {
    let bench = Bench::new().await;
    bench.service(&app("web", 3)).await;
    bench.pass(3.0);
    let list = bench.get("/containers/json").await;
    assert_eq!(list.as_array().unwrap().len(), 1, "one of three nodes answers: {list}");
    let task = list[0]["Labels"]["com.docker.swarm.task.id"].as_str().unwrap();
    let status = bench.get(&format!("/tasks/{task}")).await["Status"].clone();
    assert_eq!(list[0]["Id"], status["ContainerStatus"]["ContainerID"]);
    let named = |name: &str| format!("/containers/json?filters={{\"name\":[\"{name}\"]}}");
    assert_eq!(bench.get(&named("web.")).await.as_array().unwrap().len(), 1);
    assert_eq!(bench.get(&named("other.")).await, json!([]));
    assert_eq!(bench.get("/system/df").await["Containers"].as_array().unwrap().len(), 1);
    assert_eq!(bench.get("/volumes").await["Volumes"], json!([]));
    assert_eq!(bench.get("/images/json").await[1]["RepoTags"], json!(["windlass/app:2"]));
}

#[tokio::test]
async fn a_node_leaves_its_swarm_and_makes_another_one() {
    let bench = Bench::new().await;
    bench.service(&app("web", 1)).await;
    let (status, said) = bench.refused("/swarm/init", &json!({})).await;
    assert_eq!((status, &said[..33]), (503, "This node is already part of a sw"));
    assert_eq!(bench.refused("/swarm/leave", &Value::Null).await.0, 503);
    bench.posted("/swarm/leave?force=1", &Value::Null).await;
    assert_eq!(bench.get("/info").await["Swarm"]["LocalNodeState"], "inactive");
    let (status, answer) = bench.ask("GET", "/services", &Value::Null).await;
    assert_eq!(status, 503);
    assert!(answer["message"].as_str().unwrap().contains("docker swarm init"));
    let spec = json!({ "Spec": { "Raft": { "SnapshotInterval": 5000 } } });
    bench.posted("/swarm/init", &spec).await;
    assert_eq!(bench.get("/services").await, json!([]));
    assert_eq!(bench.get("/nodes").await.as_array().unwrap().len(), 1);
    let swarm = bench.get("/swarm").await;
    assert_eq!(swarm["Spec"]["Raft"]["SnapshotInterval"], 5000);
    assert_eq!(swarm["Spec"]["Raft"]["ElectionTick"], 10);
    bench.service(&app("web", 1)).await;
    bench.pass(3.0);
    assert_eq!(bench.states("web"), ["running running"]);
}

/// Texts and numbers are those of Docker 20.10: a size without a pool is forgotten.
#[tokio::test]
async fn a_new_swarm_has_the_addresses_that_are_asked_for() {
    let bench = Bench::new().await;
    for (body, seen) in [
        (json!({}), json!([["10.0.0.0/8"], 24, 4_789])),
        (
            json!({ "DefaultAddrPool": ["2.0.0.0/16"], "SubnetSize": 28, "DataPathPort": 4_242 }),
            json!([["2.0.0.0/16"], 28, 4_242]),
        ),
        (json!({ "SubnetSize": 26 }), json!([["10.0.0.0/8"], 24, 4_789])),
    ] {
        bench.posted("/swarm/leave?force=1", &Value::Null).await;
        bench.posted("/swarm/init", &body).await;
        let swarm = bench.get("/swarm").await;
        assert_eq!(
            json!([swarm["DefaultAddrPool"], swarm["SubnetSize"], swarm["DataPathPort"]]),
            seen,
            "{body}"
        );
    }
    bench.posted("/swarm/leave?force=1", &Value::Null).await;
    for (body, said) in [
        (
            json!({ "DataPathPort": 80 }),
            "Datapath port number is not in valid range (1024-49151) : 80",
        ),
        (
            json!({ "DefaultAddrPool": ["nope"] }),
            "invalid base pool nope: invalid CIDR address: nope",
        ),
        (
            json!({ "DefaultAddrPool": ["2.0.0.0/30"] }),
            "invalid CIDR: \"2.0.0.0/30\". Subnet size is too small for pool: 24",
        ),
    ] {
        assert_eq!(bench.refused("/swarm/init", &body).await, (400, said.to_owned()));
    }
    let left = bench.refused("/swarm/leave?force=1", &Value::Null).await;
    assert_eq!(left, (503, "This node is not part of a swarm".to_owned()));
    let spec = json!({ "Raft": { "ElectionTick": 0 },
        "TaskDefaults": { "LogDriver": { "Name": "syslog" } } });
    bench.posted("/swarm/init", &json!({ "Spec": spec })).await;
    let swarm = bench.get("/swarm").await;
    assert_eq!(swarm["Spec"]["Raft"]["ElectionTick"], 10);
    assert_eq!(swarm["Spec"]["TaskDefaults"], json!({}));
}

#[tokio::test]
async fn a_swarm_is_updated_its_tokens_rotated_and_its_managers_locked() {
    let bench = Bench::new().await;
    let before = bench.get("/swarm").await;
    let version = &before["Version"]["Index"];
    let mut spec = before["Spec"].clone();
    spec["EncryptionConfig"]["AutoLockManagers"] = json!(true);
    let path = |query: &str| format!("/swarm/update?version={version}{query}");
    let odd = bench.refused(&path("&rotateWorkerToken=nope"), &spec).await;
    assert_eq!(odd, (400, "invalid value for rotateWorkerToken: nope".to_owned()));
    assert_eq!(bench.get("/swarm/unlockkey").await["UnlockKey"], "");
    bench.posted(&path("&rotateWorkerToken=true"), &spec).await;
    let after = bench.get("/swarm").await;
    assert_ne!(after["JoinTokens"]["Worker"], before["JoinTokens"]["Worker"]);
    assert_eq!(after["JoinTokens"]["Manager"], before["JoinTokens"]["Manager"]);
    let key = bench.get("/swarm/unlockkey").await["UnlockKey"].clone();
    assert!(key.as_str().unwrap().starts_with("SWMKEY-1-"), "{key}");
    assert_eq!(bench.refused(&path(""), &spec).await.0, 500, "the version is old");
}
