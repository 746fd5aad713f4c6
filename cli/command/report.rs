//! `windlass report`: what a run did, for those who were not there.

use windlass_evidence::report::{html, markdown};

use super::{keeping, snapshot};
use crate::args::{ReportArgs, ReportFormat};
use crate::desk::{Keeping, Kept};
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Reports a run.
pub async fn report(settings: &Settings, args: ReportArgs) -> Result<Exit, Problem> {
    home::must_exist(settings)?;
    let mut report = None;
    keeping::ask(settings, Keeping::Report { run: args.run }, |kept| {
        if let Kept::Report { report: told } = kept {
            report = Some(told);
        }
        Ok(())
    })
    .await?;
    let report = report.ok_or_else(|| Problem::bug("the engine gave no report"))?;
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
