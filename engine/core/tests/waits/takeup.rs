//! Runs that wait are resumed by another process: quickly, and without reading what is not needed.

use std::time::Duration;

use windlass_engine::engine::{EngineError, Person};
use windlass_engine::event::{Status, SummaryRecord};
use windlass_engine::journal::{End, Journals};
use windlass_engine::run::Outcome;

use crate::rig::{Followed, Rig, person, run_threads, until};

const DONE: Outcome = Outcome::Finished(End::Done);

fn take_up(rig: &Rig) -> Vec<Followed> {
    let taken = rig.engine.resume_waiting().unwrap();
    taken.into_iter().map(|(_, handle)| rig.follow(handle.unwrap())).collect()
}

/// What came of a wait stayed in the run's list of waits, woke it at once, and was never taken: it
/// was begun and parked without end. A battery took minutes, and passed.
#[test]
fn an_answer_wakes_a_run_once() {
    let rig = Rig::new();
    let script = "ask(#{ fields: #{ n: #{ type: \"int\", help: \"h\" } } }); sleep(\"1h\");";
    let followed = rig.waiting(script);
    rig.answer(&followed.run, "n", "3").unwrap();
    until("it sleeps", || rig.waits(&followed.run).iter().any(|wait| wait.step == "sleep"));
    rig.until_put_away(&followed.run);
    let begun = rig.clock.begun();
    // Nothing tells that nothing happens.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(rig.clock.begun(), begun);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn waiting_runs_are_taken_up_without_their_journals_and_go_on() {
    let mut rig = Rig::new();
    let scripts = [
        "sleep(\"1h\"); thing::make(#{ name: \"slept\" });",
        "approve(#{ text: \"x\" }); thing::make(#{ name: \"approved\" });",
        "wait_until(#{ every: \"1m\", timeout: \"2h\" }, || thing::look(#{ name: \"slept\" }));
         thing::make(#{ name: \"seen\" });",
        "parallel([1, 2], 2, |n| { sleep(`${n}h`); thing::make(#{ name: `${n}` }); });",
    ];
    let runs: Vec<_> = scripts.iter().map(|script| rig.waiting(script).run).collect();
    rig.restart(0);
    let lengths =
        |rig: &Rig| -> Vec<u64> { runs.iter().map(|run| rig.store.count(run).unwrap()).collect() };
    let before = lengths(&rig);
    let reads = rig.store.reads();
    let followed = take_up(&rig);
    assert_eq!(followed.len(), scripts.len());
    assert_eq!((rig.store.reads(), run_threads()), (reads, 0));
    assert!(runs.iter().all(|run| rig.engine.is_put_away(run)));
    assert_eq!(lengths(&rig), before, "nothing has happened yet, and nothing is recorded");
    rig.approve(&runs[1], "ben").unwrap();
    rig.clock.minutes(60);
    until("the condition is seen", || rig.has("slept"));
    rig.clock.minutes(60);
    for run in followed {
        assert_eq!(rig.outcome(run), DONE);
    }
    assert_eq!(rig.world.names(), ["1", "2", "approved", "old", "seen", "slept"]);
}

/// The window of a rotation: what is watched, and until when, only the journal tells.
#[test]
fn a_step_that_waits_is_taken_up_without_a_thread_and_without_its_script() {
    let mut rig = Rig::new();
    let run = rig.waiting("thing::vigil(#{ hours: 24 }); thing::make(#{ name: \"a\" });").run;
    rig.clock.minutes(23 * 60);
    rig.restart(0);
    let begun = rig.clock.begun();
    let followed = take_up(&rig).remove(0);
    assert!(rig.engine.is_put_away(&run));
    // One task, and no thread.
    assert_eq!((rig.clock.begun() - begun, run_threads()), (1, 0));
    rig.clock.minutes(59);
    assert!(rig.engine.is_put_away(&run) && !rig.has("a"));
    rig.clock.minutes(1);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("a"));
}

/// The line in lists may lag behind the journal: it says how many entries it tells of.
#[test]
fn a_line_in_lists_that_lags_behind_is_not_believed() {
    let mut rig = Rig::new();
    let run = rig.waiting("approve(#{ text: \"x\" }); thing::make(#{ name: \"a\" });").run;
    let listed = rig.store.summaries(true).unwrap().remove(0).1;
    rig.restart(0);
    rig.approve(&run, "ben").unwrap();
    rig.store.put_summary(&run, true, &listed).unwrap();
    let stale: SummaryRecord = serde_json::from_slice(&listed).unwrap();
    assert!(stale.entries < rig.store.count(&run).unwrap() && !stale.answered);
    rig.restart(99);
    let followed = take_up(&rig).remove(0);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("a"));
}

#[test]
fn parking_lets_go_of_runs_that_wait_at_once_and_of_their_tasks() {
    let mut rig = Rig::new();
    let run = rig.waiting("thing::vigil(#{ hours: 1 });").run;
    let sleeping = rig.waiting("sleep(\"1h\");").run;
    rig.restart(0);
    let followed = take_up(&rig);
    let begun = rig.clock.begun();
    rig.engine.park_all();
    for run in followed {
        assert_eq!(rig.outcome(run), Outcome::Parked);
    }
    assert_eq!(rig.clock.begun(), begun, "no thread was needed for it");
    rig.runtime.block_on(rig.engine.idle());
    for run in [run, sleeping] {
        assert!(!rig.engine.is_driven(&run));
        assert_eq!(rig.status(&run), Status::Waiting);
    }
}

#[test]
fn who_does_not_have_the_role_that_is_asked_for_is_refused() {
    let rig = Rig::new();
    let script = "approve(#{ text: \"x\", roles: [\"dba\", \"lead\"] });
                  ask(#{ fields: #{ n: #{ type: \"int\", help: \"h\" } }, roles: [\"dba\"] });";
    let followed = rig.waiting(script);
    let run = followed.run.clone();
    assert_eq!(rig.waits(&run)[0].roles, ["dba", "lead"]);
    let with = |roles: &[&str]| Person {
        by: person("ben"),
        roles: Some(roles.iter().map(ToString::to_string).collect()),
    };
    let refused = |result: Result<(), EngineError>| {
        let Err(EngineError::Refused(why)) = result else { panic!("{result:?}") };
        assert!(why.contains("dba"), "{why}");
    };
    let engine = &rig.engine;
    let approve =
        |person: &Person| rig.runtime.block_on(engine.approve(&run, None, person, None)).map(drop);
    refused(approve(&with(&[])));
    refused(rig.runtime.block_on(engine.deny(&run, None, &with(&["viewer"]), "no")));
    approve(&with(&["viewer", "lead"])).unwrap();
    until("it asks", || rig.waits(&run).iter().any(|wait| wait.step == "ask"));
    let given = [("n".to_owned(), "1".to_owned())];
    let answer = |person: &Person| {
        rig.runtime.block_on(engine.answer(&run, None, person, &given, Vec::new()))
    };
    refused(answer(&with(&["lead"])));
    answer(&with(&["dba"])).unwrap();
    assert_eq!(rig.outcome(followed), DONE);
}
