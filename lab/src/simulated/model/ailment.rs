//! What is wrong with a service of the swarm that was copied: tasks that failed there fail here.
//!
//! The model has no images, no volumes and no programs, so it can't know why a task fails; it knows
//! that it did. As long as a task is made of the same things, it goes on failing in the same way.
//! When its image, command, user, mounts or health check change, nobody can know, and it runs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Model;
use super::definition::fingerprint;
use super::id::Id;
use super::task::{Slot, Task};
use super::template::Template;

/// What is wrong with a service's tasks.
#[derive(Debug, Clone)]
pub(crate) struct Ailment {
    /// Which tasks have it: those that are made of these things.
    pub(crate) makings: u64,
    pub(crate) place: Place,
    pub(crate) how: How,
}

/// Where tasks have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Everywhere,
    Nodes(BTreeSet<Id>),
    Slots(BTreeSet<Slot>),
}

/// How it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum How {
    /// No node is suitable, although the model may know one.
    Pending { err: String },
    /// It is prepared without end.
    Hangs,
    /// It is never prepared.
    Rejected { err: String },
    /// Its container does not start; one that ends with status 0 is complete.
    NeverRuns { status: i32, err: String },
    /// It runs for a while.
    Ends { after_ms: i64, status: i32 },
}

impl Model {
    /// Returns what is wrong with a task, if anything is.
    pub(crate) fn ailing(&self, task: &Task) -> Option<&How> {
        let ailment = self.ailments.get(&task.service)?;
        let here = match &ailment.place {
            Place::Everywhere => true,
            Place::Nodes(nodes) => task.node.is_some_and(|node| nodes.contains(&node)),
            Place::Slots(slots) => slots.contains(&task.slot),
        };
        (here && makings(&task.template) == ailment.makings).then_some(&ailment.how)
    }
}

/// Returns a number that is the same for templates whose containers are made of the same things.
/// Secrets, configs and environment don't count: what they are to do with it, nobody knows.
pub(crate) fn makings(template: &Template) -> u64 {
    let template: Value = serde_json::from_str(&template.text).unwrap_or_default();
    let container = &template["ContainerSpec"];
    let parts = ["Image", "Command", "Args", "Dir", "User", "Mounts", "Healthcheck"];
    fingerprint(&Value::from(parts.map(|part| container[part].clone()).to_vec()))
}
