//! The real docker command line, which knows nothing of simulations.

use std::fs;

use tokio::process::Command;
use windlass_lab::simulated::Flow;

use crate::bench::Bench;

/// A swarm whose clock runs fast, and the docker command line for it.
struct Docker {
    bench: Bench,
    home: tempfile::TempDir,
    _flow: Flow,
}

impl Docker {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let flow = bench.swarm.flow(50.0);
        Docker { bench, home: tempfile::tempdir().unwrap(), _flow: flow }
    }

    /// Returns whether it succeeded, its output, and what it complained of.
    async fn run(&self, words: &str) -> (bool, String, String) {
        let output = Command::new("docker")
            .args(words.split_whitespace())
            .env("DOCKER_HOST", self.bench.served.docker_host())
            .env("DOCKER_CONFIG", self.home.path())
            .current_dir(self.home.path())
            .output()
            .await
            .expect("the docker command line is there: apt-get install docker.io");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    async fn ok(&self, words: &str) -> String {
        let (ok, out, err) = self.run(words).await;
        assert!(ok, "docker {words}: {out}{err}");
        out
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_rotated_by_hand() {
    let docker = Docker::new().await;
    docker.file("value", "hunter2");
    docker.ok("secret create db_password value").await;
    docker.ok("service create --name web --replicas 2 --secret db_password windlass/app").await;
    assert!(docker.ok("service ls").await.contains("web"), "service ls");
    assert!(docker.ok("service ls --format {{.Replicas}}").await.contains("2/2"));
    docker.ok("secret create db_password.new value").await;
    let swap = "--secret-rm db_password --secret-add source=db_password.new,target=db_password";
    docker.ok(&format!("service update {swap} web")).await;
    let (ok, _, err) = docker.run("secret rm db_password.new").await;
    assert!(
        !ok && err.contains("secret 'db_password.new' is in use by the following service: web")
    );
    docker.ok("secret rm db_password").await;
    assert_eq!(docker.ok("secret ls --format {{.Name}}").await, "db_password.new\n");
    let running = "service ps web --filter desired-state=running --format {{.CurrentState}}";
    let running = docker.ok(running).await;
    assert_eq!(running.matches("Running").count(), 2, "{running}");
    let (_, out, err) = docker.run("service rollback --detach web").await;
    assert!(out.contains("web"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_its_secret_says_so_in_its_log() {
    let docker = Docker::new().await;
    docker.file("value", "bad-one");
    docker.ok("secret create pw value").await;
    docker
        .ok("service create --detach --name web --env REFUSE=bad --secret pw windlass/app:2")
        .await;
    let failed = async || {
        let tasks = docker.ok("service ps web --no-trunc --format {{.Error}}").await;
        tasks.contains("task: non-zero exit (3)")
    };
    while !failed().await {
        tokio::task::yield_now().await;
    }
    let (_, out, err) = docker.run("service logs web --raw").await;
    assert!(format!("{out}{err}").contains("app: refused to start: /run/secrets/pw holds"));
    assert!(!format!("{out}{err}").contains("bad-one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_listed_labelled_and_drained() {
    let docker = Docker::new().await;
    let nodes = docker.ok("node ls --format {{.Hostname}}/{{.Status}}/{{.ManagerStatus}}").await;
    let mut nodes: Vec<&str> = nodes.lines().collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["node001/Ready/Leader", "node002/Ready/", "node003/Ready/"]);
    docker.ok("node update --label-add disk=ssd --availability drain node002").await;
    let shown = docker.ok("node inspect --pretty node002").await;
    assert!(shown.contains("disk=ssd") && shown.contains("Drain"), "{shown}");
    docker.ok("service create --name g --mode global windlass/app").await;
    assert!(docker.ok("service ls --format {{.Replicas}}").await.contains("2/2"));
    assert!(docker.ok("info").await.contains("Managers: 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_deployed_twice_and_removed() {
    let docker = Docker::new().await;
    docker.file("value", "v");
    docker.ok("secret create outer value").await;
    docker.file(
        "stack.yml",
        r#"
version: "3.8"
services:
  web:
    image: windlass/app
    secrets: [outer, inner]
    configs: [settings]
    deploy: { replicas: 2, update_config: { order: start-first, failure_action: rollback } }
secrets:
  outer: { external: true }
  inner: { file: ./value }
configs:
  settings: { file: ./value }
"#,
    );
    docker.ok("stack deploy --detach=true -c stack.yml shop").await;
    assert!(docker.ok("stack ls --format {{.Name}}/{{.Services}}").await.contains("shop/1"));
    assert_eq!(docker.ok("config ls --format {{.Name}}").await, "shop_settings\n");
    let before = docker.bench.tasks("shop_web");
    docker.ok("stack deploy --detach=true -c stack.yml shop").await;
    let made = |tasks: &[windlass_lab::simulated::TaskNow]| {
        tasks.iter().map(|task| task.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(made(&before), made(&docker.bench.tasks("shop_web")), "nothing has changed");
    docker.ok("stack rm shop").await;
    assert_eq!(docker.ok("service ls --format {{.Name}}").await, "");
    assert_eq!(docker.ok("secret ls --format {{.Name}}").await, "outer\n");
}
