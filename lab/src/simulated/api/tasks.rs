//! `/tasks`.

use super::query::Filters;
use super::render;
use super::route::{Answer, Ask};
use crate::simulated::model::Model;
use crate::simulated::model::id::Id;
use crate::simulated::model::object::find;
use crate::simulated::model::refusal::Refusal;
use crate::simulated::model::task::{Slot, State, Task};

const FILTERS: [&str; 8] =
    ["service", "node", "desired-state", "name", "id", "label", "_up-to-date", "runtime"];

pub(crate) fn list(model: &Model, ask: &Ask) -> Result<Answer, Refusal> {
    let filters = ask.query.filters(&FILTERS)?;
    let mut states = Vec::new();
    for word in filters.values("desired-state") {
        states.push(
            State::read(word).ok_or_else(|| {
                Refusal::new(500, format!("Invalid desired-state filter: '{word}'"))
            })?,
        );
    }
    let services: Vec<Id> = filters
        .values("service")
        .iter()
        .map(|s| model.find_service(s))
        .collect::<Result<_, _>>()?;
    let nodes: Vec<Id> =
        filters.values("node").iter().map(|n| model.find_node(n)).collect::<Result<_, _>>()?;
    let wanted = |task: &&Task| {
        (services.is_empty() || services.contains(&task.service))
            && (nodes.is_empty() || task.node.is_some_and(|node| nodes.contains(&node)))
            && (states.is_empty() || states.contains(&task.desired))
            && filters.is("runtime", "container")
            && filters.begins("id", task.id.as_str())
            && fits_service(model, task, &filters)
    };
    // With a filter by service only its tasks are looked at.
    let text = if services.is_empty() {
        render::list(model.tasks.values().filter(wanted), render::task)
    } else {
        let ids = services.iter().filter_map(|id| model.services.get(id)).flat_map(|s| &s.tasks);
        let mut ids: Vec<&Id> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let tasks = ids.into_iter().filter_map(|id| model.tasks.get(id));
        render::list(tasks.filter(wanted), render::task)
    };
    Ok(Answer::json(200, text))
}

/// What depends on the task's service.
fn fits_service(model: &Model, task: &Task, filters: &Filters) -> bool {
    let (names, labels) = (filters.values("name"), filters.values("label"));
    let fresh: Vec<bool> = filters.values("_up-to-date").iter().map(|v| v == "true").collect();
    if names.is_empty() && labels.is_empty() && fresh.is_empty() {
        return true;
    }
    let Some(service) = model.services.get(&task.service) else { return false };
    let label = |key: &str| service.spec.labels.get(key).map(String::as_str);
    let place = match task.slot {
        Slot::Number(number) => number.to_string(),
        Slot::Node(node) => node.to_string(),
    };
    let name = format!("{}.{place}.{}", service.spec.name, task.id);
    filters.begins("name", &name)
        && filters.labelled("label", label)
        && fresh.iter().all(|fresh| *fresh != model.is_dirty(service, task))
}

pub(crate) fn inspect(model: &Model, text: &str) -> Result<Answer, Refusal> {
    let id = find(&model.tasks, || None, "task", text)?;
    let mut out = String::new();
    render::task(&mut out, &model.tasks[&id]);
    Ok(Answer::json(200, out))
}
