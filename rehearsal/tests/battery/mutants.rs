//! The battery can fail: deliberate bugs, put in one at a time, are each found.
//!
//! Some end all new whatever goes wrong: they only show in the moment when the old secret is removed,
//! or in a service that does not answer for a while. `tests/mutants` tries many more mistakes in runbooks, mechanically.

use std::ops::ControlFlow;

use tokio::runtime::Runtime;
use windlass_engine::mutant::{Mutant, put};
use windlass_lab::simulated::Simulated;
use windlass_rehearsal::{Progress, RehearsalError, Theatre};

use crate::{SEED, cores, options, violated};

/// How a bug was found.
#[derive(Debug)]
enum Found {
    /// By a variant.
    ByFault,
    /// Not even the clean pass ends well: why.
    Clean(String),
    /// Not at all.
    Not,
}

/// Returns how a bug is found, with the runbook's text as `change` makes it.
fn found(what: &str, mutant: Option<Mutant>, change: impl Fn(&str) -> String) -> Found {
    let runtime = Runtime::new().unwrap();
    let mut options = options("rotate-secret-same-name");
    options.text = change(&options.text);
    let swarm = Simulated::from_snapshot(&options.snapshot, SEED);
    let until_violated = |progress: Progress| match progress.violated {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    put(mutant);
    let found = match Theatre::open(&swarm, &runtime, &options) {
        Err(RehearsalError::NotClean { problem, .. }) => Found::Clean(problem),
        Err(error) => panic!("{what}: {error}"),
        Ok(theatre) => match theatre.play_all(&theatre.variants, cores(), &until_violated) {
            Ok(passes) if violated(&passes).next().is_none() => Found::Not,
            Ok(_) => Found::ByFault,
            Err(RehearsalError::Stopped { done, .. }) => {
                eprintln!("{what}: {done} variants were played");
                Found::ByFault
            }
            Err(error) => panic!("{what}: {error}"),
        },
    };
    put(None);
    eprintln!("{what}: {found:?}");
    found
}

fn is_found_in_code(mutant: Mutant) {
    let found = found(&format!("{mutant:?}"), Some(mutant), str::to_owned);
    assert!(!matches!(found, Found::Not), "{mutant:?} was not found");
}

/// Replaces a piece of the runbook, which must be there.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the runbook has no `{from}` any more: fix this test");
    text.replacen(from, to, 1)
}

#[test]
fn an_engine_that_repeats_blindly_is_found() {
    is_found_in_code(Mutant::RepeatBlindly);
}

#[test]
fn an_engine_that_records_first_is_found() {
    is_found_in_code(Mutant::RecordFirst);
}

#[test]
fn an_engine_that_undoes_what_failed_is_found() {
    is_found_in_code(Mutant::UndoFailed);
}

/// It went unseen through 680 variants: nobody else made anything while the process was dead.
#[test]
fn a_probe_that_takes_any_secret_of_that_name_for_its_own_is_found() {
    is_found_in_code(Mutant::AnyNameIsOurs);
}

/// It went unseen: tasks failed all together or not at all, and nobody looked at the tasks in the
/// moment when the old secret was removed.
#[test]
fn a_convergence_that_is_content_with_one_task_is_found() {
    is_found_in_code(Mutant::OneTaskIsEnough);
}

/// It went unseen: with the old secret gone before the window, a failure within it was stuck, and
/// that is an end that some faults may have.
#[test]
fn an_old_secret_that_is_destroyed_before_its_window_is_found() {
    let change = |text: &str| {
        let observe = "service::observe(#{ services: moved, secret: tmp, window: window });";
        let retire = "retire(old, tmp, how);";
        let without = replaced(text, observe, "");
        replaced(&without, retire, &format!("{retire} {observe}"))
    };
    let found = found("the window after the removal", None, change);
    assert!(
        matches!(&found, Found::Clean(why) if why.contains("before the window was over")),
        "{found:?}"
    );
}

/// A second write to a service ends the task that still serves, while another one is starting.
#[test]
fn a_second_write_while_a_task_starts_is_found() {
    let change = |text: &str| {
        let converged = "service::converged(#{ service: s, secret: to,";
        let seal = "service::seal(#{ service: s, secret: from });";
        replaced(text, converged, &format!("{seal} {converged}"))
    };
    let found = found("a second write", Some(Mutant::WriteAnyTime), change);
    assert!(!matches!(found, Found::Not), "{found:?}");
}
