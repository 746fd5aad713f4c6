//! Approvals: who counts, denials, deadlines, and what they are bound to.

use windlass_engine::engine::{Approved, EngineError};
use windlass_engine::event::Status;
use windlass_engine::journal::{End, Journals};
use windlass_engine::run::Outcome;

use crate::rig::{NOON, Rig, somebody};

const DONE: Outcome = Outcome::Finished(End::Done);
const UNDONE: Outcome = Outcome::Finished(End::Undone);

const TWO: &str = "approve(#{ text: \"destroy old?\", of: 2, not_starter: true });
                   thing::destroy(#{ name: \"old\" });";

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, EngineError>, words: &str) {
    match result {
        Err(EngineError::NotNow(why) | EngineError::Refused(why)) => {
            assert!(why.contains(words), "{why}")
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn two_people_approve_and_neither_is_the_starter_or_the_same() {
    let rig = Rig::new();
    let followed = rig.waiting(TWO);
    let run = followed.run.clone();
    assert_eq!(rig.waits(&run)[0].of, Some(2));
    refused(rig.approve(&run, "ann"), "started the run");
    assert_eq!(rig.approve(&run, "ben").unwrap(), Approved::More { needed: 1 });
    refused(rig.approve(&run, "ben"), "has approved already");
    assert_eq!(rig.waits(&run)[0].approvals, ["ben"]);
    assert!(rig.has("old") && rig.engine.is_put_away(&run));
    assert_eq!(rig.approve(&run, "cleo").unwrap(), Approved::Enough);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(!rig.has("old"));
    let over = rig.approve(&run, "dora");
    assert!(matches!(over, Err(EngineError::Over { .. })), "{over:?}");
}

#[test]
fn two_people_who_approve_at_the_same_time_both_count() {
    let rig = Rig::new();
    let followed = rig.waiting(TWO);
    let run = followed.run.clone();
    let (ben, cleo) = (crate::rig::by("ben"), crate::rig::by("cleo"));
    let both = rig.runtime.block_on(async {
        let one = rig.engine.approve(&run, None, &ben, None);
        let other = rig.engine.approve(&run, None, &cleo, None);
        tokio::join!(one, other)
    });
    let (one, other) = (both.0.unwrap(), both.1.unwrap());
    let mut both = [one, other];
    both.sort_by_key(|approved| *approved == Approved::Enough);
    assert_eq!(both, [Approved::More { needed: 1 }, Approved::Enough]);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn approvals_survive_restarts_and_count_while_nobody_has_the_run_in_hand() {
    let mut rig = Rig::new();
    let run = rig.waiting(TWO).run;
    rig.approve(&run, "ben").unwrap();
    rig.restart(0);
    assert_eq!(rig.waits(&run)[0].approvals, ["ben"]);
    refused(rig.approve(&run, "ben"), "already");
    assert_eq!(rig.approve(&run, "cleo").unwrap(), Approved::Enough);
    // Answered, and nobody was there: whoever takes up what waits takes this up too.
    assert_eq!(rig.status(&run), Status::Waiting);
    rig.restart(0);
    let (_, handle) = rig.engine.resume_waiting().unwrap().remove(0);
    assert_eq!(rig.outcome(rig.follow(handle.unwrap())), DONE);
    assert!(!rig.has("old"));
}

#[test]
fn a_denial_takes_the_run_back_unless_the_runbook_catches_it() {
    let rig = Rig::new();
    let followed = rig.waiting(&format!("thing::make(#{{ name: \"a\" }}); {TWO}"));
    let run = followed.run.clone();
    rig.approve(&run, "ben").unwrap();
    rig.deny(&run, "cleo").unwrap();
    assert_eq!(rig.outcome(followed), UNDONE);
    let error = rig.error(&run);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("denied", "cleo denied it: not today")
    );
    assert_eq!(rig.world.names(), ["old"]);

    let caught = "try { approve(#{ text: \"x\" }); } catch (e) { thing::make(#{ name: e.code }); }";
    let followed = rig.waiting(caught);
    rig.deny(&followed.run.clone(), "ben").unwrap();
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("denied"));
}

#[test]
fn at_its_deadline_an_approval_is_denied_or_given_as_it_says() {
    let script = |otherwise: &str| {
        format!(
            "approve(#{{ text: \"x\", deadline: \"24h\", otherwise: \"{otherwise}\" }});
             thing::destroy(#{{ name: \"old\" }});"
        )
    };
    for (otherwise, outcome, old) in [("deny", UNDONE, true), ("approve", DONE, false)] {
        let mut rig = Rig::new();
        let run = rig.waiting(&script(otherwise)).run;
        rig.clock.minutes(23 * 60);
        rig.restart(0);
        let followed = rig.resume(&run);
        rig.until_put_away(&run);
        assert_eq!(rig.waits(&run)[0].until, Some(NOON + 24 * 3_600_000));
        rig.clock.minutes(60);
        assert_eq!(rig.outcome(followed), outcome, "{otherwise}");
        assert_eq!(rig.has("old"), old, "{otherwise}");
    }
}

const BOUND: &str = "approve(#{ text: \"go?\", deadline: \"24h\" });
                     if thing::look(#{ name: \"b\" }) { thing::destroy(#{ name: \"b\" }); }
                     thing::destroy(#{ name: \"old\" });";

#[test]
fn an_approval_lapses_when_the_world_has_changed_and_is_asked_again_with_the_difference() {
    let rig = Rig::new();
    let followed = rig.waiting(BOUND);
    let run = followed.run.clone();
    rig.world.lock().things.insert("b".to_owned(), "somebody".to_owned());
    rig.clock.minutes(60);
    let lapsed = rig.approve(&run, "ben").unwrap();
    assert_eq!(lapsed, Approved::Lapsed { why: "new: destroy b".to_owned() });
    rig.until_put_away(&run);
    assert!(rig.has("b") && rig.has("old"));
    let wait = rig.waits(&run).remove(0);
    assert_eq!(wait.lapsed.as_deref(), Some("new: destroy b"));
    assert_eq!(wait.until, Some(NOON + 25 * 3_600_000), "the deadline begins anew");
    assert!(wait.approvals.is_empty());
    // The same person may say so again, now that the request says what it means.
    assert_eq!(rig.approve(&run, "ben").unwrap(), Approved::Enough);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(!rig.has("b") && !rig.has("old"));
}

/// What the rest would do could not be told, and was recorded under a key that no journal can be
/// read with again: the run was lost. A rehearsal found it.
#[test]
fn an_approval_of_what_can_not_be_told_is_recorded_and_lapses_when_it_can() {
    let mut rig = Rig::new();
    let script = "approve(#{ text: \"go?\" });
                  if !thing::look(#{ name: \"b\" }) { throw \"there is no b\"; }
                  thing::destroy(#{ name: \"b\" });";
    let run = rig.waiting(script).run;
    rig.restart(0);
    let followed = rig.resume(&run);
    rig.until_put_away(&run);
    assert!(rig.waits(&run)[0].changes[0].contains("there is no b"));
    rig.world.lock().things.insert("b".to_owned(), "somebody".to_owned());
    let Approved::Lapsed { why } = rig.approve(&run, "ben").unwrap() else { panic!("approved") };
    assert!(why.contains("new: destroy b") && why.contains("no longer"), "{why}");
    assert_eq!(rig.approve(&run, "ben").unwrap(), Approved::Enough);
    assert_eq!(rig.outcome(followed), DONE);
}

/// That the world can't be seen is no reason to ask anew: it is one to try again later.
#[test]
fn an_approval_is_refused_while_the_world_does_not_answer_and_nothing_lapses() {
    let rig = Rig::new();
    let followed = rig.waiting(BOUND);
    let run = followed.run.clone();
    let entries = rig.store.count(&run).unwrap();
    rig.world.lock().silent = true;
    refused(rig.approve(&run, "ben"), "the world does not answer");
    assert_eq!(rig.store.count(&run).unwrap(), entries, "nothing is recorded");
    rig.world.lock().silent = false;
    assert_eq!(rig.approve(&run, "ben").unwrap(), Approved::Enough);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn consent_by_silence_lapses_too_when_the_world_has_changed() {
    let rig = Rig::new();
    let followed = rig.waiting(
        "approve(#{ text: \"go?\", deadline: \"24h\", otherwise: \"approve\" });
         if thing::look(#{ name: \"b\" }) { thing::destroy(#{ name: \"b\" }); }",
    );
    rig.world.lock().things.insert("b".to_owned(), "somebody".to_owned());
    rig.clock.minutes(24 * 60);
    crate::rig::until("it is asked again", || {
        rig.waits(&followed.run).first().is_some_and(|wait| wait.lapsed.is_some())
    });
    rig.until_put_away(&followed.run);
    assert!(rig.has("b"));
    rig.clock.minutes(24 * 60);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(!rig.has("b"));
}

#[test]
fn an_approval_in_a_branch_stops_that_branch_only_and_is_named() {
    let rig = Rig::new();
    let followed = rig.waiting(
        "parallel([1, 2], 2, |n| { approve(#{ text: `branch ${n}?` }); thing::make(#{ name: `${n}` }); });",
    );
    let run = followed.run.clone();
    refused(rig.approve(&run, "ben"), "name one of 1.1.1, 1.2.1");
    let second = "1.2.1".parse().unwrap();
    let by = crate::rig::by("ben");
    let approved = rig.runtime.block_on(rig.engine.approve(&run, Some(&second), &by, None));
    assert_eq!(approved.unwrap(), Approved::Enough);
    crate::rig::until("the branch goes on", || rig.has("2"));
    assert!(!rig.has("1"));
    rig.approve(&run, "ben").unwrap();
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_denial_past_the_pivot_is_stuck_and_asked_again_on_retry() {
    let mut rig = Rig::new();
    let script = "thing::destroy(#{ name: \"old\" }); approve(#{ text: \"x\" }); thing::make(#{ name: \"new\" });";
    let followed = rig.waiting(script);
    let run = followed.run.clone();
    rig.deny(&run, "ben").unwrap();
    assert_eq!(rig.outcome(followed), Outcome::Stuck);
    refused(rig.approve(&run, "ben"), "does not ask");
    let key = rig.engine.view(&run).unwrap().stuck_at.unwrap();
    let retry = windlass_engine::journal::Decision::Retry { key };
    rig.engine.decide(&run, &somebody(), retry, "they have thought again").unwrap();
    rig.restart(0);
    let followed = rig.resume(&run);
    rig.until_put_away(&run);
    rig.approve(&run, "ben").unwrap();
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("new") && rig.store.summaries(true).unwrap().is_empty());
}
