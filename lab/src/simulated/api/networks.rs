//! `/networks`: enough for stacks.

use serde_json::{Value, json};

use super::render;
use super::route::{Answer, Ask};
use crate::simulated::model::Model;
use crate::simulated::model::network::Network;
use crate::simulated::model::refusal::Refusal;

pub(crate) fn list(model: &Model, ask: &Ask) -> Result<Answer, Refusal> {
    let known = ["name", "id", "label", "driver", "scope", "type", "dangling"];
    let filters = ask.query.filters(&known)?;
    let wanted = model.networks.values().filter(|network| {
        let label = |key: &str| network.spec["Labels"][key].as_str();
        let named = filters.values("name");
        filters.begins("id", network.id.as_str())
            && (named.is_empty() || named.iter().any(|name| network.name.contains(name)))
            && filters.is("driver", "overlay")
            && filters.is("scope", "swarm")
            && filters.labelled("label", label)
    });
    let text = render::list(wanted, |out, network| out.push_str(&shown(network).to_string()));
    Ok(Answer::json(200, text))
}

pub(crate) fn inspect(model: &Model, text: &str) -> Result<Answer, Refusal> {
    let id = model.find_network(text)?;
    Ok(Answer::json(200, shown(&model.networks[&id]).to_string()))
}

pub(crate) fn create(model: &mut Model, ask: &Ask) -> Result<Answer, Refusal> {
    let id = model.create_network(ask.json()?)?;
    Ok(Answer::json(201, json!({ "Id": id.as_str(), "Warning": "" }).to_string()))
}

pub(crate) fn remove(model: &mut Model, text: &str) -> Result<Answer, Refusal> {
    let id = model.find_network(text)?;
    model.remove_network(id)?;
    Ok(Answer::empty(204))
}

/// Returns a network as the API shows it.
pub(crate) fn shown(network: &Network) -> Value {
    let number = network.number;
    let flag = |key: &str| network.spec[key].as_bool().unwrap_or(false);
    json!({
        "Name": network.name,
        "Id": network.id.as_str(),
        "Created": render::stamp(network.created),
        "Scope": "swarm",
        "Driver": network.spec["Driver"].as_str().unwrap_or("overlay"),
        "EnableIPv6": false,
        "IPAM": {
            "Driver": "default",
            "Options": null,
            "Config": [{
                "Subnet": format!("10.0.{number}.0/24"), "Gateway": format!("10.0.{number}.1"),
            }],
        },
        "Internal": flag("Internal"),
        "Attachable": flag("Attachable"),
        "Ingress": network.ingress,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": null,
        "Options": {
            "com.docker.network.driver.overlay.vxlanid_list": (4096 + number).to_string(),
        },
        "Labels": network.spec["Labels"],
    })
}
