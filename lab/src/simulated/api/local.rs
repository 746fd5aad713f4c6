//! What the node that answers has itself: containers of tasks, the lab's images, no volumes.

use serde_json::{Value, json};

use super::render;
use super::route::{Answer, Ask};
use crate::simulated::model::Model;
use crate::simulated::model::refusal::Refusal;
use crate::simulated::model::task::{Slot, State, Task};

const FILTERS: [&str; 19] = [
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
    "until",
    "event",
    "type",
    "driver",
];

/// Of these the list has them; all but the stopped ones unless `all` is said.
pub(crate) fn containers(model: &Model, ask: &Ask) -> Result<Answer, Refusal> {
    let filters = ask.query.filters(&FILTERS)?;
    let all = ask.query.is_set("all") || !filters.values("status").is_empty();
    let here = model.tasks.values().filter(|task| task.node == Some(model.own_node));
    let mut list = Vec::new();
    for task in here.filter(|task| task.contained || task.state == State::Starting) {
        let container = container(model, task);
        let label = |key: &str| container["Labels"][key].as_str();
        let name = container["Names"][0].as_str().unwrap_or_default();
        let names = filters.values("name");
        if (all || task.state <= State::Running)
            && (names.is_empty() || names.iter().any(|part| name.contains(part)))
            && filters.begins("id", container["Id"].as_str().unwrap_or_default())
            && filters.is("status", container["State"].as_str().unwrap_or_default())
            && filters.is("is-task", "true")
            && filters.labelled("label", label)
        {
            list.push(container);
        }
    }
    Ok(Answer::json(200, json!(list).to_string()))
}

pub(crate) fn no_container(name: &str) -> Refusal {
    Refusal::new(404, format!("No such container: {name}"))
}

pub(crate) fn images() -> Answer {
    let image = |tag: &str, version: &str| {
        json!({
            "Containers": -1,
            "Created": 1_767_225_600,
            "Id": format!("sha256:{version:0>64}"),
            "Labels": { "windlass.version": version },
            "ParentId": "",
            "RepoDigests": null,
            "RepoTags": [format!("windlass/app:{tag}")],
            "SharedSize": -1,
            "Size": 1_984_925,
            "VirtualSize": 1_984_925,
        })
    };
    Answer::json(200, json!([image("latest", "1"), image("2", "2")]).to_string())
}

pub(crate) fn volumes() -> Answer {
    Answer::json(200, json!({ "Volumes": [], "Warnings": null }).to_string())
}

pub(crate) fn usage(model: &Model) -> Answer {
    let here = model.tasks.values().filter(|task| task.node == Some(model.own_node));
    let containers: Vec<Value> =
        here.filter(|task| task.contained).map(|task| container(model, task)).collect();
    let usage = json!({
        "LayersSize": 1_984_925, "Images": [], "Containers": containers, "Volumes": [],
        "BuildCache": null, "BuilderSize": 0,
    });
    Answer::json(200, usage.to_string())
}

fn container(model: &Model, task: &Task) -> Value {
    let service = model.services.get(&task.service).map_or("", |service| &service.spec.name);
    let slot = match task.slot {
        Slot::Number(number) => number.to_string(),
        Slot::Node(node) => node.to_string(),
    };
    let name = format!("{service}.{slot}.{}", task.id);
    let runs = task.state <= State::Running;
    json!({
        "Id": render::container(task),
        "Names": [format!("/{name}")],
        "Image": task.template.image,
        "ImageID": format!("sha256:{:0>64}", "1"),
        "Command": "/app",
        "Created": task.created.div_euclid(1_000),
        "Ports": [],
        "Labels": {
            "com.docker.swarm.node.id": model.own_node.as_str(),
            "com.docker.swarm.service.id": task.service.as_str(),
            "com.docker.swarm.service.name": service,
            "com.docker.swarm.task": "",
            "com.docker.swarm.task.id": task.id.as_str(),
            "com.docker.swarm.task.name": name,
        },
        "State": if runs { "running" } else { "exited" },
        "Status": if runs { "Up".to_owned() } else { format!("Exited ({})", task.exit) },
        "HostConfig": { "NetworkMode": "default" },
        "NetworkSettings": { "Networks": {} },
        "Mounts": [],
    })
}
