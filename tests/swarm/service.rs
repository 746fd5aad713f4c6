//! The daemon as a service of the swarm that it looks after, from the stack file that is shipped.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::rig::{Rig, all, feed, text};

const STACK: &str = include_str!("../../packaging/stack.yml");

/// Returns an archive of a root directory with the program and the libraries that it needs: there
/// is no registry that a base image could come from.
fn root() -> Vec<u8> {
    let root = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_windlass");
    let place = |from: &str, to: &str| {
        let to = root.path().join(to.trim_start_matches('/'));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    };
    place(program, "/usr/local/bin/windlass");
    let needs = text(&Command::new("ldd").arg(program).output().unwrap().stdout);
    let libraries = needs.split_whitespace().filter(|word| word.starts_with('/'));
    libraries.for_each(|library| place(library, library));
    let words = ["--create", "--file", "-", "--directory", root.path().to_str().unwrap(), "."];
    Command::new("tar").args(words).output().unwrap().stdout
}

/// Writes the stack file with this lab's socket in it.
fn stack(rig: &Rig, directory: &TempDir) -> String {
    let socket = rig.lab().docker_host().replace("unix://", "");
    let file = directory.path().join("stack.yml");
    let usual = "- /var/run/docker.sock:";
    assert!(STACK.contains(usual));
    std::fs::write(&file, STACK.replace(usual, &format!("- {socket}:"))).unwrap();
    file.display().to_string()
}

/// Runs windlass in the container of the daemon.
fn inside(rig: &Rig, words: &[&str]) -> std::process::Output {
    let container = rig.docker("ps --quiet --filter name=windlass_windlass");
    let exec = ["exec", container.trim(), "/usr/local/bin/windlass"];
    rig.lab().docker(0).args([&exec[..], words].concat()).output().unwrap()
}

#[test]
fn the_stack_file_makes_a_daemon_that_rotates_and_does_not_pull_itself_away() {
    let (rig, directory) = (Rig::up(), tempfile::tempdir().unwrap());
    let import = ["import", "--change", "ENTRYPOINT [\"/usr/local/bin/windlass\"]"];
    let import = [&import[..], &["--change", "CMD [\"serve\"]", "-", "windlass:0.1.0"]].concat();
    let imported = feed(rig.lab().docker(0).args(import), &root());
    assert!(imported.status.success(), "{}", all(&imported));
    rig.create_secret("windlass-key", &"5a".repeat(32));
    rig.create_secret("app", "old");
    rig.create_service("web", "--replicas 2 --secret app");
    let manager = rig.docker("node ls --filter role=manager --format {{.Hostname}}");
    rig.docker(&format!("node update --label-add windlass=true {}", manager.trim()));
    let file = stack(&rig, &directory);
    assert!(Path::new(&file).exists());
    rig.docker(&format!("stack deploy --resolve-image never -c {file} windlass"));
    let running = "service ls --filter name=windlass_windlass --format {{.Replicas}}";
    rig.wait_until("the daemon is healthy", || rig.docker(running).starts_with("1/1"));

    let logs = ["service", "logs", "--raw", "windlass_windlass"];
    let logs = all(&rig.lab().docker(0).args(logs).output().unwrap());
    let stands = format!("as a task of the service windlass_windlass on {}", manager.trim());
    assert!(logs.contains(&stands), "{logs}");

    let run = ["run", "rotate-secret", "--secret", "value=generate:20", "-p"];
    let own = inside(&rig, &[&run[..], &["secret=windlass-key"]].concat());
    assert_eq!(own.status.code(), Some(6), "{}", all(&own));
    assert!(all(&own).contains("secret:windlass-key is used by this daemon itself"));
    let app = inside(&rig, &[&run[..], &["secret=app"]].concat());
    assert_eq!(app.status.code(), Some(0), "{}", all(&app));
    assert_eq!(rig.secret_names(), ["app_v2", "windlass-key"]);

    // Killed, it comes back with the same key and the same journals.
    let container = rig.docker("ps --quiet --filter name=windlass_windlass");
    rig.docker(&format!("kill {}", container.trim()));
    rig.wait_until("another container is there", || {
        let now = rig.docker("ps --quiet --filter name=windlass_windlass");
        !now.trim().is_empty() && now != container && inside(&rig, &["runs"]).status.success()
    });
    let runs = all(&inside(&rig, &["runs"]));
    assert!(runs.contains("rotate-secret") && runs.contains("done"), "{runs}");
}
