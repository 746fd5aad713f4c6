//! `windlass steps`: the steps that runbooks can call.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use windlass_engine::step::{About, AnyStep, Kind, Registry, page};

use crate::exit::Exit;
use crate::families;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::bold;
use crate::show::table::columns;

/// A step in a list.
#[derive(Serialize)]
struct Listed<'a> {
    family: &'a str,
    kind: Kind,
    #[serde(flatten)]
    about: About,
}

/// Lists the steps by family, or describes one.
pub fn steps(settings: &Settings, name: Option<&str>) -> Result<Exit, Problem> {
    let registry = families::steps(settings);
    match name {
        Some(name) => describe(settings, &registry, name)?,
        None if settings.json => show::json(&listed(&registry)),
        None => lines(&registry).iter().for_each(|text| show::line(text)),
    }
    Ok(Exit::Done)
}

fn listed(registry: &Registry) -> Vec<Listed<'_>> {
    let families = registry.families();
    let listed = families.flat_map(|(family, steps)| {
        let listed = |step: &Arc<dyn AnyStep>| {
            let (kind, about) = (step.kind(), step.about());
            Listed { family: family.name(), kind, about }
        };
        steps.into_iter().map(listed).collect::<Vec<_>>()
    });
    listed.collect()
}

fn lines(registry: &Registry) -> Vec<String> {
    let row = |step: &Arc<dyn AnyStep>| {
        let (about, kind) = (step.about(), format!("{:?}", step.kind()).to_lowercase());
        vec![format!("  {}", about.name), kind, about.summary.into_owned()]
    };
    let mut rows = columns(&registry.iter().map(row).collect::<Vec<_>>()).into_iter();
    let rows: BTreeMap<_, _> = registry.names().zip(rows.by_ref()).collect();
    let mut lines = Vec::new();
    for (family, steps) in registry.families() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("{}: {}", bold(family.name()), family.summary()));
        let of_it = steps.iter().filter_map(|step| rows.get(step.about().name.as_ref()));
        lines.extend(of_it.cloned());
    }
    lines
}

fn describe(settings: &Settings, registry: &Registry, name: &str) -> Result<(), Problem> {
    let Some(step) = registry.get(name) else {
        let names: Vec<&str> = registry.names().collect();
        let message = format!("there is no step `{name}`; there are {}", names.join(", "));
        return Err(Problem::new("WL0002", Exit::Usage, message));
    };
    let family = registry.family_of(name).map_or("", |family| family.name());
    if settings.json {
        let ((args, output), about) = (step.schemas(), step.about());
        show::json(&serde_json::json!({
            "family": family, "about": about, "args": args, "output": output,
        }));
    } else {
        show::page(&page(step.as_ref(), family));
    }
    Ok(())
}
