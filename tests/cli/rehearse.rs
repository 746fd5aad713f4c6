//! `rehearse` and `snapshot` where no swarm is needed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::{Operator, all, assert_says};

/// A simulated swarm that is served as long as this lives.
struct Lab {
    process: Child,
    host: String,
}

impl Lab {
    fn up(operator: &Operator) -> Self {
        let socket = operator.home.path().join("lab.sock");
        let args = ["lab", "up", "--simulated", "--nodes", "2", "--services", "2", "--socket"];
        let mut command = operator.command(&args);
        command.arg(&socket).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        // It says where it is when it can be asked.
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(said.next().unwrap().unwrap().contains("lab.sock"));
        Lab { process, host: format!("unix://{}", socket.display()) }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A run that goes back breaks what this one says is always so.
const PROUD: &str = r#"//! title = "Make a secret"
//!
//! [params]
//! fresh = { type = "string", help = "Its name" }
//! value = { type = "secret", help = "Its value" }
//!
//! [invariants]
//! "the fresh secret is there" = "secret::find(#{ name: fresh }).name == fresh"

secret::create(#{ name: fresh, value: value });
"#;

#[test]
fn a_snapshot_is_rehearsed_on_and_the_page_has_every_pass() {
    let operator = Operator::at_home();
    let lab = Lab::up(&operator);
    let file = |name: &str| operator.home.path().join(name).display().to_string();
    let (swarm, page) = (file("swarm.json"), file("page.html"));
    let taken = operator.windlass(&format!("snapshot --from {} -o {swarm}", lab.host));
    assert_says(&taken, 0, &["2 nodes, 2 services", "no value of anything"]);
    drop(lab);

    let rehearse = format!("rehearse rotate-secret -p secret=registry_token --snapshot {swarm}");
    let output = operator.windlass(&format!("{rehearse} --html {page}"));
    assert_says(
        &output,
        0,
        &["create secret registry_token_v2", "held", "unwound", "has every pass"],
    );
    let page = std::fs::read_to_string(page).unwrap();
    let output = operator.windlass(&format!("{rehearse} --json"));
    assert_says(&output, 0, &[]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let passes = report["passes"].as_array().unwrap();
    assert!(passes.len() > 50, "{}", passes.len());
    for pass in passes {
        assert!(page.contains(pass["id"].as_str().unwrap()), "the page lacks {}", pass["id"]);
    }
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn a_violation_is_told_as_a_story_and_can_be_played_again_alone() {
    let operator = Operator::at_home();
    let lab = Lab::up(&operator);
    let runbook = operator.file("proud.rhai", PROUD);
    let rehearse = format!("rehearse {runbook} -p fresh=token --from {}", lab.host);
    let output = operator.windlass(&rehearse);
    assert_says(&output, 7, &["✗", "the fresh secret is there", "--only", "create secret token"]);
    let said = all(&output);
    let again = said.lines().find_map(|line| line.split_once("--only ")).unwrap().1.trim();
    let output = operator.windlass(&format!("{rehearse} --only {again}"));
    assert_says(&output, 7, &["the fresh secret is there", "the run goes back"]);
}

#[test]
fn words_that_do_not_fit_are_found_before_a_swarm_is_asked() {
    let operator = Operator::at_home();
    let same = "rehearse rotate-secret-same-name";
    let no_snapshot = operator.file("stack.json", "{ \"services\": { \"db\": \"c4n4ry\" } }");
    let later = operator.file("later.json", "{\n \"version\": 9 }");
    let cases: [(String, &[&str]); 7] = [
        ("rehearse nosuch".into(), &["nosuch", "WL0001"]),
        (same.into(), &["`secret` is missing", "-p secret="]),
        (format!("{same} -p secret=db -p value=c4n4ry"), &["value"]),
        (format!("{same} -p secret=db -p parallel=many"), &["many", "from 1 to 64"]),
        (
            format!("{same} -p secret=db --snapshot {no_snapshot}"),
            &["stack.json:1:", "windlass snapshot"],
        ),
        (format!("{same} -p secret=db --snapshot {later}"), &["later.json:2:", "format 9"]),
        (
            format!("{same} -p secret=db --snapshot {later} --from tcp://x"),
            &["cannot be used with"],
        ),
    ];
    for (args, words) in cases {
        let output = operator.windlass(&args);
        assert_says(&output, 2, words);
        assert!(!all(&output).contains("c4n4ry"), "{args} repeats the value");
    }
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn without_docker_there_is_no_copy_and_no_file() {
    let operator = Operator::at_home();
    let file = operator.home.path().join("swarm.json");
    let snapshot = format!("snapshot -o {}", file.display());
    for args in [snapshot.as_str(), "rehearse rotate-secret -p secret=db"] {
        assert_says(
            &operator.windlass(args),
            8,
            &["no Docker daemon answers", "no.sock", "WL0014"],
        );
    }
    let other = format!("{snapshot} --from unix://{}/other.sock", operator.home.path().display());
    assert_says(&operator.windlass(&other), 8, &["other.sock"]);
    assert!(!file.exists());
}
