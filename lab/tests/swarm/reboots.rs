//! Daemons of a lab can be stopped, killed and cut off, and come back as real ones do.

use crate::support::{TestLab, ask, docker, eventually};
use windlass_lab::image;

#[tokio::test]
async fn a_swarm_survives_reboots_crashes_and_power_cuts_of_its_nodes() {
    let mut lab = TestLab::up('r', 3, 1).await;
    let create = "service create --detach --quiet --name app --mode global --restart-delay 0s \
                  --publish mode=host,published=8080,target=8080 windlass/app:latest";
    docker(&lab, 0, &create.split_ascii_whitespace().collect::<Vec<_>>());
    let addresses: Vec<_> = lab.nodes.iter().map(|node| node.address).collect();
    let host = |index: usize| {
        ask(addresses[index], image::PORT, "/").map(|answer| answer["host"].to_string())
    };
    let first: Vec<_> = (0..3).map(|i| eventually("the app answers", || host(i))).collect();

    lab.stop_node(0).await.unwrap();
    assert!(lab.status().await[0].pid.is_none());
    assert_eq!(host(0), None, "containers end with an orderly stop");
    lab.start_node(0).await.unwrap();
    assert!(lab.status().await[0].manager);
    eventually("the manager's task is replaced", || host(0).filter(|now| *now != first[0]));

    lab.kill_node(1).await.unwrap();
    assert_eq!(host(1).as_ref(), Some(&first[1]), "containers survive the crash of their daemon");
    lab.start_node(1).await.unwrap();
    eventually("the crashed worker's task is replaced", || host(1).filter(|now| *now != first[1]));

    lab.cut_power(2).await.unwrap();
    assert_eq!(host(2), None, "a power cut ends everything");
    lab.start_node(2).await.unwrap();
    eventually("the cut off worker's task is replaced", || host(2).filter(|now| *now != first[2]));

    lab.kill_node(0).await.unwrap();
    lab.start_node(0).await.unwrap();
    let nodes = ["node", "ls", "--format", "{{.Status}}"];
    eventually("all nodes are ready", || {
        (docker(&lab, 0, &nodes) == "Ready\nReady\nReady").then_some(())
    });
    assert!(lab.stop_node(3).await.unwrap_err().to_string().contains("nodes 0 to 2"));
    lab.down().await;
}
