//! Runs go on where they began, and nowhere else.
//!
//! Somebody began a rotation, interrupted it, and typed `undo` with another context: every object
//! of the run was "gone" there, the run was over with "nothing is left behind", and the services of
//! the first swarm stayed where they were.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use windlass_engine::engine::EngineError;
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Body, Decision, End, Identity, Journals};
use windlass_engine::run::Outcome;
use windlass_engine::step::{Place, StepError};

use crate::rig::{Followed, Rig, person, somebody, until};

const DONE: Outcome = Outcome::Finished(End::Done);

/// What answers at the one address there is.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Option<&'static str>>>);

#[async_trait]
impl Place for Answers {
    fn address(&self) -> &'static str {
        "nowhere"
    }

    async fn identity(&self) -> Result<Identity, StepError> {
        let silent = || StepError::transient("unreachable", "nobody answers");
        let id = self.0.lock().unwrap().ok_or_else(silent)?;
        Ok(Identity { id: id.to_owned(), name: format!("swarm {id}") })
    }
}

impl Answers {
    /// From now on this one answers there; nobody, if none is named.
    fn now(&self, id: Option<&'static str>) {
        *self.0.lock().unwrap() = id;
    }
}

fn at(id: Option<&'static str>) -> (Rig, Answers) {
    let answers = Answers::default();
    answers.now(id);
    (Rig::at(Arc::new(answers.clone())), answers)
}

impl Rig {
    /// Another process over the same state: what answers there may be another place.
    fn restart_at(&mut self, answers: &Answers) {
        self.place = Some(Arc::new(answers.clone()));
        self.restart(1_000);
    }

    fn length(&self, run: &RunId) -> u64 {
        self.store.count(run).unwrap()
    }

    fn bound_to(&self, run: &RunId) -> Option<String> {
        let identity = self.engine.view(run).unwrap().summary.identity;
        identity.map(|identity| identity.id)
    }

    fn take_all_up(&self) -> Vec<Result<Followed, EngineError>> {
        let taken = self.engine.resume_all().unwrap();
        taken.into_iter().map(|(_, handle)| handle.map(|handle| self.follow(handle))).collect()
    }
}

