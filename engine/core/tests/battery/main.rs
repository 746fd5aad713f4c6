//! The battery that the engine has to stand: whatever happens to a run, after one resume the world
//! is all old or all new.
//!
//! How: a world that outlives the engine, a store that forgets what was not synced, and a runbook
//! with every kind of call. Faults are put at every place in turn, not at random ones.

#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod decisions;
mod offers;
mod rig;
mod world;

use std::sync::atomic::Ordering;

use rig::{NEW, RUNBOOK, Rig, silence_deaths, somebody};
use windlass_engine::event::Status;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Body, End, How, Journals};
use windlass_engine::run::Outcome;
use windlass_engine::secret::{KeyStore, Secret};
use windlass_engine::step::ErrorClass;
use world::Fault;

/// Effects of the runbook: seven made or destroyed things, and two more.
const EFFECTS: usize = 8;

#[test]
fn a_clean_run_ends_all_new() {
    let rig = Rig::new();
    let (run, outcome) = rig.run(RUNBOOK);
    assert_eq!(outcome, Outcome::Finished(End::Done));
    rig.assert_whole(&outcome, "clean");
    assert_eq!(rig.world.lock().effects, EFFECTS);
    let view = rig.engine().view(&run).unwrap();
    let keys: Vec<String> = view.calls.iter().map(|call| call.key.to_string()).collect();
    assert_eq!(
        keys,
        ["1", "2", "3.1.1", "3.1.2", "3.2.1", "3.2.2", "3.3.1", "3.3.2", "4", "5", "6", "7"]
    );
    assert_eq!(view.pivot.unwrap().to_string(), "5");
}

/// Every point of every call, and every number of unsynced writes that reached the disk.
#[test]
fn death_at_every_point_and_any_loss_of_unsynced_writes_ends_whole_after_a_resume() {
    silence_deaths();
    let mut variants = 0;
    for nth in 0.. {
        let mut kept = 0;
        loop {
            let mut rig = Rig::new();
            let reached = rig.die_at(nth);
            let engine = rig.engine();
            let handle = engine.start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new()).unwrap();
            let run = handle.run.clone();
            let outcome = rig.runtime.block_on(handle.outcome());
            if reached.load(Ordering::SeqCst) <= nth {
                assert_eq!(outcome, Outcome::Finished(End::Done));
                assert!(variants > 40, "only {variants} variants");
                return;
            }
            let unsynced = rig.store.unsynced();
            rig.crash(kept);
            rig.points = None;
            let outcome = rig.resume(&run);
            rig.assert_whole(&outcome, &format!("death at point {nth}, {kept} writes kept"));
            assert_eq!(outcome, Outcome::Finished(End::Done));
            variants += 1;
            kept += 1;
            if kept > unsynced {
                break;
            }
        }
    }
}

#[test]
fn death_during_the_resume_and_again_ends_whole() {
    silence_deaths();
    for nth in 0..20 {
        let mut rig = Rig::new();
        rig.die_at(nth);
        let handle =
            rig.engine().start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new()).unwrap();
        let run = handle.run.clone();
        rig.runtime.block_on(handle.outcome());
        // Each resume gets one point further than the one before it began.
        let mut outcome = Outcome::Parked;
        for again in 0..40 {
            rig.crash(0);
            rig.die_at(1 + again / 8);
            outcome = rig.resume(&run);
            if matches!(outcome, Outcome::Finished(_)) {
                break;
            }
        }
        rig.assert_whole(&outcome, &format!("death at point {nth} and during each resume"));
    }
}

#[test]
fn an_error_at_every_effect_before_the_pivot_leaves_nothing_behind() {
    for nth in 0..=5 {
        let rig = Rig::new();
        rig.world.lock().faults = vec![(nth, Fault::Refuse(ErrorClass::Permanent))];
        let (_, outcome) = rig.run(RUNBOOK);
        assert_eq!(outcome, Outcome::Finished(End::Undone), "effect {nth}");
        rig.assert_whole(&outcome, &format!("error at effect {nth}"));
    }
}

