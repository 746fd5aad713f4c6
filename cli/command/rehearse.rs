//! `windlass rehearse`: a runbook on a copy of the swarm, with everything that can go wrong.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass_engine::engine::EngineError;
use windlass_engine::runbook::{Header, ParameterKind};
use windlass_lab::simulated::{Simulated, SimulatedSpec, Snapshot};
use windlass_rehearsal::report::Report;
use windlass_rehearsal::{Options, RehearsalError, page};

use super::{library, run, snapshot};
use crate::args::RehearseArgs;
use crate::door::throwaway_engine;
use crate::exit::Exit;
use crate::families;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::rehearsal::{self, Bar};
use crate::show::style::{bold, green};

/// Rehearses, shows what was found, and ends with 7 if an invariant did not hold.
pub async fn rehearse(settings: &Settings, args: RehearseArgs) -> Result<Exit, Problem> {
    // Everything that can be wrong with the words is found before a swarm is asked.
    let engine = throwaway_engine(settings)?;
    let runbook = library::compile(&args.runbook, engine.steps())?;
    let params = run::params(&args.params)?;
    check(runbook.header(), &params)?;
    let options = Options {
        name: runbook.name().to_owned(),
        text: runbook.text().to_owned(),
        params,
        steps: families::rehearsed,
        snapshot: swarm(settings, &args, engine.address(&runbook).is_some()).await?,
        only: args.only.clone(),
        threads: args.threads,
        seed: args.seed,
    };
    rehearsal::show_prospect(&windlass_rehearsal::prospect(&options.snapshot));
    let report = match carry_out(&options) {
        Err(stopped @ RehearsalError::Stopped { .. }) => {
            show::note(&format!("{stopped}; only copies of the swarm were touched"));
            return Ok(Exit::Cancelled);
        }
        report => report.map_err(|error| problem(error, &options.name))?,
    };
    show_report(settings, &args, &report)?;
    Ok(match report.first_violation() {
        Some(_) => Exit::Found,
        None => Exit::Done,
    })
}

/// Secret parameters need no value: a rehearsal makes them up. One that is given in the open is a
/// mistake here as everywhere.
fn check(header: &Header, params: &[(String, String)]) -> Result<(), Problem> {
    let secret = header.params.iter().filter(|(_, p)| p.kind == ParameterKind::Secret);
    let secret: Vec<String> = secret.map(|(name, _)| name.clone()).collect();
    let values = header.values(params, &secret);
    values.map(drop).map_err(|error| EngineError::from(error).into())
}

/// Returns the swarm to copy. A runbook that acts nowhere is rehearsed on one that is made up.
async fn swarm(settings: &Settings, args: &RehearseArgs, acts: bool) -> Result<Snapshot, Problem> {
    let Some(file) = &args.snapshot else {
        if !acts && args.from.is_none() {
            return Ok(Simulated::new(&SimulatedSpec::default()).snapshot());
        }
        return snapshot::take(settings, args.from.as_deref()).await;
    };
    windlass_rehearsal::snapshot::read(file)
        .map_err(|error| Problem::new("WL0002", Exit::Usage, format!("failed to {error}")))
}

/// Rehearses on a thread of its own: there is a runtime for each pass, and none may be inside
/// another. Stops early, and clears up, when it is asked to.
fn carry_out(options: &Options) -> Result<Report, RehearsalError> {
    let bar = Bar::begin();
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    tokio::spawn(async move {
        run::asked_to_stop().await;
        asked.store(true, Ordering::Relaxed);
    });
    let watch = |progress| {
        bar.show(progress);
        match stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let work = || windlass_rehearsal::rehearse(options, &watch);
    let ended =
        tokio::task::block_in_place(|| std::thread::scope(|scope| scope.spawn(work).join()));
    bar.finish();
    ended.unwrap_or_else(|_| Err(RehearsalError::Machine("a thread panicked".to_owned())))
}

fn show_report(settings: &Settings, args: &RehearseArgs, report: &Report) -> Result<(), Problem> {
    let only = args.only.as_deref().and_then(|id| report.pass(id));
    match only {
        _ if settings.json => show::json(report),
        Some(pass) => rehearsal::show_one(report, pass),
        None => rehearsal::show(report, |id| again(args, id)),
    }
    if let Some(file) = &args.html {
        snapshot::write(file, &page::html(report))?;
        show::note(&format!("{} {} has every pass", green("✓"), file.display()));
    } else if only.is_none() && !settings.json {
        show::note(&format!("{} writes every pass as a page", bold("--html FILE")));
    }
    Ok(())
}

/// Returns the command that makes one pass again.
fn again(args: &RehearseArgs, pass: &str) -> String {
    let mut words = vec!["windlass".to_owned(), "rehearse".to_owned(), args.runbook.clone()];
    words.extend(args.params.iter().flat_map(|param| ["-p".to_owned(), param.clone()]));
    if let Some(from) = &args.from {
        words.extend(["--from".to_owned(), from.clone()]);
    }
    if let Some(file) = &args.snapshot {
        words.extend(["--snapshot".to_owned(), file.display().to_string()]);
    }
    if args.seed != 1 {
        words.extend(["--seed".to_owned(), args.seed.to_string()]);
    }
    words.extend(["--only".to_owned(), pass.to_owned()]);
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Quotes a word for a shell, if it has to be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:@%+,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn problem(error: RehearsalError, runbook: &str) -> Problem {
    let text = error.to_string();
    match error {
        RehearsalError::Runbook(error) => EngineError::from(error).into(),
        RehearsalError::NotClean { pass, .. } => {
            rehearsal::tell_all(None, &pass);
            Problem::new("WL0017", Exit::Found, text).hint(format!(
                "Fix the runbook, the parameters or the swarm; `windlass plan {runbook} ...` says what a run would do."
            ))
        }
        RehearsalError::NoSuchPass(_) => Problem::new("WL0002", Exit::Usage, text)
            .hint("Without --only all passes are made; --json and --html list their names."),
        RehearsalError::Machine(_) | RehearsalError::Stopped { .. } => Problem::bug(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_change_are_quoted() {
        assert_eq!(quoted("4.2.1/lost-answer"), "4.2.1/lost-answer");
        assert_eq!(quoted("note=it's done; $x"), r"'note=it'\''s done; $x'");
        assert_eq!(quoted(""), "''");
    }
}
