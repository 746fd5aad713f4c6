//! The runbooks that come with windlass, and runbooks from files.

use std::path::Path;

use windlass_engine::engine::EngineError;
use windlass_engine::runbook::Runbook;
use windlass_engine::step::Registry;
use windlass_runbooks::{RUNBOOKS, Shipped};

use crate::door::throwaway_engine;
use crate::exit::Exit;
use crate::modules::Found;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::table::columns;

/// Lists the runbooks that come with windlass.
pub fn list(settings: &Settings) -> Result<Exit, Problem> {
    let steps = throwaway_engine(settings)?;
    let mut rows = Vec::new();
    let mut described = Vec::new();
    for (name, text) in RUNBOOKS {
        let runbook = Runbook::compile_with(name, text, &Shipped, steps.steps());
        let runbook = runbook.map_err(EngineError::from)?;
        rows.push(vec![(*name).to_owned(), runbook.header().title.clone()]);
        described.push(serde_json::json!({ "name": name, "title": runbook.header().title }));
    }
    if settings.json {
        show::json(&described);
    } else {
        columns(&rows).iter().for_each(|row| show::line(row));
    }
    Ok(Exit::Done)
}

/// Returns name and text of a runbook: a shipped one, or a file.
///
/// # Errors
/// If there is neither.
pub fn find(name: &str) -> Result<(String, String), Problem> {
    if let Some((name, text)) = RUNBOOKS.iter().find(|(shipped, _)| *shipped == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let looks_like_a_path = name.contains('/') || name.ends_with(".rhai");
    if !looks_like_a_path && !Path::new(name).is_file() {
        let names: Vec<&str> = RUNBOOKS.iter().map(|(name, _)| *name).collect();
        let message = format!("there is no runbook `{name}`; there are {}", names.join(", "));
        return Err(Problem::new("WL0001", Exit::Usage, message)
            .hint("`windlass runbooks` lists them; a path such as ./my.rhai names a file."));
    }
    match std::fs::read_to_string(name) {
        Ok(text) => Ok((name.to_owned(), text)),
        Err(error) => {
            let message = format!("the runbook {name} can't be read: {error}");
            Err(Problem::new("WL0001", Exit::Usage, message))
        }
    }
}

/// Finds and compiles a runbook.
///
/// # Errors
/// If there is none, or it does not compile.
pub fn compile(name: &str, steps: &Registry) -> Result<Runbook, Problem> {
    let (name, text) = find(name)?;
    let modules = Found::beside(&name);
    Ok(Runbook::compile_with(&name, &text, &modules, steps).map_err(EngineError::from)?)
}

/// A module that a runbook uses.
#[derive(serde::Serialize)]
pub struct Taken {
    name: String,
    /// Where it was found, for people.
    from: String,
}

/// Returns the modules that a runbook uses.
pub fn modules(runbook: &Runbook) -> Vec<Taken> {
    let taken = runbook.modules().into_iter();
    taken.map(|(name, shelf)| Taken { from: shelf.file(runbook.name(), &name), name }).collect()
}

/// Says where modules were found.
pub fn tell_modules(modules: &[Taken]) {
    for Taken { name, from } in modules {
        show::line(&format!("  uses {name}, from {from}"));
    }
}
