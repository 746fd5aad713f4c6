//! Where services stand after a run, and what their stack files must say: for whoever ran it.

use std::collections::BTreeMap;

use windlass_journal::event::Status;

use super::{Report, Service};

/// Services that are named on one line.
const NAMED_MAX: usize = 6;

/// Returns where the services stand that a run has touched, and what to change in stack files, as
/// sentences. Nothing, if it has touched none.
pub fn standing(report: &Report) -> Vec<String> {
    let touched = |service: &&Service| service.secrets.len() > 1;
    let mut by_secret: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (gone, here): (Vec<_>, Vec<_>) = report.services.iter().partition(|service| service.gone);
    for service in here.into_iter().filter(touched) {
        if let Some(secret) = service.secrets.last() {
            by_secret.entry(name(secret)).or_default().push(&service.name);
        }
    }
    let stand = |(secret, services): (&&str, &Vec<&str>)| {
        let verb = if services.len() == 1 { "uses" } else { "use" };
        format!("{} {verb} {secret}.", named(services))
    };
    let mut lines: Vec<String> = by_secret.iter().map(stand).collect();
    if !gone.is_empty() {
        let names: Vec<&str> = gone.iter().map(|service| service.name.as_str()).collect();
        let verb = if names.len() == 1 { "was" } else { "were" };
        lines.push(format!("{} {verb} removed meanwhile.", named(&names)));
    }
    let noted = |service: &Service| Some(format!("{}: {}.", service.name, service.note.as_ref()?));
    let notes = report.services.iter().filter_map(noted);
    let count = notes.clone().count();
    lines.extend(notes.take(NAMED_MAX));
    if count > NAMED_MAX {
        let more = count - NAMED_MAX;
        lines.push(format!("Notes on {more} more services are in the report."));
    }
    if report.status == Status::Done {
        lines.extend(files(report));
    }
    lines
}

/// A stack file that still names the old secret puts it back at the next deploy.
fn files(report: &Report) -> Vec<String> {
    let mut changes: BTreeMap<(&str, &str, &str), ()> = BTreeMap::new();
    for service in &report.services {
        let (Some(stack), [first, .., last]) = (&service.stack, service.secrets.as_slice()) else {
            continue;
        };
        if name(first) != name(last) {
            changes.insert((stack, name(first), name(last)), ());
        }
    }
    let change = |(stack, old, new): (&str, &str, &str)| {
        format!(
            "Stack {stack}: name {new} in its file instead of {old}, before the next `docker stack deploy`."
        )
    };
    changes.into_keys().map(change).collect()
}

/// The name of a thing that is written as `name (id)`.
fn name(thing: &str) -> &str {
    thing.split_once(" (").map_or(thing, |(name, _)| name)
}

fn named(services: &[&str]) -> String {
    let more = services.len().saturating_sub(NAMED_MAX);
    let mut named = services[..services.len() - more].join(", ");
    if more > 0 {
        named += &format!(" and {more} more services");
    }
    named
}
