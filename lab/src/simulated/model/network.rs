//! Networks: only what `stack deploy` and services need to be made.

use serde_json::{Value, json};

use super::Model;
use super::events::{Action, Kind};
use super::id::Id;
use super::object::find;
use super::refusal::Refusal;

/// A network.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) spec: Value,
    pub(crate) ingress: bool,
}

impl Model {
    pub(crate) fn add_ingress(&mut self) {
        let spec = json!({ "Name": "ingress", "Driver": "overlay", "Labels": null });
        let id = self.ids.id();
        let name = "ingress".to_owned();
        let network = Network { id, created: self.now, number: 0, name, spec, ingress: true };
        self.networks.insert(id, network);
    }

    pub(crate) fn find_network(&self, text: &str) -> Result<Id, Refusal> {
        let named = || self.networks.values().find(|n| n.name == text).map(|n| n.id);
        find(&self.networks, named, "network", text)
    }

    pub(crate) fn create_network(&mut self, spec: Value) -> Result<Id, Refusal> {
        let name = spec["Name"].as_str().unwrap_or_default().to_owned();
        if self.networks.values().any(|network| network.name == name) {
            return Err(Refusal::new(409, format!("network with name {name} already exists")));
        }
        let id = self.ids.id();
        let number = self.networks.values().map(|n| n.number).max().unwrap_or(0) + 1;
        self.write();
        let (created, ingress) = (self.now, false);
        let network = Network { id, created, number, name: name.clone(), spec, ingress };
        self.networks.insert(id, network);
        let attributes = vec![("type", "overlay".to_owned())];
        self.tell(Kind::Network, Action::Create, id, &name, attributes);
        Ok(id)
    }

    pub(crate) fn remove_network(&mut self, id: Id) -> Result<(), Refusal> {
        let uses = |networks: &[String]| networks.iter().any(|network| network == id.as_str());
        if let Some(user) = self.services.values().find(|s| uses(&s.spec.networks)) {
            return Err(Refusal::precondition(format!(
                "network {id} is in use by service {}",
                user.id
            )));
        }
        self.write();
        if let Some(network) = self.networks.remove(&id) {
            let attributes = vec![("type", "overlay".to_owned())];
            self.tell(Kind::Network, Action::Remove, id, &network.name, attributes);
        }
        Ok(())
    }

    /// Puts IDs in the place of names, as the daemon does before it stores a service.
    pub(crate) fn resolve_networks(&self, spec: &mut Value) -> Result<(), Refusal> {
        for list in ["/TaskTemplate/Networks", "/Networks"] {
            let list = spec.pointer_mut(list).and_then(Value::as_array_mut);
            for network in list.into_iter().flatten() {
                let target = network["Target"].as_str().unwrap_or_default();
                // `host`, `bridge` and `none` are there on every node.
                if network.is_object() && !["host", "bridge", "none"].contains(&target) {
                    let found = self.find_network(target);
                    let found = found.map_err(|refusal| Refusal::new(500, refusal.message))?;
                    network["Target"] = json!(found.as_str());
                }
            }
        }
        Ok(())
    }
}
