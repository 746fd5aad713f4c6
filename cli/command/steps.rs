//! `windlass steps`: the steps that runbooks can call.

use windlass_engine::step::page;

use crate::door::throwaway_engine;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::table::columns;

/// Lists the steps, or describes one.
pub fn steps(settings: &Settings, name: Option<&str>) -> Result<Exit, Problem> {
    let engine = throwaway_engine(settings)?;
    let Some(name) = name else {
        let abouts: Vec<_> = engine.steps().iter().map(|step| step.about()).collect();
        if settings.json {
            show::json(&abouts);
            return Ok(Exit::Done);
        }
        let rows: Vec<Vec<String>> = engine
            .steps()
            .iter()
            .map(|step| {
                let about = step.about();
                let kind = format!("{:?}", step.kind()).to_lowercase();
                vec![about.name.into_owned(), kind, about.summary.into_owned()]
            })
            .collect();
        columns(&rows).iter().for_each(|row| show::line(row));
        return Ok(Exit::Done);
    };
    let Some(step) = engine.steps().get(name) else {
        let names: Vec<&str> = engine.steps().names().collect();
        let message = format!("there is no step `{name}`; there are {}", names.join(", "));
        return Err(Problem::new("WL0002", Exit::Usage, message));
    };
    if settings.json {
        let (args, output) = step.schemas();
        let about = step.about();
        show::json(&serde_json::json!({ "about": about, "args": args, "output": output }));
    } else {
        show::page(&page(step.as_ref()));
    }
    Ok(Exit::Done)
}
