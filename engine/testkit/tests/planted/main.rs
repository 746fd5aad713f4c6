//! The kit can fail: each bug, put into a step of a toy world, is found by the trial that is for it.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod toy;

use serde_json::json;
use windlass_testkit::{Case, Says, Then, Trial, check};

use toy::{Bug, Toy};

fn put() -> Case<Toy> {
    let args = |_: &Toy| json!({ "name": "a", "value": { "$sealed": "value" } });
    Case::new("thing.put", |_| {}, args)
        .comes_to(json!({
            "says": "put a thing", "warns": [], "returns": { "name": "a" },
            "changes": { "/a": "ours" },
        }))
        .when(
            "others put it",
            |toy| toy.put("a", "others"),
            Then::ApplyRefused(Says::Foreign, "exists"),
        )
        .when("others have put it", |toy| toy.put("a", "others"), Then::PrepareRefused("exists"))
        .when("others put another", |toy| toy.put("b", "others"), Then::Before(Says::NotApplied))
        .when(
            "others take it over",
            |toy| toy.put("a", "others"),
            Then::UndoRefused(Says::Foreign, "foreign"),
        )
        .when("others remove it", |toy| toy.remove("a"), Then::NothingToUndo(Says::NotApplied))
}

fn look() -> Case<Toy> {
    Case::new("thing.look", |toy: &Toy| toy.put("a", "others"), |_| json!({ "name": "a" })).when(
        "others remove it",
        |toy| toy.remove("a"),
        Then::Fails("not_found"),
    )
}

fn problems(case: &Case<Toy>, bug: Bug, trials: &[Trial]) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(check(case, trials, &|| Toy::with(bug)))
}

#[test]
fn steps_without_a_bug_pass() {
    for case in [put(), look()] {
        assert_eq!(problems(&case, Bug::None, &Trial::ALL), Vec::<String>::new());
    }
}

#[test]
fn each_bug_is_found_by_the_trial_that_is_for_it() {
    let rows = [
        (Bug::NoSummary, Trial::Description),
        (Bug::OutputIsWrong, Trial::Effect),
        (Bug::OutputIsWrong, Trial::Life),
        (Bug::PutsMore, Trial::Effect),
        (Bug::PrepareWrites, Trial::Plan),
        (Bug::PrepareWrites, Trial::Life),
        (Bug::ProbeAlwaysApplied, Trial::Life),
        (Bug::ProbeNeverApplied, Trial::Life),
        (Bug::ProbeNeverApplied, Trial::Deaths),
        (Bug::ProbeByName, Trial::Meddling),
        (Bug::ProbeBelievesErrors, Trial::Refusals),
        (Bug::ApplyTwiceFails, Trial::Repeat),
        (Bug::ApplyTakesOver, Trial::Meddling),
        (Bug::UndoDoesNothing, Trial::Life),
        (Bug::UndoDoesNothing, Trial::Deaths),
        (Bug::UndoTwiceFails, Trial::Life),
        (Bug::UndoTwiceFails, Trial::Undoing),
        (Bug::UndoTakesAnybodys, Trial::Meddling),
        (Bug::LostIsPermanent, Trial::Losses),
        (Bug::LostIsPermanent, Trial::Refusals),
        (Bug::Panics, Trial::Losses),
        (Bug::ShowsValue, Trial::Life),
    ];
    for (bug, trial) in rows {
        assert_ne!(problems(&put(), bug, &[trial]), Vec::<String>::new(), "{bug:?} by {trial:?}");
    }
}

#[test]
fn a_read_that_takes_anything_or_changes_something_is_found() {
    let found = |bug, trial| !problems(&look(), bug, &[trial]).is_empty();
    assert!(found(Bug::TakesAnything, Trial::Arguments));
    assert!(found(Bug::LookWrites, Trial::Life));
    assert!(found(Bug::LostIsPermanent, Trial::Losses));
}

#[test]
fn what_a_case_says_of_a_step_must_be_so() {
    let loose = put().without_a_trace();
    assert!(!problems(&loose, Bug::None, &[Trial::Life]).is_empty());
    let refused = Case { undo: windlass_testkit::Undo::Refused, ..put() };
    assert!(!problems(&refused, Bug::None, &[Trial::Life]).is_empty());
}

#[test]
#[should_panic(expected = "without a case: thing.look")]
fn a_step_without_a_case_is_not_let_in() {
    windlass_testkit::pass(&[put()], &[], &|| Toy::with(Bug::None));
}
