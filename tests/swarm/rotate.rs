//! Clean rotations, over every kind of service that can hold a secret.

use crate::oracle::{Before, assert_nowhere, assert_over, assert_serves};
use crate::rig::{Rig, all, code};

/// Name, options, containers, path: a service and where it has the secret `db`.
const SERVICES: [(&str, &str, usize, &str); 8] = [
    ("one", "--replicas 1 --secret db", 1, "/run/secrets/db"),
    ("three", "--replicas 3 --secret db", 3, "/run/secrets/db"),
    ("everywhere", "--mode global --secret db", 3, "/run/secrets/db"),
    ("none", "--replicas 0 --secret db", 0, ""),
    (
        "twice",
        "--replicas 1 --secret other --secret source=db,target=pw --secret source=db,target=pw2",
        1,
        "/run/secrets/pw2",
    ),
    (
        "custom",
        "--replicas 2 --user 1000 --secret source=db,target=pw,uid=1000,gid=1000,mode=0400",
        2,
        "/run/secrets/pw",
    ),
    ("first", "--replicas 2 --update-order start-first --secret db", 2, "/run/secrets/db"),
    (
        "healthy",
        "--replicas 1 --secret db --health-cmd true --health-interval 500ms",
        1,
        "/run/secrets/db",
    ),
];

fn rotate_all(runbook: &str, renewed: &str, restarts: usize) {
    let rig = Rig::up();
    rig.create_secret("db", "the old value");
    rig.create_secret("other", "unrelated");
    for (name, options, ..) in SERVICES {
        rig.create_service(name, options);
    }
    let before: Vec<Before> = SERVICES.iter().map(|(name, ..)| Before::of(&rig, name)).collect();
    let operator = rig.operator();

    let plan = operator.windlass(&format!("plan {runbook} -p secret=db -p parallel=8"));
    assert_eq!(code(&plan), 0, "{}", all(&plan));
    let times = if restarts == 1 { "once" } else { "twice" };
    assert!(all(&plan).contains(&format!("three       {times}")), "{}", all(&plan));
    assert_eq!(rig.secret_names(), ["db", "other"], "a plan changes nothing");

    let output = operator.rotate(runbook, "db", "canary-value-7351", "-p parallel=8");
    assert_eq!(code(&output), 0, "{}", all(&output));
    for ((name, _, count, path), before) in SERVICES.iter().zip(&before) {
        before.assert_same_shape(&rig, "db", renewed);
        if *count > 0 {
            assert_serves(&rig, name, path, "canary-value-7351", *count);
        }
    }
    let mut names = vec![renewed.to_owned(), "other".to_owned()];
    names.sort();
    assert_eq!(rig.secret_names(), names);
    assert_over(&operator);
    assert_nowhere("canary-value-7351", &operator, &all(&output));

    // A rollback by hand finds a sealed service: nothing that is gone comes back.
    rig.docker("service rollback --detach one");
    rig.wait_until("the rollback of `one` is over", || {
        rig.inspect("one")["UpdateStatus"]["State"]
            .as_str()
            .is_none_or(|s| s.ends_with("completed"))
    });
    assert_serves(&rig, "one", "/run/secrets/db", "canary-value-7351", 1);
}

#[test]
fn same_name_rotation_over_every_kind_of_service() {
    rotate_all("rotate-secret-same-name", "db", 2);
}

#[test]
fn versioned_rotation_over_every_kind_of_service() {
    rotate_all("rotate-secret", "db_v2", 1);
}

#[test]
fn deploying_an_unchanged_stack_file_restarts_nothing_after_a_rotation_killed_or_not() {
    let rig = Rig::up();
    rig.create_secret("db_password", "old");
    rig.create_secret("aaa", "another, to have an order");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stack.yml");
    let stack = format!(
        "version: '3.9'\nservices:\n  api:\n    image: {}\n    deploy:\n      replicas: 2\n      update_config:\n        monitor: 1s\n    secrets: [db_password, aaa]\nsecrets:\n  db_password:\n    external: true\n  aaa:\n    external: true\n",
        windlass_lab::image::APP
    );
    std::fs::write(&file, stack).unwrap();
    let deploy = || {
        rig.docker(&format!("stack deploy --resolve-image never -c {} shop", file.display()));
    };
    deploy();
    rig.wait_until("the stack runs", || rig.served("shop_api").len() == 2);
    let before = Before::of(&rig, "shop_api");
    let operator = rig.operator();
    let output = operator.rotate("rotate-secret-same-name", "db_password", "new one", "");
    assert_eq!(code(&output), 0, "{}", all(&output));
    before.assert_same_shape(&rig, "db_password", "db_password");
    assert_serves(&rig, "shop_api", "/run/secrets/db_password", "new one", 2);

    let assert_deploy_restarts_nothing = |after: &str| {
        let tasks = || rig.docker("service ps -q --no-trunc shop_api");
        let before = tasks();
        deploy();
        let settled = || rig.inspect("shop_api")["UpdateStatus"]["State"] != "updating";
        rig.wait_until("the deploy is over", settled);
        assert_eq!(tasks(), before, "the deploy restarted tasks after {after}");
    };
    assert_deploy_restarts_nothing("a clean rotation");

    for at in ["after-effect:12", "after-effect:15.1.1"] {
        let value = format!("the value of {at}");
        let killed = operator.rotate_and_die("db_password", &value, at);
        assert_eq!(code(&killed), -9, "{}", all(&killed));
        let resumed = operator.windlass("resume");
        assert_eq!(code(&resumed), 0, "{}", all(&resumed));
        before.assert_same_shape(&rig, "db_password", "db_password");
        assert_serves(&rig, "shop_api", "/run/secrets/db_password", &value, 2);
        assert_deploy_restarts_nothing(at);
    }
}

#[test]
fn a_secret_shared_by_twelve_services_moves_with_all_of_them() {
    let rig = Rig::up();
    rig.create_secret("shared", "old");
    for n in 0..12 {
        rig.create_service(&format!("s{n}"), "--replicas 1 --secret shared");
    }
    let operator = rig.operator();
    let output = operator.rotate("rotate-secret-same-name", "shared", "new one", "-p parallel=12");
    assert_eq!(code(&output), 0, "{}", all(&output));
    for n in 0..12 {
        assert_serves(&rig, &format!("s{n}"), "/run/secrets/shared", "new one", 1);
    }
}