#[track_caller]
fn refused<T>(result: Result<T, EngineError>) {
    let error = result.map(drop).unwrap_err();
    assert!(matches!(error, EngineError::AnotherPlace { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("the swarm a at nowhere") && text.contains("the swarm b"), "{text}");
}

const MADE: &str = "thing::make(#{ name: \"a\" }); approve(#{ text: \"?\" });
                    thing::make(#{ name: \"b\" });";

#[test]
fn whatever_goes_on_with_a_run_is_refused_at_another_place_and_records_nothing() {
    let (mut rig, answers) = at(Some("a"));
    let run = rig.waiting(MADE).run;
    rig.restart_at(&answers);
    answers.now(Some("b"));
    let (before, world) = (rig.length(&run), rig.world.names());
    let call = || CallKey::ROOT.child(2);
    refused(rig.engine.resume(&run, &somebody()));
    refused(rig.engine.undo(&run, &somebody(), "now"));
    refused(rig.engine.decide(&run, &somebody(), Decision::Retry { key: call() }, "now"));
    refused(rig.engine.decide(&run, &somebody(), Decision::Skip { key: call() }, "now"));
    let done = Decision::MarkDone { key: call(), output: serde_json::Value::Null };
    refused(rig.engine.decide(&run, &somebody(), done, "now"));
    refused(rig.runtime.block_on(rig.engine.plan_resume(&run)));
    refused(rig.approve(&run, "ben"));
    refused(rig.deny(&run, "ben"));
    refused(rig.take_all_up().remove(0));
    let taken = rig.engine.resume_waiting().unwrap().remove(0).1;
    refused(taken);
    assert_eq!((rig.length(&run), rig.world.names()), (before, world));
    assert!(rig.engine.driven().is_empty());

    answers.now(Some("a"));
    rig.approve(&run, "ben").unwrap();
    let followed = rig.resume(&run);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_run_that_is_put_away_is_not_cancelled_and_does_not_go_on_at_another_place() {
    let (rig, answers) = at(Some("a"));
    let followed =
        rig.waiting("thing::make(#{ name: \"a\" }); sleep(\"1h\"); thing::make(#{ name: \"b\" });");
    let run = followed.run.clone();
    let before = rig.length(&run);
    answers.now(Some("b"));
    refused(rig.engine.cancel(&run, &somebody(), "now"));
    // Its time comes while another swarm answers.
    rig.clock.minutes(60);
    let outcome = rig.outcome(followed);
    assert!(matches!(&outcome, Outcome::Elsewhere(why) if why.contains("swarm b")), "{outcome:?}");
    assert_eq!((rig.length(&run), rig.has("b")), (before, false));
    answers.now(Some("a"));
    let followed = rig.resume(&run);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_place_that_does_not_answer_is_waited_for_and_is_no_other_place() {
    let (mut rig, answers) = at(Some("a"));
    let run = rig.waiting(MADE).run;
    rig.restart_at(&answers);
    answers.now(None);
    let resumed = rig.engine.resume(&run, &somebody()).map(drop).unwrap_err();
    assert!(matches!(resumed, EngineError::NoPlace { .. }), "{resumed:?}");
    // A decision is taken; the run does not act on it before it knows where it is.
    rig.approve(&run, "ben").unwrap();
    let followed = rig.take_all_up().remove(0).unwrap();
    let before = rig.length(&run);
    until("it waits for the place", || rig.clock.sleepers() > 0);
    assert_eq!((rig.length(&run), rig.has("b")), (before, false));
    answers.now(Some("b"));
    rig.clock.minutes(1);
    let outcome = rig.outcome(followed);
    assert!(matches!(outcome, Outcome::Elsewhere(_)), "{outcome:?}");
    assert_eq!((rig.length(&run), rig.has("b")), (before, false));
    answers.now(Some("a"));
    let followed = rig.take_all_up().remove(0).unwrap();
    assert_eq!(rig.outcome(followed), DONE);
}

/// As in journals of earlier versions.
#[test]
fn a_run_that_is_not_bound_is_bound_to_the_place_where_it_goes_on() {
    let mut rig = Rig::new();
    let run = rig.waiting(MADE).run;
    let answers = Answers::default();
    answers.now(Some("a"));
    rig.restart_at(&answers);
    assert_eq!(rig.bound_to(&run), None);
    rig.approve(&run, "ben").unwrap();
    let followed = rig.resume(&run);
    assert_eq!(rig.outcome(followed), DONE);
    assert_eq!(rig.bound_to(&run).as_deref(), Some("a"));
}

#[test]
fn a_run_that_needs_no_place_goes_on_anywhere() {
    let (mut rig, answers) = at(None);
    let run = rig.waiting("approve(#{ text: \"?\" });").run;
    rig.restart_at(&answers);
    answers.now(Some("b"));
    rig.approve(&run, "ben").unwrap();
    let followed = rig.resume(&run);
    assert_eq!(rig.outcome(followed), DONE);
    assert_eq!(rig.bound_to(&run), None);
}

#[test]
fn a_person_says_that_a_place_was_made_anew_and_that_is_recorded() {
    let (mut rig, answers) = at(Some("a"));
    let run = rig.waiting(MADE).run;
    rig.restart_at(&answers);
    answers.now(Some("b"));
    rig.engine.move_here(&run, &person("ben"), "made anew").unwrap();
    let placed = |entry: &windlass_engine::journal::Entry| match &entry.body {
        Body::Placed { identity, by: Some(by), reason: Some(reason) } => {
            Some((identity.id.clone(), by.user.clone(), reason.clone()))
        }
        _ => None,
    };
    let recorded = rig.engine.entries(&run).unwrap().iter().find_map(placed);
    assert_eq!(recorded, Some(("b".to_owned(), "ben".to_owned(), "made anew".to_owned())));
    rig.approve(&run, "ben").unwrap();
    let followed = rig.resume(&run);
    assert_eq!(rig.outcome(followed), DONE);
}
