//! Events, as `GET /events` tells them: of services, nodes, secrets, configs and networks. Tasks
//! have none.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::Model;
use super::id::Id;

/// So many events the daemon remembers.
const HISTORY: usize = 256;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Service,
    Node,
    Secret,
    Config,
    Network,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Service => "service",
            Kind::Node => "node",
            Kind::Secret => "secret",
            Kind::Config => "config",
            Kind::Network => "network",
        }
    }
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Remove,
}

impl Action {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Remove => "remove",
        }
    }
}

/// An event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) kind: Kind,
    pub(crate) action: Action,
    pub(crate) id: Id,
    pub(crate) name: String,
    attributes: Vec<(&'static str, String)>,
}

impl Event {
    /// Returns it as a line of the stream.
    pub(crate) fn line(&self) -> String {
        let mut attributes = Map::new();
        attributes.insert("name".to_owned(), json!(self.name));
        for (key, value) in &self.attributes {
            attributes.insert((*key).to_owned(), json!(value));
        }
        let event = json!({
            "Type": self.kind.word(),
            "Action": self.action.word(),
            "Actor": { "ID": self.id.as_str(), "Attributes": Value::Object(attributes) },
            "scope": "swarm",
            "time": self.at.div_euclid(1_000),
            "timeNano": self.at * 1_000_000,
        });
        format!("{event}\n")
    }
}

/// What is told to a listener.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Event(Arc<Event>),
    /// Time has come this far without more events.
    Time(i64),
}

/// Past events, and who listens.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    pub(crate) past: VecDeque<Arc<Event>>,
    listeners: Vec<UnboundedSender<Told>>,
}

impl Clone for Bus {
    /// A copy has the past in common, but nobody listens to it.
    fn clone(&self) -> Self {
        Bus { past: self.past.clone(), listeners: Vec::new() }
    }
}

impl Bus {
    pub(crate) fn listen(&mut self, listener: UnboundedSender<Told>) {
        self.listeners.push(listener);
    }

    /// Breaks all streams.
    pub(crate) fn hang_up(&mut self) {
        self.listeners.clear();
    }

    pub(crate) fn time(&mut self, now: i64) {
        self.listeners.retain(|listener| listener.send(Told::Time(now)).is_ok());
    }
}

impl Model {
    pub(crate) fn tell(
        &mut self,
        kind: Kind,
        action: Action,
        id: Id,
        name: &str,
        attributes: Vec<(&'static str, String)>,
    ) {
        let name = name.to_owned();
        let event = Arc::new(Event { at: self.now, kind, action, id, name, attributes });
        if self.bus.past.len() == HISTORY {
            self.bus.past.pop_front();
        }
        self.bus.past.push_back(event.clone());
        self.bus.listeners.retain(|listener| listener.send(Told::Event(event.clone())).is_ok());
    }
}
