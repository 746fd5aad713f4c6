//! Deaths around waits: nothing is lost, nothing is done twice, and nobody is asked again who has
//! answered.

use std::sync::atomic::Ordering;

use windlass_engine::engine::Approved;
use windlass_engine::event::WaitView;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Answer, Body, End};
use windlass_engine::run::Outcome;

use crate::rig::{Followed, Rig, die_at, silence_deaths, until};

/// Every wait, a branch, and a pivot: from `{old}` to `NEW`. The world notices what is done twice.
const SCRIPT: &str = r#"
thing::make(#{ name: "a" });
sleep("1h");
let given = ask(#{ fields: #{ name: #{ type: "string", help: "h" } } });
parallel(["x", "y"], 2, |name| {
    thing::make(#{ name: name });
    sleep("10m");
    thing::make(#{ name: `${name}2` });
});
wait_until(#{ every: "1m", timeout: "1h" }, || thing::look(#{ name: "a" }));
thing::vigil(#{ hours: 1 });
approve(#{ text: "destroy old?", of: 2, not_starter: true, deadline: "24h" });
thing::destroy(#{ name: "old" });
window("20:00-22:00");
thing::make(#{ name: given.name });
"#;

const NEW: [&str; 6] = ["a", "new", "x", "x2", "y", "y2"];

/// Does what a run waits for, until it stops.
fn see_through(rig: &Rig, followed: Followed, answered: &mut Vec<String>) -> Outcome {
    let run = followed.run.clone();
    loop {
        until("it waits or stops", || {
            followed.outcome.is_finished() || rig.engine.is_put_away(&run)
        });
        if followed.outcome.is_finished() {
            return rig.outcome(followed);
        }
        for wait in rig.waits(&run) {
            end_wait(rig, &run, &wait, answered);
        }
    }
}

fn end_wait(rig: &Rig, run: &RunId, wait: &WaitView, answered: &mut Vec<String>) {
    match wait.step.as_str() {
        "approve" => {
            let who = if wait.approvals.is_empty() { "ben" } else { "cleo" };
            let approved = rig.approve(run, who).unwrap();
            assert!(!matches!(approved, Approved::Lapsed { .. }), "{approved:?}");
            answered.push(who.to_owned());
        }
        "ask" => {
            rig.answer(run, "name", "new").unwrap();
            answered.push("ask".to_owned());
        }
        _ => {
            rig.clock.set(wait.until.unwrap().max(windlass_engine::clock::Clock::now(&*rig.clock)))
        }
    }
}

#[test]
fn death_at_every_point_around_waits_ends_whole_and_asks_nobody_twice() {
    silence_deaths();
    let mut variants = 0;
    for nth in 0.. {
        // Of the writes not synced none, or all: those between are the battery's.
        for all in [false, true] {
            let (points, reached) = die_at(nth);
            let mut rig = Rig::with_points(Some(points));
            let mut answered = Vec::new();
            let followed = rig.start(SCRIPT);
            let run = followed.run.clone();
            let first = see_through(&rig, followed, &mut answered);
            if reached.load(Ordering::SeqCst) <= nth {
                assert_eq!(first, Outcome::Finished(End::Done));
                assert_eq!(rig.world.names(), NEW);
                assert!(variants > 40, "only {variants} variants");
                return;
            }
            let kept = if all { rig.store.unsynced() } else { 0 };
            if all && kept == 0 {
                break;
            }
            rig.restart(kept);
            let followed = rig.resume(&run);
            let outcome = see_through(&rig, followed, &mut answered);
            let what = format!("death at point {nth}, {kept} writes kept");
            assert_eq!(outcome, Outcome::Finished(End::Done), "{what}");
            assert_eq!(rig.world.names(), NEW, "{what}");
            assert_eq!(answered, ["ask", "ben", "cleo"], "{what}");
            variants += 1;
        }
    }
}

#[test]
fn death_at_every_point_of_a_run_that_is_denied_ends_all_old() {
    silence_deaths();
    let script = "thing::make(#{ name: \"a\" }); sleep(\"1h\"); approve(#{ text: \"x\" });";
    for nth in 0.. {
        let (points, reached) = die_at(nth);
        let mut rig = Rig::with_points(Some(points));
        let mut followed = rig.start(script);
        let run = followed.run.clone();
        let mut dead = false;
        let outcome = loop {
            until("it waits or stops", || {
                followed.outcome.is_finished() || rig.engine.is_put_away(&run)
            });
            if followed.outcome.is_finished() {
                if dead || reached.load(Ordering::SeqCst) <= nth {
                    break rig.outcome(followed);
                }
                dead = true;
                rig.restart(0);
                followed = rig.resume(&run);
                continue;
            }
            for wait in rig.waits(&run) {
                match wait.step.as_str() {
                    "approve" => rig.deny(&run, "ben").unwrap(),
                    _ => rig.clock.minutes(60),
                }
            }
        };
        assert_eq!(outcome, Outcome::Finished(End::Undone), "death at point {nth}");
        assert_eq!(rig.world.names(), ["old"], "death at point {nth}");
        let entries = rig.engine.entries(&run).unwrap();
        let denied =
            |body: &Body| matches!(body, Body::Answered { answer: Answer::Denied { .. }, .. });
        assert_eq!(entries.iter().filter(|entry| denied(&entry.body)).count(), 1);
        if !dead {
            assert!(nth > 5);
            return;
        }
    }
}
