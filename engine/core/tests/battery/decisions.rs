//! What people can do about a run, and what they are told when they can't.

use windlass_engine::engine::EngineError;
use windlass_engine::event::Status;
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Decision, End, Journals};
use windlass_engine::run::{Outcome, Point};
use windlass_engine::step::ErrorClass;

use crate::rig::{RUNBOOK, Rig, silence_deaths, somebody};
use crate::world::Fault;

pub fn retry(rig: &Rig, run: &RunId, key: &CallKey) {
    decide(rig, run, Decision::Retry { key: key.clone() });
}

pub fn decide(rig: &Rig, run: &RunId, decision: Decision) {
    rig.engine().decide(run, &somebody(), decision, "because I say so").unwrap();
}

/// Dies after the intent of the call named, and lets somebody else make the thing meanwhile.
pub fn foreign(key: &'static str, name: &str) -> (Rig, RunId) {
    silence_deaths();
    let mut rig = Rig::new();
    rig.points = Some(std::sync::Arc::new(move |point, at: &CallKey, _| {
        if point == Point::AfterIntent && at.to_string() == key {
            std::panic::panic_any(crate::rig::Death);
        }
    }));
    let handle = rig.engine().start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new()).unwrap();
    let run = handle.run.clone();
    rig.runtime.block_on(handle.outcome());
    rig.points = None;
    rig.crash(0);
    rig.world.lock().things.insert(name.to_owned(), "somebody else".to_owned());
    (rig, run)
}

#[test]
fn a_foreign_change_is_stuck_with_the_difference_and_nothing_is_overwritten() {
    let (rig, run) = foreign("4", "tmp");
    assert_eq!(rig.resume(&run), Outcome::Stuck);
    let view = rig.engine().view(&run).unwrap();
    let error = view.stuck.unwrap();
    assert_eq!(error.code, "foreign_change");
    assert!(error.message.contains("somebody else"), "{}", error.message);
    assert_eq!(rig.world.lock().things["tmp"], "somebody else");
    let refused = rig.engine().resume(&run, &somebody()).map(|handle| handle.run);
    assert!(matches!(refused, Err(EngineError::Stuck(_))));
}

#[test]
fn mark_done_takes_a_foreign_change_for_the_call() {
    let (rig, run) = foreign("4", "tmp");
    assert_eq!(rig.resume(&run), Outcome::Stuck);
    let key: CallKey = "4".parse().unwrap();
    decide(&rig, &run, Decision::MarkDone { key, output: serde_json::json!({ "name": "tmp" }) });
    rig.assert_whole(&rig.resume(&run), "marked done");
    assert!(rig.is_all_new());
}

#[test]
fn retry_looks_again_after_a_person_has_put_the_world_right() {
    let (rig, run) = foreign("4", "tmp");
    assert_eq!(rig.resume(&run), Outcome::Stuck);
    rig.world.lock().things.remove("tmp");
    retry(&rig, &run, &"4".parse().unwrap());
    rig.assert_whole(&rig.resume(&run), "retried");
    assert!(rig.is_all_new());
}

#[test]
fn undo_takes_a_stuck_run_back_once_the_doubt_is_gone() {
    let (rig, run) = foreign("4", "tmp");
    assert_eq!(rig.resume(&run), Outcome::Stuck);
    rig.world.lock().things.remove("tmp");
    let handle = rig.engine().undo(&run, &somebody(), "never mind").unwrap();
    // The run was stuck over call 4: undoing settles it first, and finds it not done.
    let outcome = rig.runtime.block_on(handle.outcome());
    assert_eq!(outcome, Outcome::Finished(End::Cancelled));
    rig.assert_whole(&outcome, "undone");
}

#[test]
fn past_the_pivot_there_is_no_undo() {
    let rig = Rig::new();
    rig.world.lock().faults = vec![(6, Fault::Refuse(ErrorClass::Permanent))];
    let (run, outcome) = rig.run(RUNBOOK);
    assert_eq!(outcome, Outcome::Stuck);
    let refused = rig.engine().undo(&run, &somebody(), "please").map(|handle| handle.run);
    assert!(matches!(refused, Err(EngineError::PastPivot { .. })), "{refused:?}");
}

