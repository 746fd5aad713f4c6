//! `/services`.

use serde_json::json;

use super::render::{self, Extra};
use super::route::{Answer, Ask};
use super::schema::SERVICE;
use crate::simulated::model::Model;
use crate::simulated::model::refusal::Refusal;

pub(crate) fn list(model: &Model, ask: &Ask) -> Result<Answer, Refusal> {
    let filters = ask.query.filters(&["name", "id", "label", "mode", "runtime"])?;
    let extra = Extra { status: ask.query.is_set("status"), ..Extra::default() };
    let wanted = model.services.values().filter(|service| {
        let label = |key: &str| service.spec.labels.get(key).map(String::as_str);
        filters.begins("id", service.id.as_str())
            && filters.begins("name", &service.spec.name)
            && filters.is("mode", service.spec.mode.word())
            && filters.is("runtime", "container")
            && filters.labelled("label", label)
    });
    Ok(Answer::json(200, render::list(wanted, |out, s| render::service(out, model, s, extra))))
}

pub(crate) fn inspect(model: &Model, text: &str, ask: &Ask) -> Result<Answer, Refusal> {
    let id = model.find_service(text)?;
    let extra = Extra { defaults: ask.query.is_set("insertDefaults"), ..Extra::default() };
    let mut out = String::new();
    render::service(&mut out, model, &model.services[&id], extra);
    Ok(Answer::json(200, out))
}

pub(crate) fn create(model: &mut Model, ask: &Ask) -> Result<Answer, Refusal> {
    let id = model.create_service(ask.read(&SERVICE)?)?;
    Ok(Answer::json(201, json!({ "ID": id.as_str() }).to_string()))
}

pub(crate) fn update(model: &mut Model, text: &str, ask: &Ask) -> Result<Answer, Refusal> {
    let spec = ask.read(&SERVICE)?;
    let version = ask.query.get("version");
    let version = version.parse().map_err(|_| {
        Refusal::bad(format!(
            "invalid service version '{version}': strconv.ParseUint: parsing {version:?}: invalid syntax"
        ))
    })?;
    let rollback = match ask.query.get("rollback") {
        "" | "none" => false,
        "previous" => true,
        other => {
            return Err(Refusal::new(500, format!("unrecognized rollback option {other}")));
        }
    };
    let id = model.find_service(text)?;
    model.update_service(id, version, spec, rollback)?;
    Ok(Answer::json(200, json!({ "Warnings": null }).to_string()))
}

pub(crate) fn remove(model: &mut Model, text: &str) -> Result<Answer, Refusal> {
    let id = model.find_service(text)?;
    model.remove_service(id);
    Ok(Answer::empty(200))
}
