//! `/nodes`.

use super::render;
use super::route::{Answer, Ask};
use super::schema::NODE;
use crate::simulated::model::Model;
use crate::simulated::model::refusal::Refusal;

pub(crate) fn list(model: &Model, ask: &Ask) -> Result<Answer, Refusal> {
    let known = ["name", "id", "label", "role", "membership", "node.label"];
    let filters = ask.query.filters(&known)?;
    for (key, words) in [("role", ["worker", "manager"]), ("membership", ["accepted", "pending"])] {
        // Go reads these whatever their case.
        let known = |value: &&String| words.contains(&value.to_ascii_lowercase().as_str());
        if let Some(word) = filters.values(key).iter().find(|value| !known(value)) {
            return Err(Refusal::new(500, format!("Invalid {key} filter: '{word}'")));
        }
    }
    let wanted = model.nodes.values().filter(|node| {
        filters.begins("id", node.id.as_str())
            && filters.begins("name", node.name())
            && filters.is("role", node.role.word())
            && filters.is("membership", if node.accepted { "accepted" } else { "pending" })
            && filters.labelled("label", |key| node.engine_labels.get(key).map(String::as_str))
            && filters.labelled("node.label", |key| node.labels.get(key).map(String::as_str))
    });
    Ok(Answer::json(200, render::list(wanted, |out, node| render::node(out, model, node))))
}

pub(crate) fn inspect(model: &Model, text: &str) -> Result<Answer, Refusal> {
    let id = model.find_node(text)?;
    let mut out = String::new();
    render::node(&mut out, model, &model.nodes[&id]);
    Ok(Answer::json(200, out))
}

pub(crate) fn update(model: &mut Model, text: &str, ask: &Ask) -> Result<Answer, Refusal> {
    let spec = ask.read(&NODE)?;
    let version = ask.query.get("version");
    let version = version.parse().map_err(|_| {
        Refusal::bad(format!(
            "invalid node version '{version}': strconv.ParseUint: parsing {version:?}: invalid syntax"
        ))
    })?;
    let id = model.find_node(text)?;
    model.update_node(id, version, spec)?;
    Ok(Answer::empty(200))
}

pub(crate) fn remove(model: &mut Model, text: &str, ask: &Ask) -> Result<Answer, Refusal> {
    let id = model.find_node(text)?;
    model.remove_node(id, ask.query.is_set("force"))?;
    Ok(Answer::empty(200))
}