#[test]
fn an_error_after_the_pivot_is_stuck_and_a_retry_ends_all_new() {
    for nth in 6..EFFECTS {
        let rig = Rig::new();
        rig.world.lock().faults = vec![(nth, Fault::Refuse(ErrorClass::Permanent))];
        let (run, outcome) = rig.run(RUNBOOK);
        assert_eq!(outcome, Outcome::Stuck, "effect {nth}");
        let view = rig.engine().view(&run).unwrap();
        assert_eq!(view.summary.status, Status::Stuck);
        let key = view.stuck_at.unwrap();
        decisions::retry(&rig, &run, &key);
        rig.assert_whole(&rig.resume(&run), &format!("retry of effect {nth}"));
        assert!(rig.is_all_new());
    }
}

#[test]
fn transient_errors_conflicts_and_lost_answers_are_seen_through() {
    for fault in [
        Fault::Refuse(ErrorClass::Transient),
        Fault::Refuse(ErrorClass::Conflict),
        Fault::Refuse(ErrorClass::Ambiguous),
        Fault::LoseAnswer,
        Fault::LoseRequest,
    ] {
        for nth in 0..EFFECTS {
            let rig = Rig::new();
            rig.world.lock().faults = vec![(nth, fault)];
            let (_, outcome) = rig.run(RUNBOOK);
            rig.assert_whole(&outcome, &format!("{fault:?} at effect {nth}"));
            assert!(rig.is_all_new());
        }
    }
}

#[test]
fn a_lost_answer_is_recorded_as_probed() {
    let rig = Rig::new();
    rig.world.lock().faults = vec![(0, Fault::LoseAnswer)];
    let (run, _) = rig.run(RUNBOOK);
    let entries = rig.engine().entries(&run).unwrap();
    let probed = |body: &Body| matches!(body, Body::Applied { how: How::Probed, .. });
    assert_eq!(entries.iter().filter(|entry| probed(&entry.body)).count(), 1);
}

#[test]
fn death_during_the_unwinding_ends_all_old() {
    silence_deaths();
    // Effect 5 is the destruction of `old`: refused, so everything before it goes back.
    let refuse = vec![(5, Fault::Refuse(ErrorClass::Permanent))];
    let mut idle_undos = 0;
    for nth in 0.. {
        let mut rig = Rig::new();
        rig.world.lock().faults = refuse.clone();
        let reached = rig.die_at(nth);
        let handle =
            rig.engine().start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new()).unwrap();
        let run = handle.run.clone();
        let outcome = rig.runtime.block_on(handle.outcome());
        if reached.load(Ordering::SeqCst) <= nth {
            assert_eq!(outcome, Outcome::Finished(End::Undone));
            assert!(idle_undos > 0, "no undo was ever repeated");
            return;
        }
        rig.crash(0);
        rig.points = None;
        let outcome = rig.resume(&run);
        rig.assert_whole(&outcome, &format!("death at point {nth}"));
        idle_undos += rig.world.lock().idle_undos;
    }
}

#[test]
fn a_store_that_fails_stops_the_run_and_a_later_resume_ends_whole() {
    let rig = Rig::new();
    rig.run(RUNBOOK);
    for writes in 3.. {
        let mut rig = Rig::new();
        let engine = rig.engine();
        rig.store.fail_after(writes);
        let Ok(handle) = engine.start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new()) else {
            continue;
        };
        let run = handle.run.clone();
        let outcome = rig.runtime.block_on(handle.outcome());
        if matches!(outcome, Outcome::Finished(_)) {
            assert!(writes > 20);
            return;
        }
        assert!(matches!(outcome, Outcome::Unrecorded(_)), "{writes}: {outcome:?}");
        rig.crash(0);
        rig.assert_whole(&rig.resume(&run), &format!("the store failed after {writes} writes"));
    }
}

#[test]
fn keys_do_not_depend_on_timing() {
    let keys = |rig: &Rig, run: &RunId| -> Vec<String> {
        rig.engine()
            .view(run)
            .unwrap()
            .calls
            .iter()
            .map(|c| format!("{} {}", c.key, c.says))
            .collect()
    };
    let rig = Rig::new();
    let (run, _) = rig.run(RUNBOOK);
    let first = keys(&rig, &run);
    for _ in 0..20 {
        let rig = Rig::new();
        let (run, _) = rig.run(RUNBOOK);
        assert_eq!(keys(&rig, &run), first);
    }
    assert_eq!(rig.world.names(), NEW);
}

