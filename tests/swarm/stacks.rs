//! Whole stacks, as people have them, copied and rehearsed on. Every stack has a network, and no
//! service on a network could be written in a copy: "network ... not found".

use std::process::Stdio;

use crate::rig::{Operator, Rig, feed, text};

/// Images of the stacks that are played by the lab's own.
const IMAGES: [&str; 6] = [
    "redis:alpine",
    "postgres:9.4",
    "postgres:16.4",
    "bretfisher/examplevotingapp_vote:latest",
    "bretfisher/examplevotingapp_result:latest",
    "bretfisher/examplevotingapp_worker:java",
];

/// Those whose services mount files under `/app`, which is a file in the lab's own image.
const ORDERS: [&str; 2] =
    ["registry.example.com/orders-api:2026.07.01", "registry.example.com/orders-worker:2026.07.01"];
const WITHOUT_APP: &str = "FROM windlass/app:latest\nRUN mv /app /serve\nCMD [\"/serve\"]\n";

/// Gives each node the images of the stacks: no registry is at hand.
fn bring_images(rig: &Rig) {
    for node in 0..3 {
        for image in IMAGES {
            rig.lab().run(node, &["tag", windlass_lab::image::APP, image]).unwrap();
        }
        let mut build = rig.lab().docker(node);
        build.env("DOCKER_BUILDKIT", "0").args(["build", "--network", "none"]);
        build.args(ORDERS.iter().flat_map(|image| ["-t", image])).arg("-");
        let built = feed(&mut build, WITHOUT_APP.as_bytes());
        assert!(built.status.success(), "{}", text(&built.stderr));
    }
}

fn deploy(rig: &Rig, stack: &str) {
    let file = format!("{}/tests/stacks/{stack}.yml", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read(file).unwrap();
    let mut deploy = rig.lab().docker(0);
    deploy.args(["stack", "deploy", "--resolve-image", "never", "-c", "-", stack]);
    let deployed = feed(&mut deploy, &file);
    assert!(deployed.status.success(), "{}", text(&deployed.stderr));
}

/// Rehearses on the live swarm and on a snapshot; both must come to the same.
fn rehearse(operator: &Operator, args: &str, words: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("swarm.json");
    let output = operator.windlass(&format!("snapshot -o {}", file.display()));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for from in [String::new(), format!(" --snapshot {}", file.display())] {
        let mut command = operator.command(&format!("rehearse {args} --only clean{from}"));
        let output = command.env_remove("WINDLASS_LOG").stdin(Stdio::null()).output().unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{args}{from}: {said}");
        for word in words.iter().chain(&["✓ held clean"]) {
            assert!(said.contains(word), "{args}{from} does not say {word:?}: {said}");
        }
        assert!(!said.contains("not played"), "{said}");
    }
}

#[test]
fn stacks_on_overlay_networks_are_rehearsed_on_live_and_from_a_snapshot() {
    let rig = Rig::up();
    bring_images(&rig);
    for secret in ["psql_user", "psql_password", "orders_db_password_2026_07_v1"] {
        rig.create_secret(secret, "a value");
    }
    for config in ["orders_api_config_2026_07_v1", "orders_worker_config_2026_07_v1"] {
        let mut create = rig.lab().docker(0);
        let created = feed(create.args(["config", "create", config, "-"]), b"a: b\n");
        assert!(created.status.success(), "{}", text(&created.stderr));
    }
    let node = rig.docker("info --format {{.Swarm.NodeID}}");
    rig.docker(&format!("node update --label-add orders.postgres=true {}", node.trim()));
    deploy(&rig, "voting");
    deploy(&rig, "orders");
    // And one on the nodes' own network, which no list of networks has.
    rig.docker(
        "service create --detach --name outside --network host --secret psql_user windlass/app:latest",
    );
    let services = rig.docker("service ls --format {{.Name}}");
    assert_eq!(services.lines().count(), 9, "{services}");
    for service in services.lines() {
        rig.wait_until(&format!("{service} runs"), || rig.is_steady(service));
    }
    let operator = rig.operator();
    let same = "rotate-secret-same-name -p secret";
    let words = &["switch voting_db", "switch voting_result", "switch voting_worker"];
    rehearse(&operator, &format!("{same}=psql_password"), words);
    rehearse(&operator, &format!("{same}=psql_user"), &["switch outside", "switch voting_db"]);
    let words = &["switch orders_api", "switch orders_worker", "switch orders_postgres"];
    rehearse(&operator, "rotate-secret -p secret=orders_db_password_2026_07_v1", words);
}

/// A rehearsal said that all would be well, and the run was stuck: 0 of 1 tasks ran, for want of an
/// image. Now plan, rehearsal and run say the same.
#[test]
fn a_service_that_does_not_run_is_told_alike_by_plan_rehearsal_and_run() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    rig.create_service("web", "--secret db");
    rig.docker("service create --detach --no-resolve-image --name broken --secret db nope/app:1");
    let rejected = || rig.docker("service ps --no-trunc broken").contains("No such image");
    rig.wait_until("the image is missing", rejected);
    let operator = rig.operator();
    let directory = tempfile::tempdir().unwrap();
    let value = directory.path().join("value");
    std::fs::write(&value, "new").unwrap();
    let same = "rotate-secret-same-name -p secret=db";
    let run = format!("run {same} --yes --secret value=@{}", value.display());
    for args in [format!("plan {same}"), format!("rehearse {same}"), run] {
        let mut command = operator.command(&args);
        let output = command.env_remove("WINDLASS_LOG").stdin(Stdio::null()).output().unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_ne!(output.status.code(), Some(0), "{args}: {said}");
        assert!(said.contains("broken: 0 of 1 tasks run"), "{args}: {said}");
        assert!(said.contains("No such image: nope/app:1"), "{args}: {said}");
    }
    assert_eq!(rig.secret_names(), ["db"], "something was changed");
}
