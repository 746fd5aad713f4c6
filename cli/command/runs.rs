//! `windlass runs`, `show`, `log`, `resume --plan`: looking at runs.

use crate::args::RunsArgs;
use crate::desk::{Reply, Request, Which, ask_each};
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Lists runs.
pub async fn list(settings: &Settings, args: RunsArgs) -> Result<Exit, Problem> {
    if !home::exists(settings) {
        if settings.json {
            show::json(&[(); 0]);
        }
        show::note(&format!("no runs: {} holds no state", settings.state.display()));
        return Ok(Exit::Done);
    }
    let RunsArgs { open, status, runbook, since, limit } = args;
    let which = Which { open, status, runbook, since, limit };
    ask_each(settings, Request::Runs { which }, |reply| {
        if let Reply::Runs { runs } = reply {
            if settings.json { show::json(&runs) } else { show::run::list(&runs) }
        }
    })
    .await?;
    Ok(Exit::Done)
}

/// Shows a run.
pub async fn show(settings: &Settings, run: Option<String>) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    ask_each(settings, Request::Show { run }, |reply| {
        if let Reply::Run { view, services } = reply {
            if settings.json { show::json(&view) } else { show::run::show(&view, &services) }
        }
    })
    .await?;
    Ok(Exit::Done)
}

/// Prints the journal of a run.
pub async fn log(settings: &Settings, run: Option<String>, follow: bool) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    ask_each(settings, Request::Log { run, follow }, |reply| {
        if let Reply::Entry { entry } = reply {
            if settings.json {
                show::json_line(&entry);
            } else {
                show::line(&show::journal::entry(&entry));
            }
        }
    })
    .await?;
    Ok(Exit::Done)
}

/// Says what a resume would do.
pub async fn plan_resume(settings: &Settings, run: Option<String>) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    ask_each(settings, Request::PlanResume { run }, |reply| {
        if let Reply::OpenCalls { view, calls } = reply {
            if settings.json { show::json(&calls) } else { show::run::open_calls(&view, &calls) }
        }
    })
    .await?;
    Ok(Exit::Done)
}
