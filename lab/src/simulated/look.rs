//! A plain copy of the swarm, for those who judge it. Unlike the API it holds secrets' values.

use serde_json::Value;

use super::model::Model;
use super::model::object::Object;

/// The swarm as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// The time on the model's clock.
    pub now: i64,
    /// All nodes.
    pub nodes: Vec<NodeNow>,
    /// All services.
    pub services: Vec<ServiceNow>,
    /// All tasks that are remembered.
    pub tasks: Vec<TaskNow>,
    /// All secrets.
    pub secrets: Vec<SecretNow>,
    /// All configs.
    pub configs: Vec<ConfigNow>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeNow {
    /// Its ID.
    pub id: String,
    /// Its name, or its host name.
    pub name: String,
    /// Its spec.
    pub spec: Value,
    /// `ready` or `down`.
    pub state: String,
}

/// A service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceNow {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its spec.
    pub spec: Value,
    /// The spec before, if it is kept.
    pub previous_spec: Option<Value>,
    /// The state of its update, such as `completed`, if there is one.
    pub update_status: Option<String>,
    /// How often a job was executed anew.
    pub iteration: u64,
}

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskNow {
    /// Its ID.
    pub id: String,
    /// The ID of its service, which may be gone.
    pub service: String,
    /// Its slot; 0 in global services.
    pub slot: u64,
    /// The ID of its node, if it has one.
    pub node: Option<String>,
    /// Its state, such as `running`.
    pub state: String,
    /// Its desired state.
    pub desired: String,
    /// When it was made.
    pub created: i64,
    /// When it came into its state.
    pub since: i64,
    /// Its image.
    pub image: String,
    /// The secrets that it was made with: ID and name.
    pub secrets: Vec<(String, String)>,
    /// The error that it shows.
    pub err: Option<String>,
}

/// A secret.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretNow {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its spec, without the value.
    pub spec: Value,
    /// Its value.
    pub data: Vec<u8>,
}

/// A config.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigNow {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its spec, without the value.
    pub spec: Value,
    /// Its value.
    pub data: Vec<u8>,
}

impl Model {
    pub(crate) fn look(&self) -> World {
        let nodes = self.nodes.values().map(|node| NodeNow {
            id: node.id.to_string(),
            name: node.name().to_owned(),
            spec: (*node.spec).clone(),
            state: node.state().to_owned(),
        });
        let services = self.services.values().map(|service| ServiceNow {
            id: service.id.to_string(),
            name: service.spec.name.clone(),
            version: service.version,
            spec: service.spec.json(),
            previous_spec: service.previous.as_ref().map(|spec| spec.json()),
            update_status: service.status.as_ref().map(|status| status.state.word().to_owned()),
            iteration: service.iteration,
        });
        let tasks = self.tasks.values().map(|task| {
            let secrets = task.template.secrets.iter();
            TaskNow {
                id: task.id.to_string(),
                service: task.service.to_string(),
                slot: task.slot_number(),
                node: task.node.map(|node| node.to_string()),
                state: task.state.word().to_owned(),
                desired: task.desired.word().to_owned(),
                created: task.created,
                since: task.stamp,
                image: task.template.image.clone(),
                secrets: secrets.map(|r| (r.id.to_string(), r.name.clone())).collect(),
                err: task.err.as_ref().map(|err| err.to_string()),
            }
        });
        let parts = |object: &Object| {
            let spec = (*object.spec).clone();
            (object.id.to_string(), object.name.clone(), spec, object.data.to_vec())
        };
        let secrets = self.secrets.all.values().map(parts);
        let configs = self.configs.all.values().map(parts);
        World {
            now: self.now,
            nodes: nodes.collect(),
            services: services.collect(),
            tasks: tasks.collect(),
            secrets: secrets
                .map(|(id, name, spec, data)| SecretNow { id, name, spec, data })
                .collect(),
            configs: configs
                .map(|(id, name, spec, data)| ConfigNow { id, name, spec, data })
                .collect(),
        }
    }
}
