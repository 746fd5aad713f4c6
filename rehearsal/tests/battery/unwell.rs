//! Swarms that are not healthy: a rehearsal says what a run on them would come to.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use windlass_lab::simulated::{Simulated, Snapshot};
use windlass_rehearsal::report::Verdict;
use windlass_rehearsal::{RehearsalError, Theatre};

use crate::{SEED, cores, options, swarm};

/// The swarm of the battery, in which the image of one service is missing.
fn without_image(service: &str) -> Snapshot {
    let mut snapshot = swarm::five_services();
    let found = snapshot.services.iter_mut().find(|s| s["Spec"]["Name"] == service).unwrap();
    // Nobody else has this image.
    found["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = json!("nope/app:1");
    let id = found["ID"].clone();
    let replicas = found["Spec"]["Mode"]["Replicated"]["Replicas"].as_u64().unwrap();
    let rejected = |slot: u64| -> Value {
        json!({
            "ID": format!("rejected{slot:017}"), "ServiceID": id, "Slot": slot,
            "NodeID": format!("node{:021}", 0), "DesiredState": "shutdown",
            "CreatedAt": "2026-11-20T23:59:40Z",
            "Status": {
                "State": "rejected", "Timestamp": "2026-11-20T23:59:50Z", "Message": "preparing",
                "Err": "No such image",
            },
        })
    };
    snapshot.tasks = (1..=replicas).map(rejected).collect();
    snapshot
}

fn theatre(snapshot: Snapshot, runtime: &Runtime) -> Result<Theatre, RehearsalError> {
    let options = windlass_rehearsal::Options { snapshot, ..options("rotate-secret-same-name") };
    let swarm = Simulated::from_snapshot(&options.snapshot, SEED);
    Theatre::open(&swarm, runtime, &options)
}

/// It said that all would be well, and the real run was stuck: the copy started tasks whose image
/// nobody has.
#[test]
fn a_service_that_does_not_run_is_no_better_in_a_copy() {
    let runtime = Runtime::new().unwrap();
    let unhealthy = windlass_rehearsal::prospect(&without_image("api")).unhealthy;
    assert_eq!(unhealthy.len(), 1, "{unhealthy:?}");
    assert!(unhealthy[0].starts_with("api: 0 of 2 tasks run"), "{unhealthy:?}");
    assert!(unhealthy[0].contains("No such image: nope/app:1"), "{unhealthy:?}");
    let Err(error) = theatre(without_image("api"), &runtime) else {
        panic!("a run that is refused or gets stuck on the swarm ended well in the copy");
    };
    let told = error.to_string();
    assert!(told.contains("No such image: nope/app:1") && told.contains("api"), "{told}");
    assert!(!told.contains("processes"), "{told}");
}

/// What was wrong before, with a service that the run does not touch, is not the run's fault.
#[test]
fn what_was_wrong_before_is_not_held_against_a_run() {
    let runtime = Runtime::new().unwrap();
    let theatre = theatre(without_image("bystander"), &runtime).unwrap();
    let few = theatre.variants.iter().filter(|v| v.id.ends_with("/kill-effect"));
    let few: Vec<_> = few.cloned().collect();
    assert!(few.len() > 10, "{}", few.len());
    let passes = theatre.play_all(&few, cores(), &|_| ControlFlow::Continue(())).unwrap();
    for pass in &passes {
        assert_eq!(pass.verdict, Verdict::Held, "{}: {:?}", pass.id, pass.problems);
    }
}

/// The orders stack of the swarm's guide was "violated": somebody changes a service just before a
/// run looks at it, its update takes longer than the run waits for it, and the run refuses to begin.
/// That is right, as long as nothing was changed.
#[test]
fn a_run_may_refuse_to_begin_while_somebody_elses_slow_update_is_under_way() {
    let runtime = Runtime::new().unwrap();
    let mut snapshot = swarm::five_services();
    for service in &mut snapshot.services {
        if service["Spec"]["Mode"]["Replicated"].is_object() {
            service["Spec"]["Mode"]["Replicated"]["Replicas"] = json!(4);
        }
        service["Spec"]["UpdateConfig"] = json!({
            "Parallelism": 1, "Delay": 10_000_000_000_u64, "Monitor": 10_000_000_000_u64,
            "FailureAction": "pause", "MaxFailureRatio": 0, "Order": "stop-first",
        });
    }
    let theatre = theatre(snapshot, &runtime).unwrap();
    let edits = theatre.variants.iter().filter(|v| v.id.ends_with("/foreign-edit"));
    let edits: Vec<_> = edits.cloned().collect();
    let passes = theatre.play_all(&edits, cores(), &|_| ControlFlow::Continue(())).unwrap();
    for pass in &passes {
        assert_ne!(pass.verdict, Verdict::Violated, "{}: {:?}", pass.id, pass.problems);
    }
    let refused = passes.iter().filter(|pass| pass.verdict == Verdict::Unwound).count();
    assert!((1..10).contains(&refused), "{refused} of {} passes were refused", passes.len());
}
