//! A lab is a real swarm: services, secrets and updates behave as in production.

use crate::support::{TestLab, ask, docker, docker_stdin, eventually};
use windlass_lab::image::{self, HEALTHCHECK};

const SECRET: &str = "/run/secrets/db_password";

#[tokio::test]
async fn services_run_with_their_secrets_and_answer_at_the_nodes() {
    let lab = TestLab::up('s', 3, 1).await;
    let list = docker(&lab, 0, &["node", "ls", "--format", "{{.Hostname}} {{.Status}}"]);
    let mut nodes: Vec<&str> = list.lines().collect();
    nodes.sort_unstable();
    let expected: Vec<String> = lab.nodes.iter().map(|n| format!("{} Ready", n.name)).collect();
    assert_eq!(nodes, expected);
    for status in lab.status().await {
        assert!(status.is_up() && status.api_version.is_some(), "{status:?}");
        assert_eq!(status.manager, status.name.ends_with("-n1"));
    }

    docker_stdin(&lab, 0, &["secret", "create", "db_1", "-"], b"hunter2-old");
    let create = "service create --detach --quiet --name app --replicas 2 --user 1000 \
                  --constraint node.role==worker --replicas-max-per-node 1 \
                  --secret source=db_1,target=db_password,uid=1000,mode=0400 \
                  --publish mode=host,published=8080,target=8080";
    let health = format!("--health-cmd={}", HEALTHCHECK[1]);
    let rest = [&health, "--health-interval=500ms", image::APP];
    let words: Vec<&str> = create.split_ascii_whitespace().chain(rest).collect();
    docker(&lab, 0, &words);
    for node in &lab.nodes[1..] {
        let answer = eventually("the app answers", || ask(node.address, image::PORT, "/"));
        let secret = &answer["secrets"][SECRET];
        assert_eq!(secret["fingerprint"], image::fingerprint(b"hunter2-old"), "{answer}");
        assert_eq!((&secret["uid"], &secret["mode"]), (&1000.into(), &"400".into()));
        assert_eq!(secret["size"], 11);
        assert_eq!(ask(node.address, image::PORT, "/cgi-bin/live"), Some(answer));
    }

    // Another value and another image.
    let (address, port) = (lab.nodes[1].address, image::PORT);
    docker_stdin(&lab, 0, &["secret", "create", "db_2", "-"], b"hunter2-new");
    let update = "service update --detach --quiet app --secret-rm db_1 \
                  --secret-add source=db_2,target=db_password,uid=1000,mode=0400 \
                  --update-parallelism 0 --update-monitor 1s --image windlass/app:2";
    docker(&lab, 0, &update.split_ascii_whitespace().collect::<Vec<_>>());
    let new = eventually("the update is done", || {
        ask(address, port, "/").filter(|answer| answer["version"] == "2")
    });
    assert_eq!(new["secrets"][SECRET]["fingerprint"], image::fingerprint(b"hunter2-new"));

    // The app refuses a value, and says more than it should.
    let refuse = "service create --detach --quiet --name bad --restart-condition none \
                  --constraint node.role==manager --secret db_2 \
                  --env REFUSE=hunter2 --env LEAK=1 windlass/app:latest";
    docker(&lab, 0, &refuse.split_ascii_whitespace().collect::<Vec<_>>());
    let tasks = ["service", "ps", "bad", "--no-trunc", "--format", "{{.Error}}"];
    let error = eventually("the app refuses", || {
        Some(docker(&lab, 0, &tasks)).filter(|error| !error.is_empty())
    });
    assert!(error.contains("non-zero exit (3)"), "{error}");
    let logs = lab.docker(0).args(["service", "logs", "--raw", "bad"]).output().unwrap();
    let said = String::from_utf8_lossy(&[logs.stdout, logs.stderr].concat()).into_owned();
    assert!(said.contains("refused to start") && said.contains("hunter2-new"), "{said}");
    lab.down().await;
}

#[tokio::test]
async fn a_request_in_flight_is_answered_while_the_app_stops() {
    let lab = TestLab::up('f', 1, 1).await;
    let address = lab.nodes[0].address;
    docker(&lab, 0, &["run", "--detach", "--name", "app", "--publish=8080:8080", image::APP]);
    eventually("the app answers", || ask(address, image::PORT, "/"));
    let slow = std::thread::spawn(move || ask(address, image::PORT, "/cgi-bin/slow"));
    eventually("the request is in flight", || {
        let busy = lab.docker(0).args(["exec", "app", "pidof", "sleep"]).output().unwrap();
        busy.status.success().then_some(())
    });
    docker(&lab, 0, &["stop", "app"]);
    let answer = slow.join().unwrap().expect("the request was cut off");
    assert_eq!(answer["version"], "1");
    let exit = docker(&lab, 0, &["inspect", "app", "--format={{.State.ExitCode}}"]);
    assert_eq!(exit, "0", "the app did not stop by itself");
    lab.down().await;
}
