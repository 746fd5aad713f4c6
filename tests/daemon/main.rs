//! A daemon that is killed fifty times at random while twenty runs are open, on a simulated swarm
//! that refuses changes and loses answers: no run is lost, nothing is done twice, each ends as it should.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod full;
mod nights;
mod rig;

use std::time::Duration;

use rig::{Rig, until};
use serde_json::Value;

/// What a rotation takes is done by the swarm's clock, so it goes fast.
const SPEED: f64 = 40.0;

const KILLS: usize = 50;
const ROTATIONS: usize = 8;
const APPROVALS: usize = 6;
const SLEEPERS: usize = 4;
const LOOKERS: usize = 2;
const RUNS: usize = ROTATIONS + APPROVALS + SLEEPERS + LOOKERS;

fn script(title: &str, text: &str) -> String {
    format!("//! title = \"{title}\"\n{text}\n")
}

/// Begins twenty runs of four kinds.
fn begin(rig: &Rig) {
    let secrets = rig.rotatable();
    assert!(secrets.len() >= ROTATIONS, "{secrets:?}");
    for secret in &secrets[..ROTATIONS] {
        let secret = format!("secret={secret}");
        let words =
            ["rotate-secret-same-name", "-p", &secret, "-p", "window=3s", "-p", "jobs=rerun"];
        rig.begin(&[&words[..], &["--secret", "value=generate"]].concat());
    }
    for n in 0..APPROVALS {
        // What is still to be made must not look like a change of the swarm when it is approved.
        let made = "let v = secret::generate(#{ length: 20 });";
        let asked = format!("approve(#{{ text: \"go on with {n}?\" }});");
        let (first, then) =
            if n % 2 == 0 { (made, asked.as_str()) } else { (asked.as_str(), made) };
        let text =
            format!("{first}\n{then}\nsecret::create(#{{ name: \"approved-{n}\", value: v }});");
        rig.begin(&[&rig.file(&format!("approved-{n}.rhai"), &script("Ask", &text))]);
    }
    for n in 0..SLEEPERS {
        let text = format!(
            "sleep(\"{}s\");
             let v = secret::generate(#{{ length: 20 }});
             secret::create(#{{ name: \"slept-{n}\", value: v }});",
            4 * n + 2
        );
        rig.begin(&[&rig.file(&format!("slept-{n}.rhai"), &script("Sleep", &text))]);
    }
    for n in 0..LOOKERS {
        let text = format!(
            "let seen = || secret::next_name(#{{ name: \"slept-{n}\" }}).name != \"\";
             wait_until(#{{ every: \"1s\", timeout: \"10m\" }}, seen);
             let v = secret::generate(#{{ length: 20 }});
             secret::create(#{{ name: \"looked-{n}\", value: v }});"
        );
        rig.begin(&[&rig.file(&format!("looked-{n}.rhai"), &script("Look", &text))]);
    }
    until("all runs are recorded", || rig.runs(false).len() == RUNS);
}

#[test]
fn fifty_kills_lose_no_run_and_do_nothing_twice() {
    let mut rig = Rig::up(SPEED);
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    rig.daemon();
    begin(&rig);
    let mut approved = 0;
    for kill in 0..KILLS {
        std::thread::sleep(Duration::from_millis(random.u64(5..300)));
        // From the tenth on somebody approves now and then, whether a daemon is there or not.
        if kill > 10 && approved < APPROVALS && random.bool() {
            approved += usize::from(rig.approve_one());
        }
        rig.kill();
        rig.trouble(&mut random);
        rig.daemon();
    }
    rig.calm();
    until("somebody has approved everything", || {
        approved += usize::from(approved < APPROVALS && rig.approve_one());
        approved == APPROVALS
    });
    until("no run is open", || rig.runs(true).is_empty());

    let runs = rig.runs(false);
    assert_eq!(runs.len(), RUNS);
    let mut resting = 0;
    for run in &runs {
        assert_eq!(run["status"], "done", "{run:#}");
        let journal = rig.journal(run["run"].as_str().unwrap());
        done_once(&journal);
        resting += killed_between_attempts(&journal);
    }
    println!("killed {resting} times between two attempts of a call");
    assert!(resting > 0, "no run was killed while it waited for its next attempt");
    let world = rig.look();
    let names: Vec<&str> = world["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["Spec"]["Name"].as_str().unwrap())
        .collect();
    assert!(names.iter().all(|name| !name.ends_with(".tmp")), "{names:?}");
    for (kind, count) in [("approved", APPROVALS), ("slept", SLEEPERS), ("looked", LOOKERS)] {
        for n in 0..count {
            let name = format!("{kind}-{n}");
            assert_eq!(names.iter().filter(|found| **found == name).count(), 1, "{name}");
        }
    }
}

/// Every call took effect once: one outcome each, whatever happened in between.
fn done_once(journal: &[Value]) {
    let mut outcomes = std::collections::BTreeMap::new();
    for entry in journal {
        let body = &entry["body"];
        if body["type"] == "applied" {
            *outcomes.entry(body["key"].to_string()).or_insert(0) += 1;
        }
    }
    assert!(!outcomes.is_empty() && outcomes.values().all(|count| *count == 1), "{outcomes:?}");
}

/// How often the process died after an attempt had failed and before the next one was due.
fn killed_between_attempts(journal: &[Value]) -> usize {
    let (mut due, mut killed) = (i64::MIN, 0);
    for entry in journal {
        let (at, body) = (entry["at"].as_i64().unwrap(), &entry["body"]);
        due = due.max(body["retry_at"].as_i64().unwrap_or(i64::MIN));
        killed += usize::from(body["type"] == "resumed" && at < due);
    }
    killed
}
