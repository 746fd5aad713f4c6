//! One suite of swarm behaviours for the real lab and for the simulated swarm.
//!
//! The simulated swarm is worth what it knows about the real one. So each behaviour is a case
//! that is run in both, and must be seen as the same in both. The table of the book,
//! `book/src/conformance.md`, is what was seen.
//!
//! | environment | effect |
//! |---|---|
//! | `WINDLASS_CONFORMANCE_CASE` | only cases with this in their names |
//! | `WINDLASS_CONFORMANCE_TABLE` | the table is written to this file |
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test panics, and tells how long")]

mod bodies;
mod chapter;
mod failures;
mod jobs;
mod managers;
mod model;
mod nodes;
mod normal;
mod objects;
mod place;
mod placement;
mod reading;
mod real;
mod references;
mod service;
mod specs;
mod table;
mod tasks;
mod updates;

use chapter::Chapter;

#[test]
fn objects() {
    let title = "Secrets and configs";
    Chapter { title, letter: 'o', nodes: 1, managers: 1, at_once: 4, cases: &[objects::CASES] }
        .run();
}

#[test]
fn specs() {
    let title = "Services and their references";
    let cases = &[specs::CASES, references::CASES, bodies::CASES];
    Chapter { title, letter: 'p', nodes: 1, managers: 1, at_once: 4, cases }.run();
}

#[test]
fn tasks() {
    let title = "Tasks";
    Chapter { title, letter: 't', nodes: 3, managers: 1, at_once: 8, cases: &[tasks::CASES] }.run();
}

#[test]
fn updates() {
    let title = "Updates and rollbacks";
    let cases = &[updates::CASES, failures::CASES];
    Chapter { title, letter: 'u', nodes: 3, managers: 1, at_once: 8, cases }.run();
}

#[test]
fn places() {
    let title = "Placement and jobs";
    let cases = &[placement::CASES, jobs::CASES];
    Chapter { title, letter: 'l', nodes: 3, managers: 1, at_once: 8, cases }.run();
}

#[test]
fn reading() {
    let title = "The daemon, events and logs";
    Chapter { title, letter: 'd', nodes: 1, managers: 1, at_once: 4, cases: &[reading::CASES] }
        .run();
}

#[test]
fn nodes() {
    let title = "Nodes";
    Chapter { title, letter: 'n', nodes: 3, managers: 1, at_once: 1, cases: &[nodes::CASES] }.run();
}

#[test]
fn managers() {
    let title = "Several managers";
    let cases = &[managers::CASES];
    Chapter { title, letter: 'm', nodes: 3, managers: 3, at_once: 1, cases }.run();
}
