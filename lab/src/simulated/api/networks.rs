//! `/networks`: enough for stacks.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use super::render;
use super::route::{Answer, Ask};
use super::schema::NETWORK;
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
    let spec = ask.read(&NETWORK)?;
    check_ranges(&spec)?;
    let id = model.create_network(spec)?;
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
            "Config": ranges(network),
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

/// Returns a network's addresses: those that were asked for, else the next ones of the pool.
fn ranges(network: &Network) -> Value {
    let asked = network.spec["IPAM"]["Config"].as_array().filter(|list| !list.is_empty());
    let Some(asked) = asked else {
        let number = network.number;
        let (subnet, gateway) = (format!("10.0.{number}.0/24"), format!("10.0.{number}.1"));
        return json!([{ "Subnet": subnet, "Gateway": gateway }]);
    };
    let whole = |range: &Value| {
        let mut range = range.clone();
        if range["Gateway"].as_str().is_none_or(str::is_empty)
            && let Some(IpAddr::V4(subnet)) = range["Subnet"].as_str().and_then(address)
        {
            let first = Ipv4Addr::from(u32::from(subnet).saturating_add(1));
            range["Gateway"] = json!(first.to_string());
        }
        range
    };
    asked.iter().map(whole).collect()
}

fn check_ranges(spec: &Value) -> Result<(), Refusal> {
    for range in spec["IPAM"]["Config"].as_array().into_iter().flatten() {
        let subnet = range["Subnet"].as_str().unwrap_or_default();
        if !subnet.is_empty() && address(subnet).is_none() {
            let text = format!("Invalid subnet {subnet} : invalid CIDR address: {subnet}");
            return Err(Refusal::new(500, text));
        }
    }
    Ok(())
}

/// Returns the address in front of the length of `10.0.0.0/24`.
fn address(subnet: &str) -> Option<IpAddr> {
    let (address, length) = subnet.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.parse::<u8>().ok().filter(|length| *length <= most)?;
    Some(address)
}
