//! Mistakes, put mechanically into the shipped runbooks one at a time: which of them does the
//! battery find?
//!
//! `tests/mutants` runs it. Each mistake that is not found is printed with the line that it is in:
//! either the line does not matter, or a fault or an invariant is missing.
#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

mod change;

#[path = "../../tests/battery/swarm.rs"]
mod swarm;

use std::ops::ControlFlow;
use std::process::ExitCode;

use tokio::runtime::Runtime;
use windlass_lab::simulated::Simulated;
use windlass_rehearsal::{Options, Progress, RehearsalError, Theatre};
use windlass_runbooks::RUNBOOKS;

use change::Mutation;

/// Where IDs and values come from.
const SEED: u64 = 2026;

/// How a mistake was found.
enum Found {
    /// The runbook does not compile.
    Compiling,
    /// The pass in which nothing goes wrong does not end all new.
    Clean,
    /// A pass with a fault violates something.
    Battery,
    /// It was not, by so many passes.
    Not(usize),
}

fn main() -> ExitCode {
    let Ok(runtime) = Runtime::new() else { return ExitCode::from(70) };
    let mut survivors = 0;
    for (name, _) in RUNBOOKS {
        let Some(text) = windlass_runbooks::whole(name) else { return ExitCode::from(70) };
        let mutations = change::all(&text);
        let (mut compiling, mut clean, mut battery) = (0, 0, 0);
        for Mutation { line, what, text } in &mutations {
            match found(name, text, &runtime) {
                Ok(Found::Compiling) => compiling += 1,
                Ok(Found::Clean) => clean += 1,
                Ok(Found::Battery) => battery += 1,
                Ok(Found::Not(passes)) => {
                    survivors += 1;
                    println!("{name}:{line}: {what}: not found by {passes} passes");
                }
                Err(problem) => {
                    println!("{name}:{line}: {what}: {problem}");
                    return ExitCode::from(70);
                }
            }
        }
        println!(
            "{name}: {} mistakes: {compiling} do not compile, {clean} break the clean pass, \
             {battery} are found by a fault, {} are not found",
            mutations.len(),
            mutations.len() - compiling - clean - battery
        );
    }
    ExitCode::from(if survivors > 0 { 7 } else { 0 })
}

/// Plays passes until one violates something.
fn found(name: &str, text: &str, runtime: &Runtime) -> Result<Found, RehearsalError> {
    let params = [("secret", swarm::SECRET), ("window", "30s")];
    let options = Options {
        name: name.to_owned(),
        text: text.to_owned(),
        params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        steps: swarm::steps,
        snapshot: swarm::five_services(),
        only: None,
        threads: 0,
        seed: SEED,
    };
    let swarm = Simulated::from_snapshot(&options.snapshot, SEED);
    let theatre = match Theatre::open(&swarm, runtime, &options) {
        Ok(theatre) => theatre,
        Err(RehearsalError::Runbook(_)) => return Ok(Found::Compiling),
        Err(RehearsalError::NotClean { .. }) => return Ok(Found::Clean),
        Err(error) => return Err(error),
    };
    let until_violated = |progress: Progress| match progress.violated {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match theatre.play_all(&theatre.variants, cores, &until_violated) {
        Ok(passes) if passes.iter().all(|pass| pass.problems.is_empty()) => {
            Ok(Found::Not(passes.len()))
        }
        Ok(_) | Err(RehearsalError::Stopped { .. }) => Ok(Found::Battery),
        Err(error) => Err(error),
    }
}