#[test]
fn a_failed_undo_is_stuck_and_skip_leaves_it_to_the_person() {
    let rig = Rig::new();
    // Effect 5 is the destruction of `old`; effect 6 is then the undo of `tmp`.
    let refuse = Fault::Refuse(ErrorClass::Permanent);
    rig.world.lock().faults = vec![(5, refuse), (6, refuse)];
    let (run, outcome) = rig.run(RUNBOOK);
    assert_eq!(outcome, Outcome::Stuck);
    let view = rig.engine().view(&run).unwrap();
    assert_eq!(view.summary.status, Status::StuckGoingBack);
    assert_eq!(view.stuck_at.as_ref().unwrap().to_string(), "4");
    assert!(view.stuck.unwrap().message.contains("could not undo \"make tmp\""));

    rig.world.lock().things.remove("tmp");
    decide(&rig, &run, Decision::Skip { key: view.stuck_at.unwrap() });
    rig.assert_whole(&rig.resume(&run), "skipped");
    assert!(rig.is_all_old());
    let over = rig.engine().decide(&run, &somebody(), Decision::Cancel, "too late");
    assert!(matches!(over, Err(EngineError::Over { .. })), "{over:?}");
}

/// The journal ends at every entry in turn, the one that records the failure of the undo included:
/// what could not be undone must not be passed over.
#[test]
fn a_failed_undo_is_not_forgotten_when_the_process_dies_before_it_is_stuck() {
    let mut undone = 0;
    for writes in 1.. {
        let mut rig = Rig::new();
        let refuse = Fault::Refuse(ErrorClass::Permanent);
        rig.world.lock().faults = vec![(5, refuse), (6, refuse)];
        rig.store.fail_after(writes);
        let Ok(handle) = rig.engine().start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new())
        else {
            continue;
        };
        let run = handle.run.clone();
        rig.runtime.block_on(handle.outcome());
        rig.world.lock().faults.clear();
        rig.crash(rig.store.unsynced());
        if rig.engine().view(&run).unwrap().summary.status == Status::StuckGoingBack {
            break;
        }
        let outcome = rig.resume(&run);
        rig.assert_whole(&outcome, &format!("the journal ended after {writes} writes"));
        undone += u32::from(outcome == Outcome::Finished(End::Undone));
    }
    assert!(undone > 2, "the run went back in {undone} cases");
}

#[test]
fn locks_are_held_until_a_run_is_over() {
    let (rig, run) = foreign("4", "tmp");
    let refused =
        rig.engine().start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new()).map(|h| h.run);
    match refused {
        Err(EngineError::Locked { lock, by }) => {
            assert_eq!(lock, "thing:old");
            assert_eq!(by, run);
        }
        other => panic!("not locked: {other:?}"),
    }
    rig.world.lock().things.remove("tmp");
    rig.assert_whole(&rig.resume(&run), "resumed");
}

#[test]
fn a_run_that_would_end_this_very_process_is_begun_only_if_somebody_insists() {
    let rig = Rig::new();
    let engine = rig.engine();
    engine.stands_on(vec!["node:n1".to_owned(), "thing:old".to_owned()]);
    let runbook = rig.runbook(RUNBOOK);
    let refused = engine.start(&runbook, &somebody(), &[], Vec::new()).map(|handle| handle.run);
    assert!(matches!(refused, Err(EngineError::OwnGround { lock }) if lock == "thing:old"));
    assert!(engine.runs(false).unwrap().is_empty());
    let begun = engine.start_anyway(&runbook, &somebody(), &[], Vec::new(), None).unwrap();
    rig.assert_whole(&rig.runtime.block_on(begun.outcome()), "insisted on");
}

#[test]
fn a_run_is_found_by_the_end_of_its_name_and_decisions_name_real_calls() {
    let (rig, run) = foreign("4", "tmp");
    let engine = rig.engine();
    let tail = &run.as_str()[run.as_str().len() - 4..];
    assert_eq!(engine.find(tail).unwrap(), run);
    assert!(matches!(engine.find("zzz"), Err(EngineError::NoSuchRun(_))));
    let nothing =
        engine.decide(&run, &somebody(), Decision::Retry { key: "99".parse().unwrap() }, "x");
    assert!(matches!(nothing, Err(EngineError::NoSuchCall { .. })), "{nothing:?}");
    let not_stuck =
        engine.decide(&run, &somebody(), Decision::Retry { key: "1".parse().unwrap() }, "x");
    assert!(matches!(not_stuck, Err(EngineError::NotNow(_))), "{not_stuck:?}");
}

