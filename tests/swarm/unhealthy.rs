//! Services that don't run as they should before a rotation, and services that go away in it.

use crate::oracle::{assert_over, assert_serves};
use crate::rig::{Rig, all, code};

/// A rotation set somebody's paused rollout going, and took 2 of 3 tasks to 1 of 3. With a service
/// that no node fits it waited ten minutes, and was stuck although all references were old.
#[test]
fn services_that_do_not_run_as_they_should_are_refused_all_at_once_and_nothing_is_changed() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    rig.create_service("fine", "--replicas 1 --secret db");
    rig.create_service("stopped", "--replicas 3 --secret db");
    rig.docker("service update --detach --env-add REFUSE=old stopped");
    rig.wait_until("its rollout is paused", || {
        rig.inspect("stopped")["UpdateStatus"]["State"] == "paused"
    });
    let nowhere =
        "service create --detach --name nowhere --constraint node.labels.x==y --secret db";
    rig.docker(&format!("{nowhere} {}", windlass_lab::image::APP));
    let ps = "service ps --no-trunc --format {{.Error}} nowhere";
    rig.wait_until("it finds no node", || rig.docker(ps).contains("no suitable node"));
    let before = rig.inspect("stopped");

    let operator = rig.operator();
    for runbook in ["rotate-secret-same-name", "rotate-secret"] {
        let plan = operator.windlass(&format!("plan {runbook} -p secret=db"));
        let run = operator.rotate(runbook, "db", "new", "");
        for output in [plan, run] {
            assert_eq!(code(&output), 1, "{}", all(&output));
            for says in [
                "stopped: its update is paused",
                "nowhere: 0 of 1 tasks run: no suitable node",
                "docker service update --rollback stopped",
                "-p unhealthy=allow",
            ] {
                assert!(all(&output).contains(says), "no `{says}` in {}", all(&output));
            }
            assert!(!all(&output).contains("fine:"), "{}", all(&output));
        }
    }
    assert_eq!(rig.secret_names(), ["db"]);
    let now = rig.inspect("stopped");
    assert_eq!(now["Version"], before["Version"], "somebody wrote to it: {now}");

    rig.docker("service rm stopped");
    let more = "-p unhealthy=allow -p deadline=60s";
    let output = operator.rotate("rotate-secret", "db", "new", more);
    assert_eq!(code(&output), 0, "{}", all(&output));
    assert_eq!(rig.refs("nowhere")[0]["SecretName"], "db_v2");
    assert_serves(&rig, "fine", "/run/secrets/db", "new", 1);
    assert_eq!(rig.secret_names(), ["db_v2"]);
    assert_over(&operator);
}

/// In the first hop a removed service made the run undo all others; in the second the run was stuck, and
/// neither `retry` nor one `skip` helped.
#[test]
fn a_service_that_is_removed_in_the_middle_is_done_with() {
    let rig = Rig::up();
    let operator = rig.operator();
    for (secret, at) in [("one", "after-effect:7.2.1"), ("two", "after-effect:13")] {
        rig.create_secret(secret, "old");
        let (stays, goes) = (format!("{secret}-stays"), format!("{secret}-x-goes"));
        for name in [&stays, &goes] {
            rig.create_service(name, &format!("--replicas 1 --secret {secret}"));
        }
        assert_eq!(code(&operator.rotate_and_die(secret, "new", at)), -9);
        rig.docker(&format!("service rm {goes}"));
        let output = operator.windlass("resume");
        assert_eq!(code(&output), 0, "{at}: {}", all(&output));
        assert_serves(&rig, &stays, &format!("/run/secrets/{secret}"), "new", 1);
    }
    assert_eq!(rig.secret_names(), ["one", "two"]);
    assert_over(&operator);
}
