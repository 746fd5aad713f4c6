//! `windlass check`: reads runbooks and runs nothing.

use serde_json::json;
use windlass_engine::runbook::{CompileError, Runbook};

use super::library;
use crate::door::throwaway_engine;
use crate::exit::Exit;
use crate::modules::Found;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{dim, green, red};

/// Checks runbooks; all of them, whatever is wrong with one.
pub fn check(settings: &Settings, files: &[String]) -> Result<Exit, Problem> {
    let engine = throwaway_engine(settings)?;
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for file in files {
        let (name, text) = match library::find(file) {
            Ok(found) => found,
            Err(problem) => {
                exit = problem.exit;
                show::problem(&problem);
                results.push(json!({ "file": file, "problem": problem }));
                continue;
            }
        };
        match Runbook::check(&name, &text, &Found::beside(&name), engine.steps()) {
            Ok(runbook) => {
                let title = &runbook.header().title;
                let modules = library::modules(&runbook);
                results.push(json!({ "file": file, "title": title, "modules": modules }));
                if !settings.json {
                    show::line(&format!("{} {file}: {title}", green("✓")));
                    library::tell_modules(&modules);
                }
            }
            Err(mistakes) => {
                exit = Exit::Usage;
                tell(&mistakes);
                let mistakes: Vec<_> = mistakes.iter().map(mistake).collect();
                results.push(json!({ "file": file, "code": CODE, "mistakes": mistakes }));
            }
        }
    }
    if settings.json {
        show::json(&results);
    }
    Ok(exit)
}

/// The page about runbooks that don't compile.
const CODE: &str = "WL0003";

fn tell(mistakes: &[CompileError]) {
    for mistake in mistakes {
        show::note(&format!("{} {mistake}", red("error:")));
    }
    let count = match mistakes.len() {
        1 => "1 mistake".to_owned(),
        n => format!("{n} mistakes"),
    };
    show::note(&dim(&format!("  {count}; {CODE} - `windlass explain {CODE}` tells more")));
}

fn mistake(CompileError { place, problem }: &CompileError) -> serde_json::Value {
    json!({ "file": place.file, "line": place.line, "column": place.column, "text": place.text, "problem": problem })
}