#[test]
fn a_resume_plan_says_what_will_be_done_about_each_open_call() {
    let (rig, run) = foreign("4", "unrelated");
    let open = rig.runtime.block_on(rig.engine().plan_resume(&run)).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].key.to_string().as_str(), open[0].resume.as_str()), ("4", "repeat"));
    rig.world.lock().things.insert("tmp".to_owned(), "somebody else".to_owned());
    let open = rig.runtime.block_on(rig.engine().plan_resume(&run)).unwrap();
    assert_eq!(open[0].resume, "ask");
    rig.world.lock().things.insert("tmp".to_owned(), run.to_string());
    let open = rig.runtime.block_on(rig.engine().plan_resume(&run)).unwrap();
    assert_eq!(open[0].resume, "skip");
}

/// The destruction took effect and the answer was lost: the person who types `undo` can't know.
#[test]
fn an_undo_that_finds_the_pivot_behind_it_stops_and_a_resume_goes_forward() {
    silence_deaths();
    let mut rig = Rig::new();
    rig.points = Some(std::sync::Arc::new(|point, at: &CallKey, _| {
        if point == Point::AfterEffect && at.to_string() == "5" {
            std::panic::panic_any(crate::rig::Death);
        }
    }));
    let handle = rig.engine().start(&rig.runbook(RUNBOOK), &somebody(), &[], Vec::new()).unwrap();
    let run = handle.run.clone();
    rig.runtime.block_on(handle.outcome());
    rig.points = None;
    rig.crash(0);
    let handle = rig.engine().undo(&run, &somebody(), "never mind").unwrap();
    assert_eq!(rig.runtime.block_on(handle.outcome()), Outcome::Parked);
    assert_eq!(rig.engine().view(&run).unwrap().pivot.unwrap().to_string(), "5");
    rig.assert_whole(&rig.resume(&run), "resumed after an undo that came too late");
    assert!(rig.is_all_new());
}

#[test]
fn a_mistake_in_the_script_after_the_pivot_is_stuck_and_can_be_resumed() {
    let text = "//! title = \"oops\"\nthing::destroy(#{ name: \"old\" });\nthrow \"oops\";\n";
    let rig = Rig::new();
    let (run, outcome) = rig.run(text);
    assert_eq!(outcome, Outcome::Stuck);
    assert!(rig.engine().view(&run).unwrap().stuck.unwrap().message.contains("oops"));
    // It says the same again, for as long as the script does.
    assert_eq!(rig.resume(&run), Outcome::Stuck);
}

/// The decision to undo a run is recorded, and the process dies before the run turns round.
#[test]
fn a_cancellation_that_was_recorded_is_carried_out_by_the_next_resume() {
    let (rig, run) = foreign("4", "tmp");
    assert_eq!(rig.resume(&run), Outcome::Stuck);
    rig.world.lock().things.remove("tmp");
    decide(&rig, &run, Decision::Cancel);
    let outcome = rig.resume(&run);
    assert_eq!(outcome, Outcome::Finished(End::Cancelled));
    rig.assert_whole(&outcome, "cancelled, then resumed");
}

/// The end of a run was flushed and its summary was not: it must not hold its locks for ever.
#[test]
fn a_summary_that_lags_behind_its_journal_is_put_right() {
    let rig = Rig::new();
    let (run, _) = rig.run(RUNBOOK);
    let mut summary: serde_json::Value =
        serde_json::from_slice(&rig.store.summaries(false).unwrap()[0].1).unwrap();
    summary["status"] = "running".into();
    let entries = summary["entries"].as_u64().unwrap();
    summary["entries"] = (entries - 1).into();
    rig.store.put_summary(&run, true, summary.to_string().as_bytes()).unwrap();
    assert!(rig.engine().runs(true).unwrap().is_empty());
    assert_eq!(rig.engine().runs(false).unwrap()[0].status, Status::Done);
}
