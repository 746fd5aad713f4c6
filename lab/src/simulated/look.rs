//! A plain copy of the swarm, for those who judge it. Unlike the API it holds secrets' values.

use serde_json::Value;

use super::model::Model;
use super::model::object::Object;
use super::model::serving::Serving;

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
    /// Whether it is the manager that leads.
    pub leader: bool,
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
    /// How its tasks answered so far.
    pub serving: ServingNow,
}

/// How the tasks of a service answered, since it has been there. A task answers while it runs and
/// is meant to, and can be reached. Of jobs nothing is noted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServingNow {
    /// How many answer now.
    pub tasks: usize,
    /// When their number changed, and to what; the latest 256.
    pub changes: Vec<(i64, usize)>,
    /// Times in which none answered, although some did before and some were wanted.
    pub outages: Vec<Outage>,
}

/// A time in which no task of a service answered, on the model's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it began.
    pub from: i64,
    /// When it ended; none while it goes on.
    pub until: Option<i64>,
}

impl ServingNow {
    /// Returns the length of the longest outage in milliseconds; one that goes on lasts until now.
    pub fn outage_ms_max(&self, now: i64) -> i64 {
        let lengths = self.outages.iter().map(|o| o.until.unwrap_or(now) - o.from);
        lengths.max().unwrap_or(0)
    }
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
    /// Whether it answers: a task may run and be out of reach.
    pub serves: bool,
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

/// A secret that was removed by a request, and the swarm in the moment before.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// The secret's ID.
    pub secret: String,
    /// The swarm, with the secret still in it.
    pub world: World,
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
            leader: node.id == self.leader() && !self.is_leaderless(),
        });
        let services = self.services.values().map(|service| ServiceNow {
            id: service.id.to_string(),
            name: service.spec.name.clone(),
            version: service.version,
            spec: service.spec.json(),
            previous_spec: service.previous.as_ref().map(|spec| spec.json()),
            update_status: service.status.as_ref().map(|status| status.state.word().to_owned()),
            iteration: service.iteration,
            serving: serving(&service.serving),
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
                serves: self.serves(task),
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

fn serving(record: &Serving) -> ServingNow {
    let outages = record.outages.iter().map(|(from, until)| Outage { from: *from, until: *until });
    ServingNow {
        tasks: record.now(),
        changes: record.changes.iter().copied().collect(),
        outages: outages.collect(),
    }
}
