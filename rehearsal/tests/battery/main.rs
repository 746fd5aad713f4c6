//! The battery of the shipped runbooks: everything that can go wrong, at every place where it can,
//! on a simulated swarm of five services that differ in all that matters.
//!
//! `WINDLASS_ONLY='9/lost-answer' cargo nextest run --test battery same_name --no-capture` plays
//! one pass again and tells its story.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that can not go on should say where, and a battery how much it tried"
)]

mod mutants;
mod swarm;
mod unwell;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use tokio::runtime::Runtime;
use windlass_lab::simulated::Simulated;
use windlass_rehearsal::report::{Pass, Verdict};
use windlass_rehearsal::{Options, Theatre, Variant};

/// Where IDs and values come from. Any number does; this one makes failures repeatable.
const SEED: u64 = 2026;

fn options(runbook: &str) -> Options {
    let params = [("secret", swarm::SECRET), ("window", "30s")];
    Options {
        name: runbook.to_owned(),
        text: windlass_runbooks::whole(runbook).unwrap(),
        params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        steps: swarm::steps,
        snapshot: swarm::five_services(),
        only: None,
        threads: 0,
        seed: SEED,
    }
}

/// Opens the theatre for a shipped runbook.
fn theatre(runbook: &str, runtime: &Runtime) -> Theatre {
    let options = options(runbook);
    let swarm = Simulated::from_snapshot(&options.snapshot, SEED);
    Theatre::open(&swarm, runtime, &options).unwrap()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Plays every variant of a runbook, or the one asked for, and fails with the story of the first
/// violation.
fn battery(runbook: &str, at_least: usize) {
    let runtime = Runtime::new().unwrap();
    let theatre = theatre(runbook, &runtime);
    let only = std::env::var("WINDLASS_ONLY").ok();
    let wanted = |v: &&Variant| only.as_ref().is_none_or(|only| *only == v.id);
    let variants: Vec<Variant> = theatre.variants.iter().filter(wanted).cloned().collect();
    let passes = theatre.play_all(&variants, cores(), &|_| ControlFlow::Continue(())).unwrap();
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    for pass in &passes {
        *verdicts.entry(format!("{:?}", pass.verdict)).or_default() += 1;
        if only.is_some() {
            eprintln!("{}", story(pass));
        }
    }
    eprintln!("{runbook}: {} variants with seed {SEED}: {verdicts:?}", passes.len());
    let violated: Vec<&Pass> = violated(&passes).collect();
    for pass in &violated {
        eprintln!("{} {}", pass.id, pass.problems.join("; "));
    }
    if let Some(first) = violated.first() {
        panic!("{} of {} violated:\n{}", violated.len(), passes.len(), story(first));
    }
    assert!(only.is_some() || passes.len() >= at_least, "only {} variants", passes.len());
}

fn violated(passes: &[Pass]) -> impl Iterator<Item = &Pass> {
    passes.iter().filter(|pass| pass.verdict == Verdict::Violated)
}

fn story(pass: &Pass) -> String {
    let mut text = format!("{} ({:?}):\n", pass.id, pass.verdict);
    pass.problems.iter().for_each(|problem| text.push_str(&format!("  {problem}\n")));
    for moment in &pass.story {
        let at = moment.at_ms as f64 / 1000.0;
        let lane = moment.lane.as_deref().unwrap_or_default();
        text.push_str(&format!("{at:>9.1} s {lane:<8} {}\n", moment.text));
    }
    text
}

#[test]
fn rotate_secret_same_name_holds_whatever_happens() {
    battery("rotate-secret-same-name", 300);
}

#[test]
fn rotate_secret_holds_whatever_happens() {
    battery("rotate-secret", 200);
}

/// A runbook that is shipped and not played here would be one that nobody has tried.
#[test]
fn every_shipped_runbook_is_played() {
    let names: Vec<&str> = windlass_runbooks::RUNBOOKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["rotate-secret", "rotate-secret-same-name"]);
}
