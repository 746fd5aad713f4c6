//! Writes a model down.

use serde_json::{Value, json};

use super::Snapshot;
use crate::simulated::api::{networks, render};
use crate::simulated::model::Model;
use crate::simulated::model::object::Sort;
use crate::simulated::model::task::Task;

impl Snapshot {
    pub(crate) fn of(model: &Model) -> Self {
        let each = |write: &dyn Fn(&mut String)| {
            let mut text = String::new();
            write(&mut text);
            let mut value = serde_json::from_str::<Value>(&text).unwrap_or_default();
            redact(&mut value);
            value
        };
        let objects = |sort| model.store(sort).all.values();
        let stale = |task: &Task| {
            let service = model.services.get(&task.service);
            service.is_some_and(|service| model.is_dirty(service, task))
        };
        Snapshot {
            version: Snapshot::VERSION,
            taken: render::stamp(model.now),
            api: render::API.to_owned(),
            engine: render::ENGINE.to_owned(),
            nodes: model.nodes.values().map(|n| each(&|out| render::node(out, model, n))).collect(),
            services: (model.services.values())
                .map(|s| each(&|out| render::service(out, model, s, render::Extra::default())))
                .collect(),
            secrets: objects(Sort::Secret)
                .map(|o| each(&|out| render::object(out, o, false)))
                .collect(),
            configs: objects(Sort::Config)
                .map(|o| each(&|out| render::object(out, o, false)))
                .collect(),
            networks: model.networks.values().map(networks::shown).collect(),
            tasks: (model.tasks.values())
                .map(|task| {
                    let mut shown = each(&|out| render::task(out, task));
                    if stale(task) {
                        shown["UpToDate"] = json!(false);
                    }
                    shown
                })
                .collect(),
        }
    }
}

/// Leaves out the values of environment variables.
fn redact(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value.as_array_mut().filter(|_| key == "Env") {
                    Some(lines) => lines.iter_mut().for_each(|line| {
                        let name = line.as_str().map(|l| l.split('=').next().unwrap_or(l));
                        *line = json!(name);
                    }),
                    None => redact(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(redact),
        _ => {}
    }
}