#[test]
fn a_script_can_catch_the_error_of_a_call_and_the_replay_takes_the_same_way() {
    let text = r#"//! title = "catch"
let how = "made";
try { thing::make(#{ name: "old" }); } catch (error) { how = error.code; }
thing::make(#{ name: how });
"#;
    let rig = Rig::new();
    let (_, outcome) = rig.run(text);
    assert_eq!(outcome, Outcome::Finished(End::Done));
    assert_eq!(rig.world.names(), ["exists", "old"]);
}

#[test]
fn an_endless_script_ends_and_leaves_nothing_behind() {
    let text = "//! title = \"endless\"\nthing::make(#{ name: \"a\" });\nloop { }\n";
    let rig = Rig::new();
    let (run, outcome) = rig.run(text);
    rig.assert_whole(&outcome, "endless");
    let trouble = rig.engine().view(&run).unwrap().unwinding.unwrap();
    assert!(trouble.message.contains("does a loop end?"), "{}", trouble.message);
    assert!(trouble.message.contains("battery.rhai:3:"), "{}", trouble.message);
}

#[test]
fn a_sealed_value_reaches_its_step_and_nothing_else() {
    let text = r#"//! title = "sealed"
//! [params]
//! value = { type = "secret", help = "h" }
print(`value: ${value}`);
thing::open(#{ value: value, fail: false });
thing::open(#{ value: value, fail: true });
"#;
    let rig = Rig::new();
    let engine = rig.engine();
    let secret = vec![("value".to_owned(), Secret::new(b"canary-71c4".to_vec()))];
    let mut events = engine.subscribe();
    let handle = engine.start(&rig.runbook(text), &somebody(), &[], secret).unwrap();
    let run = handle.run.clone();
    let outcome = rig.runtime.block_on(handle.outcome());
    assert_eq!(outcome, Outcome::Finished(End::Undone));
    assert_eq!(rig.world.lock().opened, [b"canary-71c4", b"canary-71c4"]);
    for record in rig.store.read(&run).unwrap() {
        assert!(!String::from_utf8_lossy(&record).contains("canary"));
    }
    let mut seen = 0;
    while let Ok(event) = events.try_recv() {
        assert!(!serde_json::to_string(&event).unwrap().contains("canary"));
        seen += 1;
    }
    assert!(seen > 5);
}

#[test]
fn scripts_can_not_look_into_a_sealed_value() {
    for peek in ["value == \"x\"", "value + \"x\"", "value.len()", "value[0]", "value < value"] {
        let text = format!(
            "//! title = \"peek\"\n//! [params]\n//! value = {{ type = \"secret\", help = \"h\" }}\nfn peek(value) {{ {peek} }}\npeek(value);"
        );
        let rig = Rig::new();
        let secret = vec![("value".to_owned(), Secret::new(b"canary".to_vec()))];
        let (_, outcome) = rig.run_with(&text, secret);
        assert_eq!(outcome, Outcome::Finished(End::Undone), "{peek}");
    }
}

/// A run that is stuck or parked needs its values when it goes on. Its key was once destroyed
/// whenever its thread ended; killed runs kept theirs, so no test that killed saw it.
#[test]
fn a_run_that_stops_short_keeps_its_key_and_one_that_is_over_does_not() {
    let text = r#"//! title = "sealed"
//! [params]
//! value = { type = "secret", help = "h" }
thing::destroy(#{ name: "old" });
thing::make(#{ name: "a" });
thing::open(#{ value: value, fail: false });
"#;
    let rig = Rig::new();
    rig.world.lock().faults = vec![(1, Fault::Refuse(ErrorClass::Permanent))];
    let secret = vec![("value".to_owned(), Secret::new(b"canary".to_vec()))];
    let (run, outcome) = rig.run_with(text, secret);
    assert_eq!(outcome, Outcome::Stuck);
    assert_eq!(rig.keys.runs().unwrap(), std::slice::from_ref(&run));
    decisions::retry(&rig, &run, &"2".parse().unwrap());
    assert_eq!(rig.resume(&run), Outcome::Finished(End::Done));
    assert_eq!(rig.world.lock().opened, [b"canary"]);
    assert!(rig.keys.runs().unwrap().is_empty());
}
