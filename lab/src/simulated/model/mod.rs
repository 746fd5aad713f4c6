//! The swarm itself, without sockets: objects, an orchestrator, nodes, and a queue of what is due.
//!
//! ```text
//!  request --> service, node, object --> orchestrator --> rollout --> task
//!                                             |              ^          |
//!                                          restart       scheduler    agent (program)
//!                                             ^________________________|
//! ```
//!
//! The parts are named after swarmkit's, and do the same for the same reasons; where swarmkit has
//! threads that wait, this has entries in the [`queue`]. Nothing in here knows the time of day or
//! draws lots: the same requests at the same times give the same swarm.

pub(crate) mod agent;
pub(crate) mod ailment;
pub(crate) mod cluster;
pub(crate) mod definition;
pub(crate) mod events;
pub(crate) mod expansion;
pub(crate) mod id;
pub(crate) mod job;
pub(crate) mod leader;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod object;
pub(crate) mod orchestrator;
pub(crate) mod placement;
pub(crate) mod program;
pub(crate) mod queue;
pub(crate) mod refusal;
pub(crate) mod restart;
pub(crate) mod rollout;
pub(crate) mod scheduler;
pub(crate) mod service;
pub(crate) mod serving;
pub(crate) mod settle;
pub(crate) mod task;
pub(crate) mod template;

use std::collections::{BTreeMap, BTreeSet};

use agent::Overrides;
use ailment::Ailment;
use cluster::Cluster;
use events::Bus;
use id::{Id, Ids};
use network::Network;
use node::Node;
use object::Store;
use queue::{Due, Queue};
use restart::Start;
use service::Service;
use task::Task;

use super::spec::Timings;

/// A swarm.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) now: i64,
    /// The version of the last write; all objects share it.
    pub(crate) index: u64,
    pub(crate) ids: Ids,
    pub(crate) queue: Queue,
    pub(crate) bus: Bus,
    pub(crate) cluster: Id,
    pub(crate) swarm: Cluster,
    pub(crate) started: i64,
    /// The node whose daemon answers.
    pub(crate) own_node: Id,
    /// The manager that leads, if it is not that one.
    pub(crate) leader: Option<Id>,
    pub(crate) leaderless_until: i64,
    pub(crate) nodes: BTreeMap<Id, Node>,
    pub(crate) services: BTreeMap<Id, Service>,
    pub(crate) service_names: BTreeMap<String, Id>,
    /// Global services, which have to do with every change of a node.
    pub(crate) globals: BTreeSet<Id>,
    pub(crate) tasks: BTreeMap<Id, Task>,
    pub(crate) secrets: Store,
    pub(crate) configs: Store,
    pub(crate) networks: BTreeMap<Id, Network>,
    /// Tasks that have no node yet.
    pub(crate) unassigned: BTreeSet<Id>,
    pub(crate) scheduling: bool,
    /// Tasks that are held back, and the ones that they wait for.
    pub(crate) starts: BTreeMap<Id, Start>,
    pub(crate) awaited: BTreeMap<Id, Id>,
    pub(crate) rollouts: u64,
    pub(crate) history_max: usize,
    pub(crate) timings: Timings,
    pub(crate) overrides: BTreeMap<String, Overrides>,
    /// What is wrong with services, as it was in the swarm that was copied.
    pub(crate) ailments: BTreeMap<Id, Ailment>,
}

impl Model {
    /// Returns a swarm of nothing; it needs nodes.
    pub(crate) fn empty(seed: u64, now: i64, timings: Timings) -> Self {
        let mut ids = Ids::new(seed);
        let cluster = ids.id();
        let own_node = ids.id();
        let mut model = Model {
            now,
            index: 10,
            ids,
            queue: Queue::default(),
            bus: Bus::default(),
            cluster,
            swarm: Cluster::new(now),
            started: now,
            own_node,
            leader: None,
            leaderless_until: i64::MIN,
            nodes: BTreeMap::new(),
            services: BTreeMap::new(),
            service_names: BTreeMap::new(),
            globals: BTreeSet::new(),
            tasks: BTreeMap::new(),
            secrets: Store::default(),
            configs: Store::default(),
            networks: BTreeMap::new(),
            unassigned: BTreeSet::new(),
            scheduling: false,
            starts: BTreeMap::new(),
            awaited: BTreeMap::new(),
            rollouts: 0,
            history_max: 5,
            timings,
            overrides: BTreeMap::new(),
            ailments: BTreeMap::new(),
        };
        model.add_ingress();
        model
    }

    /// Handles everything that is due up to then, in order. Never goes back.
    pub(crate) fn advance_to(&mut self, at: i64) {
        while let Some((when, due)) = self.queue.take(at) {
            self.now = self.now.max(when);
            match due {
                Due::Mark => {}
                Due::Lead => self.lead(),
                // Nobody is there to do it or to hear of it.
                due if self.is_leaderless() => self.queue.put(self.leaderless_until, due),
                Due::Reconcile(service) => self.reconcile(service),
                Due::Schedule => self.schedule(),
                Due::Task(task, step) => self.step(task, step),
                Due::Start(task) => self.start_if_due(task),
                Due::Rollout(service, number) => self.rollout_due(service, number),
            }
        }
        if at > self.now {
            self.now = at;
            self.bus.time(at);
        }
    }

    /// Returns when something is due next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.queue.next_at()
    }

    /// Counts a write, and returns the version that the object gets.
    pub(crate) fn write(&mut self) -> u64 {
        self.index += 1;
        self.index
    }
}
