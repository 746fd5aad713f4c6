//! `windlass runs`, `show`, `log`, `resume --plan`: looking at runs.

use crate::desk::{Reply, Request, ask_each};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Lists runs.
pub async fn list(settings: &Settings, open: bool) -> Result<Exit, Problem> {
    ask_each(settings, Request::Runs { open }, |reply| {
        if let Reply::Runs { runs, driven } = reply {
            if settings.json { show::json(&runs) } else { show::run::list(&runs, &driven) }
        }
    })
    .await?;
    Ok(Exit::Done)
}

/// Shows a run.
pub async fn show(settings: &Settings, run: String) -> Result<Exit, Problem> {
    let driven = crate::home::is_owned(settings);
    ask_each(settings, Request::Show { run }, |reply| {
        if let Reply::Run { view } = reply {
            if settings.json { show::json(&view) } else { show::run::show(&view, driven) }
        }
    })
    .await?;
    Ok(Exit::Done)
}

/// Prints the journal of a run.
pub async fn log(settings: &Settings, run: String, follow: bool) -> Result<Exit, Problem> {
    ask_each(settings, Request::Log { run, follow }, |reply| {
        if let Reply::Entry { entry } = reply {
            if settings.json {
                show::line(&serde_json::to_string(&entry).unwrap_or_default());
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
    ask_each(settings, Request::PlanResume { run }, |reply| {
        if let Reply::OpenCalls { view, calls } = reply {
            if settings.json { show::json(&calls) } else { show::run::open_calls(&view, &calls) }
        }
    })
    .await?;
    Ok(Exit::Done)
}
