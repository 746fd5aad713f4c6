//! `windlass runs`, `show`, `log`, `resume --plan`: looking at runs.

use windlass_desk::operations::runs::{Journal, List, Part, PlanResume, Report, Show, Which};
use windlass_desk::{Client, LATEST, ONLY};
use windlass_engine::event::{Status, Summary};
use windlass_engine::journal::Entry;
use windlass_evidence::report;

use crate::args::RunsArgs;
use crate::door::{self, Door, Stay};
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Runs that are asked for at once.
const PAGE: u16 = 10_000;

/// Lists runs.
pub async fn list(settings: &Settings, args: RunsArgs) -> Result<Exit, Problem> {
    if !home::exists(settings) {
        if settings.json {
            show::json(&[(); 0]);
        }
        show::note(&format!("no runs: {} does not exist", settings.state.display()));
        return Ok(Exit::Done);
    }
    let RunsArgs { open, status, runbook: runbook_like, since, limit } = args;
    let which = Which { open: open.then_some(true), runbook_like, since, ..Which::default() };
    let door = Door::open(settings, Stay::Short).await?;
    let runs = listed(door.client(), which, &status, limit.unwrap_or(usize::MAX)).await;
    door.close().await;
    let runs = runs?;
    if settings.json {
        show::json(&runs)
    } else {
        show::run::list(&runs)
    }
    Ok(Exit::Done)
}

/// Returns the latest so many runs that stand as is asked for, oldest first.
///
/// # Errors
/// If nobody answers.
pub async fn listed(
    client: &Client,
    mut which: Which,
    status: &[Status],
    most: usize,
) -> Result<Vec<Summary>, Problem> {
    which.limit = Some(PAGE);
    if let [only] = status {
        which.status = Some(*only);
    }
    let mut runs: Vec<Summary> = Vec::new();
    loop {
        let page = client.ask::<List>("", which.clone(), ()).await?;
        let fits = |run: &Summary| status.is_empty() || status.contains(&run.status);
        runs.extend(page.runs.into_iter().filter(fits));
        which.before = page.next;
        if which.before.is_none() || runs.len() >= most {
            runs.truncate(most);
            runs.reverse();
            return Ok(runs);
        }
    }
}

/// Shows a run.
pub async fn show(settings: &Settings, run: Option<String>) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    let door = Door::open(settings, Stay::Short).await?;
    let shown = shown(door.client(), run.as_deref().unwrap_or(LATEST), settings.json).await;
    door.close().await;
    shown.map(|()| Exit::Done)
}

async fn shown(client: &Client, run: &str, json: bool) -> Result<(), Problem> {
    let view = client.ask::<Show>(run, (), ()).await?;
    if json {
        show::json(&view);
        return Ok(());
    }
    let reported = client.ask::<Report>(view.summary.run.as_str(), (), ()).await;
    // Where services stand; nothing, if its journal can't be reported.
    let services = reported.map(|reported| report::standing(&reported.report)).unwrap_or_default();
    show::run::show(&view, &services);
    Ok(())
}

/// Prints the journal of a run.
pub async fn log(settings: &Settings, run: Option<String>, follow: bool) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    let door = Door::open(settings, Stay::Short).await?;
    let told = tell(settings, door.client(), run.as_deref().unwrap_or(LATEST), follow).await;
    door.close().await;
    told.map(|()| Exit::Done)
}

async fn tell(
    settings: &Settings,
    client: &Client,
    run: &str,
    follow: bool,
) -> Result<(), Problem> {
    let part = Part { follow: Some(follow), ..Part::default() };
    let mut lines = client.read::<Journal>(run, part, ()).await?;
    // `windlass log RUN -f | head` has nothing left to do.
    while !show::reader_is_gone()
        && let Some(line) = lines.next().await?
    {
        let entry: Entry = serde_json::from_slice(&line).map_err(|error| {
            Problem::bug(format!("another version of windlass owns the state: {error}"))
        })?;
        if settings.json {
            show::json_line(&entry);
        } else {
            show::line(&show::journal::entry(&entry));
        }
    }
    Ok(())
}

/// Says what a resume would do.
pub async fn plan_resume(settings: &Settings, run: Option<String>) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    let run = run.as_deref().unwrap_or(ONLY);
    let plan = door::ask::<PlanResume>(settings, run, (), ()).await?;
    if settings.json {
        show::json(&plan.calls)
    } else {
        show::run::open_calls(&plan.run, &plan.calls)
    }
    Ok(Exit::Done)
}
