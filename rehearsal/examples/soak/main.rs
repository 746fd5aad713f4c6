//! The battery without end: random swarms, random parameters, several faults at once.
//!
//! `tests/soak --minutes 30` runs it; `tests/soak --seed N` plays one swarm again, and with `--only
//! ID` one pass of it.
#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

mod swarm;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::runtime::Runtime;
use windlass_lab::simulated::Simulated;
use windlass_rehearsal::report::{Pass, Verdict};
use windlass_rehearsal::{May, Options, Strike, Theatre, Variant};
use windlass_runbooks::RUNBOOKS;

/// Passes for each swarm.
const PASSES: usize = 60;

/// Faults in one pass, at most.
const FAULTS_MAX: usize = 3;

struct Asked {
    minutes: u64,
    seed: Option<u64>,
    only: Option<String>,
}

#[derive(Default)]
struct Totals {
    swarms: usize,
    services: usize,
    passes: usize,
    faults: usize,
    resumes: u64,
    verdicts: BTreeMap<String, usize>,
}

fn main() -> ExitCode {
    let asked = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(problem) => {
            println!("{problem}\nusage: tests/soak [--minutes N] [--seed N [--only ID]]");
            return ExitCode::from(2);
        }
    };
    let Ok(runtime) = Runtime::new() else { return ExitCode::from(70) };
    let end = Instant::now() + Duration::from_secs(asked.minutes * 60);
    let mut totals = Totals::default();
    let mut seed = asked.seed.unwrap_or_else(|| fastrand::u64(..) >> 16);
    println!("the first seed is {seed}");
    loop {
        match one_swarm(seed, &asked, &runtime, &mut totals) {
            Ok(()) => {}
            Err(problem) => {
                println!("{problem}\n\nplay it again: tests/soak --seed {seed} --only 'ID'");
                tell(&totals);
                return ExitCode::from(7);
            }
        }
        if asked.seed.is_some() || Instant::now() >= end {
            tell(&totals);
            return ExitCode::SUCCESS;
        }
        seed += 1;
    }
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { minutes: 1, seed: None, only: None };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{word} needs a number, not {value}"));
        match word.as_str() {
            "--minutes" => asked.minutes = number()?,
            "--seed" => asked.seed = Some(number()?),
            "--only" => asked.only = Some(value),
            _ => return Err(format!("there is no option {word}")),
        }
    }
    Ok(asked)
}

/// Plays passes on one swarm, all of which its seed determines.
fn one_swarm(
    seed: u64,
    asked: &Asked,
    runtime: &Runtime,
    totals: &mut Totals,
) -> Result<(), String> {
    let mut rng = Rng::with_seed(seed);
    let snapshot = swarm::random(&mut rng);
    let (name, _) = RUNBOOKS[rng.usize(..RUNBOOKS.len())];
    let text = windlass_runbooks::whole(name).ok_or_else(|| format!("{name} is not whole"))?;
    let parallel = rng.u32(1..=6).to_string();
    let window = ["0s", "0s", "45s", "6h"][rng.usize(..4)];
    let params = [("secret", swarm::SECRET), ("parallel", &parallel), ("window", window)];
    let services = snapshot.services.len();
    let options = Options {
        name: name.to_owned(),
        text,
        params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        steps: swarm::steps,
        snapshot,
        only: None,
        threads: 0,
        seed,
    };
    let swarm = Simulated::from_snapshot(&options.snapshot, seed);
    let theatre = Theatre::open(&swarm, runtime, &options)
        .map_err(|error| format!("seed {seed}, {name}, {services} services: {error}"))?;
    let mut variants: Vec<Variant> =
        (0..PASSES).map(|_| several(&theatre.variants, &mut rng)).collect();
    variants.retain(|v| asked.only.as_ref().is_none_or(|only| v.id == *only));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let passes = theatre
        .play_all(&variants, cores, &|_| ControlFlow::Continue(()))
        .map_err(|e| e.to_string())?;
    totals.swarms += 1;
    totals.services += services;
    for (variant, pass) in variants.iter().zip(&passes) {
        totals.passes += 1;
        totals.faults += variant.strikes.len();
        totals.resumes += u64::from(pass.resumes);
        *totals.verdicts.entry(format!("{:?}", pass.verdict).to_lowercase()).or_default() += 1;
    }
    println!("seed {seed}: {name}, {services} services, {} passes", passes.len());
    match passes.iter().find(|pass| pass.verdict == Verdict::Violated) {
        Some(pass) => Err(violation(seed, pass)),
        None => Ok(()),
    }
}

/// Puts some of the faults of a clean pass together.
fn several(variants: &[Variant], rng: &mut Rng) -> Variant {
    let mut together = variants[rng.usize(..variants.len())].clone();
    for _ in 1..rng.usize(1..=FAULTS_MAX) {
        let other = &variants[rng.usize(..variants.len())];
        let full = |strikes: &[Strike]| strikes.iter().any(|s| matches!(s, Strike::StoreFull(_)));
        if full(&together.strikes) && full(&other.strikes) {
            continue;
        }
        together.id = format!("{}+{}", together.id, other.id);
        together.strikes.extend(other.strikes.iter().cloned());
        // Two accidents can be one too many for patience; then it must go back, or ask.
        (together.may, together.finds) = (May::EndOldOrStick, false);
    }
    together
}

fn violation(seed: u64, pass: &Pass) -> String {
    let mut text = format!("seed {seed}: {} is violated:\n", pass.id);
    pass.problems.iter().for_each(|problem| text.push_str(&format!("  {problem}\n")));
    for moment in &pass.story {
        let (at, lane) = (moment.at_ms as f64 / 1000.0, moment.lane.as_deref().unwrap_or_default());
        text.push_str(&format!("{at:>10.1} s  {lane:<8} {}\n", moment.text));
    }
    text
}

fn tell(totals: &Totals) {
    println!(
        "{} swarms with {} services, {} runs with {} faults, resumed {} times: {:?}",
        totals.swarms,
        totals.services,
        totals.passes,
        totals.faults,
        totals.resumes,
        totals.verdicts
    );
}
