//! What goes wrong in a swarm while a rotation is under way.

use std::process::Stdio;

use crate::oracle::{Before, assert_nowhere, assert_over, assert_serves};
use crate::rig::{Rig, all, code, feed, text};

#[test]
fn a_value_that_makes_tasks_fail_brings_everything_back_on_the_old_secret() {
    let rig = Rig::up();
    rig.create_secret("db", "good");
    for (name, action) in [("paused", "pause"), ("back", "rollback"), ("on", "continue")] {
        let options = format!(
            "--replicas 2 --secret db --env REFUSE=canary --env LEAK=1 --update-failure-action {action}"
        );
        rig.create_service(name, &options);
    }
    rig.create_service("fine", "--replicas 1 --secret db");
    let before: Vec<Before> =
        ["paused", "back", "on", "fine"].iter().map(|name| Before::of(&rig, name)).collect();
    for runbook in ["rotate-secret-same-name", "rotate-secret"] {
        let operator = rig.operator();
        let output = operator.rotate(runbook, "db", "canary-refused-9912", "");
        assert_eq!(code(&output), 1, "{runbook}: {}", all(&output));
        assert!(
            all(&output).contains("refused to start"),
            "the log lines say why: {}",
            all(&output)
        );
        before.iter().for_each(|service| service.assert_same_shape(&rig, "db", "db"));
        for (name, count) in [("paused", 2), ("back", 2), ("on", 2), ("fine", 1)] {
            assert_serves(&rig, name, "/run/secrets/db", "good", count);
        }
        assert_eq!(rig.secret_names(), ["db"]);
        assert_over(&operator);
        assert_nowhere("canary-refused", &operator, &all(&output));
    }
}

#[test]
fn a_tmp_secret_that_is_there_already_is_left_alone_and_named() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    rig.create_secret("db.tmp", "somebody's");
    rig.create_service("app", "--replicas 1 --secret db");
    let operator = rig.operator();
    let output = operator.rotate("rotate-secret-same-name", "db", "new one", "");
    assert_eq!(code(&output), 1, "{}", all(&output));
    assert!(all(&output).contains("docker secret rm db.tmp"), "{}", all(&output));
    assert_eq!(rig.secret_names(), ["db", "db.tmp"]);
    assert_serves(&rig, "app", "/run/secrets/db", "old", 1);

    rig.docker("secret rm db.tmp");
    let output = operator.rotate("rotate-secret-same-name", "db", "new one", "");
    assert_eq!(code(&output), 0, "{}", all(&output));
}

#[test]
fn a_name_that_is_taken_in_the_second_hop_is_stuck_with_a_way_on() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    rig.create_service("app", "--replicas 1 --secret db");
    let operator = rig.operator();
    let output = operator.rotate_and_die("db", "new one", "after-intent:13");
    assert_eq!(code(&output), -9);
    rig.create_secret("db", "somebody's");
    let output = operator.windlass("resume");
    assert_eq!(code(&output), 3, "{}", all(&output));
    assert!(all(&output).contains("somebody else"), "{}", all(&output));
    assert!(all(&output).contains("windlass retry"), "{}", all(&output));
    let again = operator.windlass("resume");
    assert_eq!(code(&again), 3, "{}", all(&again));

    rig.docker("secret rm db");
    let run = operator.runs().remove(0);
    let output = operator.windlass(&format!("retry {run} 13 --reason removed"));
    assert_eq!(code(&output), 0, "{}", all(&output));
    assert_serves(&rig, "app", "/run/secrets/db", "new one", 1);
    assert_eq!(rig.secret_names(), ["db"]);
}

#[test]
fn a_second_writer_and_a_service_created_meanwhile_are_dealt_with() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    for name in ["one", "two"] {
        rig.create_service(name, "--replicas 1 --secret db");
    }
    let operator = rig.operator();
    let args = "run rotate-secret-same-name -p secret=db --secret value=fd:0";
    let value = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(value.path(), "new one").unwrap();
    let child = operator
        .command(args)
        .stdin(std::fs::File::open(value.path()).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A second writer: labels move the version all the time, until the run is over.
    let over = std::sync::atomic::AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if over.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
                rig.lab()
                    .docker(0)
                    .args([
                        "service",
                        "update",
                        "--detach",
                        "--label-add",
                        &format!("n={n}"),
                        "one",
                    ])
                    .output()
                    .unwrap();
            }
        });
        rig.wait_until("the first hop has begun", || rig.secret_names().contains(&"db.tmp".into()));
        for file in ["cmdline", "environ"] {
            let seen = std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap();
            assert!(!text(&seen).contains("new one"), "the value is in {file}");
        }
        let late = rig
            .lab()
            .docker(0)
            .args(["service", "create", "--detach", "--name", "late", "--update-monitor", "1s"])
            .args(["--secret", "db", windlass_lab::image::APP])
            .output()
            .unwrap();
        assert!(late.status.success(), "{}", text(&late.stderr));
        let output = child.wait_with_output().unwrap();
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        output
    });
    assert_eq!(code(&output), 0, "{}", all(&output));
    for name in ["one", "two", "late"] {
        assert_serves(&rig, name, "/run/secrets/db", "new one", 1);
    }
    assert_eq!(rig.secret_names(), ["db"]);
}

#[test]
fn job_services_are_refused_with_the_reason_before_anything_changes() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    rig.docker_words(&[
        "service",
        "create",
        "--detach",
        "--mode",
        "replicated-job",
        "--name",
        "migrate",
        "--secret",
        "db",
        windlass_lab::image::APP,
        "true",
    ]);
    let operator = rig.operator();
    let output = operator.rotate("rotate-secret-same-name", "db", "new one", "");
    assert_eq!(code(&output), 1, "{}", all(&output));
    assert!(all(&output).contains("migrate"), "{}", all(&output));
    assert_eq!(rig.secret_names(), ["db"]);
}

#[test]
fn ctrl_c_puts_a_run_away_and_undo_takes_it_back() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    rig.create_service("app", "--replicas 1 --secret db");
    let operator = rig.operator();
    let args = "run rotate-secret-same-name -p secret=db -p window=10m --secret value=generate";
    let child = operator
        .command(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let waiting = || {
        let log = all(&operator.windlass("runs"));
        let runs = if log.contains("run_") { operator.runs() } else { Vec::new() };
        runs.first().is_some_and(|run| {
            all(&operator.windlass(&format!("log {run}"))).contains("service.observe intended")
        })
    };
    // Asked over the socket: the run is owned by the other process.
    rig.wait_until("the run waits in its window", waiting);
    let busy = feed(
        &mut operator.command("run rotate-secret-same-name -p secret=db --secret value=-"),
        b"another",
    );
    assert_eq!(code(&busy), 6, "the lock is held: {}", all(&busy));

    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 4, "{}", all(&output));
    assert!(all(&output).contains("windlass resume run_"), "{}", all(&output));

    let run = operator.runs().remove(0);
    let output = operator.windlass(&format!("undo {run}"));
    assert_eq!(code(&output), 0, "{}", all(&output));
    assert_serves(&rig, "app", "/run/secrets/db", "old", 1);
    assert_eq!(rig.secret_names(), ["db"]);
    assert_over(&operator);
}
