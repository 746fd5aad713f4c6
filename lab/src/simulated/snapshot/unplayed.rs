//! What a swarm may have, and the model does not play.
//!
//! The model knows what the swarm does with services, tasks, nodes, secrets and configs. It has no
//! plugins, no devices and no containers. None of that keeps a run from being rehearsed; but whoever
//! reads the result must know what was left out of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Snapshot;

/// What is found by name, under what it is.
#[derive(Default)]
struct Found(BTreeMap<String, Vec<String>>);

impl Found {
    fn add(&mut self, what: impl Into<String>, name: &str) {
        let names = self.0.entry(what.into()).or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
}

impl Snapshot {
    /// Returns what the model does not play, each with the names of those that have it.
    pub(super) fn unplayed(&self) -> Vec<String> {
        let mut found = Found::default();
        self.services.iter().for_each(|service| of_service(service, &mut found));
        for (word, objects) in [("secret", &self.secrets), ("config", &self.configs)] {
            for object in objects {
                let name = object["Spec"]["Name"].as_str().unwrap_or_default();
                if object["Spec"]["Templating"]["Name"].is_string() {
                    found.add(format!("the template of a {word}"), name);
                }
                if let Some(driver) = object["Spec"]["Driver"]["Name"].as_str() {
                    found.add(format!("the {word} driver {driver}: values are made up"), name);
                }
            }
        }
        for network in &self.networks {
            let driver = network["Driver"].as_str().unwrap_or("overlay");
            if !["overlay", "host", "bridge", "null"].contains(&driver) {
                let name = network["Name"].as_str().unwrap_or_default();
                found.add(format!("the network driver {driver}"), name);
            }
        }
        for node in &self.nodes {
            let state = node["Status"]["State"].as_str().unwrap_or("ready");
            if !["ready", "down"].contains(&state) {
                let name = node["Description"]["Hostname"].as_str().unwrap_or_default();
                found.add(format!("the state {state} of a node, which is taken for ready"), name);
            }
        }
        found.0.into_iter().map(|(what, names)| format!("{what} ({})", names.join(", "))).collect()
    }
}

fn of_service(service: &Value, found: &mut Found) {
    let spec = &service["Spec"];
    let name = spec["Name"].as_str().unwrap_or_default();
    let template = &spec["TaskTemplate"];
    let container = &template["ContainerSpec"];
    if container.is_null() {
        let runtime = template["Runtime"].as_str().unwrap_or("another");
        found.add(format!("the runtime {runtime}: such services are left out"), name);
        return;
    }
    if is_any(&template["Resources"]["Reservations"]["GenericResources"]) {
        found.add("generic resources: any node has them", name);
    }
    if is_any(&container["Privileges"]["CredentialSpec"]) {
        found.add("credential specs", name);
    }
    for mount in container["Mounts"].as_array().into_iter().flatten() {
        let driver = mount["VolumeOptions"]["DriverConfig"]["Name"].as_str().unwrap_or_default();
        if !["", "local"].contains(&driver) {
            found.add(format!("the volume driver {driver}: any node has it"), name);
        }
        if mount["Type"] == "cluster" {
            found.add("cluster volumes (CSI): any node has them", name);
        }
    }
}

/// True if there is something in it.
fn is_any(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => map.values().any(is_any),
        Value::String(text) => !text.is_empty(),
        _ => false,
    }
}
