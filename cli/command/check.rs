//! `windlass check`: reads runbooks and runs nothing.

use super::library;
use crate::desk::throwaway_engine;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::green;

/// Checks runbooks; all of them, whatever is wrong with one.
pub fn check(settings: &Settings, files: &[String]) -> Result<Exit, Problem> {
    let engine = throwaway_engine(settings)?;
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for file in files {
        match library::compile(file, engine.steps()) {
            Ok(runbook) => {
                let title = &runbook.header().title;
                results.push(serde_json::json!({ "file": file, "title": title }));
                if !settings.json {
                    show::line(&format!("{} {file}: {title}", green("✓")));
                }
            }
            Err(problem) => {
                exit = problem.exit;
                show::problem(&problem);
                results.push(serde_json::json!({ "file": file, "problem": problem }));
            }
        }
    }
    if settings.json {
        show::json(&results);
    }
    Ok(exit)
}
