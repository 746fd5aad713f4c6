//! `windlass report`: what a run did, for those who were not there.

use windlass_desk::LATEST;
use windlass_desk::operations::runs::Report;
use windlass_evidence::report::{html, markdown};

use super::snapshot;
use crate::args::{ReportArgs, ReportFormat};
use crate::door;
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Reports a run.
pub async fn report(settings: &Settings, args: ReportArgs) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    let run = args.run.as_deref().unwrap_or(LATEST);
    let report = door::ask::<Report>(settings, run, (), ()).await?.report;
    let text = match args.format {
        _ if settings.json => json(&report)?,
        ReportFormat::Md => markdown(&report),
        ReportFormat::Html => html(&report),
        ReportFormat::Json => json(&report)?,
    };
    match &args.output {
        Some(file) => snapshot::write(file, &text)?,
        None => show::page(&text),
    }
    Ok(Exit::Done)
}

fn json(report: &windlass_evidence::report::Report) -> Result<String, Problem> {
    serde_json::to_string_pretty(report).map_err(|error| Problem::bug(error.to_string()))
}
