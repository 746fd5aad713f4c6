//! `windlass describe`: what a runbook does and what it must be told.

use windlass_engine::runbook::{Parameter, ParameterKind};

use super::library;
use crate::door::throwaway_engine;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, dim};
use crate::show::table::columns;

/// Describes a runbook.
pub fn describe(settings: &Settings, name: &str) -> Result<Exit, Problem> {
    let engine = throwaway_engine(settings)?;
    let runbook = library::compile(name, engine.steps())?;
    let header = runbook.header();
    if settings.json {
        let mut described = serde_json::json!(header);
        described["modules"] = serde_json::json!(library::modules(&runbook));
        show::json(&described);
        return Ok(Exit::Done);
    }
    show::line(&bold(&header.title));
    if !header.about.is_empty() {
        show::line("");
        show::page(header.about.trim());
    }
    show::line("");
    show::line("Parameters:");
    let rows: Vec<Vec<String>> =
        header.params.iter().map(|(name, parameter)| row(name, parameter)).collect();
    columns(&rows).iter().for_each(|row| show::line(row));
    if !header.locks.is_empty() {
        show::line("");
        show::line(&format!("Locks: {}", header.locks.join(", ")));
    }
    let modules = library::modules(&runbook);
    if !modules.is_empty() {
        show::line("");
        show::line("Modules:");
        library::tell_modules(&modules);
    }
    show::line("");
    show::line(&format!("  {}", dim(&example(name, &header.params))));
    Ok(Exit::Done)
}

fn row(name: &str, parameter: &Parameter) -> Vec<String> {
    let default = match (&parameter.default, parameter.kind) {
        (Some(default), _) => format!("default {default}"),
        (None, ParameterKind::Secret) => "required, --secret".to_owned(),
        (None, _) => "required".to_owned(),
    };
    vec![format!("  {name}"), parameter.expected(), default, parameter.help.clone()]
}

/// Returns a line to copy, with everything that is required.
fn example(runbook: &str, params: &[(String, Parameter)]) -> String {
    let words = params.iter().filter(|(_, p)| p.default.is_none()).map(|(name, p)| match p.kind {
        ParameterKind::Secret => format!(" --secret {name}=-"),
        _ => format!(" -p {name}=..."),
    });
    format!("windlass run {runbook}{}", words.collect::<String>())
}
