//! Every step against a simulated swarm. What each must pass is in `windlass-testkit`; what each is
//! tried with is one line or more in `cases.rs`.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod cases;
mod ground;
mod simulated;

use windlass_testkit::{Trial, pass};

#[test]
fn every_step_is_described_and_refuses_wrong_arguments() {
    let trials = [Trial::Description, Trial::Arguments, Trial::Plan];
    pass(&cases::all(), &trials, &simulated::ground);
}

#[test]
fn every_step_tells_before_from_after_and_leaves_the_world_as_found() {
    let trials = [Trial::Effect, Trial::Life, Trial::Repeat, Trial::Meddling];
    pass(&cases::all(), &trials, &simulated::ground);
}

#[test]
fn every_step_survives_a_death_at_each_request() {
    pass(&cases::all(), &[Trial::Deaths, Trial::Undoing], &simulated::ground);
}

#[test]
fn every_step_says_what_may_be_done_about_what_the_daemon_answers() {
    pass(&cases::all(), &[Trial::Losses, Trial::Refusals], &simulated::ground);
}
