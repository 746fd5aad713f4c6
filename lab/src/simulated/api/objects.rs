//! `/secrets` and `/configs`: the same but for the names, and that a config shows its data.

use serde_json::json;

use super::render;
use super::route::{Answer, Ask, not_here};
use super::schema::{CONFIG, SECRET};
use crate::simulated::model::Model;
use crate::simulated::model::object::Sort;
use crate::simulated::model::refusal::Refusal;

pub(crate) fn route(
    model: &mut Model,
    sort: Sort,
    rest: &[&str],
    ask: &Ask,
) -> Result<Answer, Refusal> {
    let body = match sort {
        Sort::Secret => &SECRET,
        Sort::Config => &CONFIG,
    };
    match (ask.method.as_str(), rest) {
        ("GET", []) => list(model, sort, ask),
        ("POST", ["create"]) => {
            let id = model.create_object(sort, ask.read(body)?)?;
            Ok(Answer::json(201, json!({ "ID": id.as_str() }).to_string()))
        }
        ("GET", [text]) => {
            let id = model.find_object(sort, text)?;
            let mut out = String::new();
            render::object(&mut out, &model.store(sort).all[&id], sort == Sort::Config);
            Ok(Answer::json(200, out))
        }
        ("DELETE", [text]) => {
            let id = model.find_object(sort, text)?;
            model.remove_object(sort, id)?;
            Ok(Answer::empty(204))
        }
        ("POST", [text, "update"]) => {
            let spec = ask.read(body)?;
            let version = ask.query.get("version").parse();
            let version =
                version.map_err(|_| Refusal::bad(format!("invalid {} version", sort.word())))?;
            let id = model.find_object(sort, text)?;
            model.update_object(sort, id, version, spec)?;
            Ok(Answer::empty(200))
        }
        _ => Err(not_here()),
    }
}

fn list(model: &Model, sort: Sort, ask: &Ask) -> Result<Answer, Refusal> {
    let known: &[&str] = match sort {
        Sort::Secret => &["name", "names", "id", "label"],
        Sort::Config => &["name", "id", "label"],
    };
    let filters = ask.query.filters(known)?;
    let wanted = model.store(sort).all.values().filter(|object| {
        let label = |key: &str| object.spec["Labels"][key].as_str();
        filters.begins("id", object.id.as_str())
            && filters.begins("name", &object.name)
            && filters.is("names", &object.name)
            && filters.labelled("label", label)
    });
    let text =
        render::list(wanted, |out, object| render::object(out, object, sort == Sort::Config));
    Ok(Answer::json(200, text))
}
