//! The commands, a file each.

mod answer;
mod check;
mod demo;
mod describe;
mod drain;
mod evidence;
mod explain;
mod lab;
pub mod library;
mod notices;
mod plan;
mod prune;
mod rehearse;
mod report;
pub mod run;
mod runs;
mod schedule;
mod shell;
mod snapshot;
mod steps;
mod store;
mod token;

pub use run::asked_to_stop;

use windlass_desk::operations::runs::{Cancel, Undo};
use windlass_engine::journal::Decision;

use crate::args::{Command, DecideArgs};
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::serve;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, yellow};

/// Does what a command says, and returns how it ended.
pub async fn dispatch(settings: &Settings, command: Command) -> Exit {
    let tells_itself = matches!(
        command,
        Command::Resume { .. }
            | Command::Undo { .. }
            | Command::Approve { .. }
            | Command::Deny { .. }
            | Command::Answer(_)
            | Command::Completions { .. }
            | Command::Man { .. }
            | Command::Demo { .. }
            | Command::Lab { .. }
            | Command::Serve(_)
    );
    if !tells_itself {
        tell_of_interrupted_runs(settings);
    }
    match carry_out(settings, command).await {
        Ok(exit) => exit,
        Err(problem) => {
            if settings.json {
                show::json(&serde_json::json!({ "problem": problem }));
            }
            show::problem(&problem);
            problem.exit
        }
    }
}

async fn carry_out(settings: &Settings, command: Command) -> Result<Exit, Problem> {
    match command {
        Command::Runbooks => library::list(settings),
        Command::Describe { runbook } => describe::describe(settings, &runbook),
        Command::Check { files } => check::check(settings, &files),
        Command::Plan(args) => plan::plan(settings, &args).await,
        Command::Run(args) => run::run(settings, &args).await,
        Command::Rehearse(args) => rehearse::rehearse(settings, args).await,
        Command::Snapshot(args) => snapshot::snapshot(settings, &args).await,
        Command::Serve(args) => serve::serve(settings, &args).await,
        Command::Drain => drain::drain(settings).await,
        Command::Runs(args) => runs::list(settings, args).await,
        Command::Show { run } => runs::show(settings, run).await,
        Command::Log { run, follow } => runs::log(settings, run, follow).await,
        Command::Resume { run, plan: true, .. } => runs::plan_resume(settings, run).await,
        Command::Resume { run, plan: false, another_swarm } => {
            run::move_here(settings, run.clone(), another_swarm).await?;
            run::resume(settings, run).await
        }
        Command::Undo { run, reason, another_swarm } => {
            run::move_here(settings, run.clone(), another_swarm).await?;
            run::take_back::<Undo>(settings, run, reason).await
        }
        Command::Cancel { run, reason } => run::take_back::<Cancel>(settings, run, reason).await,
        Command::Retry(args) => {
            let key = call_key(&args)?;
            run::decide(settings, args, Decision::Retry { key }).await
        }
        Command::Skip(args) => {
            let key = call_key(&args)?;
            run::decide(settings, args, Decision::Skip { key }).await
        }
        Command::MarkDone { decide, output } => {
            let key = call_key(&decide)?;
            let output = output.as_deref().unwrap_or("null");
            let output = serde_json::from_str(output).map_err(|e| {
                Problem::new("WL0002", Exit::Usage, format!("--output is not JSON: {e}"))
            })?;
            run::decide(settings, decide, Decision::MarkDone { key, output }).await
        }
        Command::Approve { asked, reason } => answer::approve(settings, asked, reason).await,
        Command::Deny { asked, reason } => answer::deny(settings, asked, reason).await,
        Command::Answer(args) => answer::answer(settings, args).await,
        Command::Schedule { action } => schedule::schedule(settings, action).await,
        Command::Token { action } => token::token(settings, action).await,
        Command::Notices { action } => notices::notices(settings, action).await,
        Command::Steps { name } => steps::steps(settings, name.as_deref()),
        Command::Explain { code } => explain::explain(settings, code.as_deref()),
        Command::Report(args) => report::report(settings, args).await,
        Command::Evidence { action } => evidence::evidence(settings, action).await,
        Command::Prune(args) => prune::prune(settings, &args).await,
        Command::Store { action } => store::store(settings, &action).await,
        Command::Completions { shell } => {
            shell::completions(shell);
            Ok(Exit::Done)
        }
        Command::Man { directory } => shell::man(&directory),
        Command::Lab { action } => lab::lab(settings, action).await,
        Command::Demo { install, keep } => demo::demo(settings, install, keep).await,
    }
}

fn call_key(args: &DecideArgs) -> Result<windlass_engine::id::CallKey, Problem> {
    args.call.parse().map_err(|e: windlass_engine::id::BadCallKey| {
        Problem::new("WL0002", Exit::Usage, e.to_string())
    })
}

/// An interrupted run holds locks and may have left services half-way: nobody should have to ask.
fn tell_of_interrupted_runs(settings: &Settings) {
    if home::is_owned(settings) {
        return;
    }
    for run in home::unfinished(settings) {
        show::note(&format!(
            "{} {run} has not finished: {} says where it stands and what is safe now",
            yellow("note:"),
            bold(&format!("windlass show {run}")),
        ));
    }
}
