//! Bad input that needs a swarm to be seen: each with a clear message, the right exit code, and
//! nothing changed.

use crate::rig::{Rig, all, code, feed};

#[test]
fn what_can_not_work_is_refused_and_nothing_is_changed() {
    let rig = Rig::up();
    rig.create_secret("db", "old");
    let long = "a-name-of-sixty-one-letters-which-leaves-no-room-for-a-suffix";
    assert_eq!(long.len(), 61);
    rig.create_secret(long, "old");
    let operator = rig.operator();
    let huge = "x".repeat(512_000);
    let cases: [(&str, &str, i32, &[&str]); 5] = [
        ("nosuch", "v", 1, &["nosuch", "2 secrets", "docker secret ls"]),
        (long, "v", 1, &["64"]),
        ("db", "", 2, &["empty"]),
        ("db", &huge, 1, &["512000"]),
        ("dbx", "v", 1, &["did you mean", "db"]),
    ];
    for (secret, value, exit, says) in cases {
        let output = operator.rotate("rotate-secret-same-name", secret, value, "");
        assert_eq!(code(&output), exit, "{secret}: {}", all(&output));
        for word in says {
            assert!(all(&output).contains(word), "{secret}: no `{word}` in {}", all(&output));
        }
    }
    assert_eq!(rig.secret_names(), [long, "db"]);
    assert!(operator.json("runs --open").as_array().unwrap().is_empty());
}

#[test]
fn a_worker_and_a_lone_daemon_are_not_managers() {
    let rig = Rig::up();
    let operator = rig.operator();
    let worker = format!("unix://{}", rig.lab().nodes[2].socket.display());
    let args = "run rotate-secret -p secret=db --secret value=-";
    let output = feed(operator.command(args).env("DOCKER_HOST", worker), b"v");
    assert_eq!(code(&output), 8, "{}", all(&output));
    assert!(all(&output).contains("worker"), "{}", all(&output));
    assert!(!operator.state().join("owner.lock").exists(), "the state was touched");
}
