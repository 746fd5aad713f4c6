//! The leader among the managers, and what is lost when it changes.
//!
//! Orchestrator, updater and restart supervisor live in the leader's memory. A new leader begins
//! again from the store: it looks at every service, and does not know which rollout had got how
//! far. A slot with two tasks is dirty to it, so the older task of a start-first replacement is
//! stopped at once, although the newer one is only starting.
//!
//! Nodes report to the new leader anew. A manager's own agent loses its place in the start of a
//! container: it reports `running` before the health check has passed, and never adds the
//! container to the service's addresses. Such a task runs and answers nobody until it is replaced.

use super::Model;
use super::id::Id;
use super::node::Role;
use super::queue::Due;
use super::refusal::Refusal;
use super::task::State;

/// How long the managers need to elect another leader when theirs is killed: the median of ten.
pub const ELECTION_MS: i64 = 14_200;

/// How long they need when the leader hands over, because it is demoted.
pub(crate) const TRANSFER_MS: i64 = 1_000;

const NOT_A_MANAGER: &str = "This node is not a swarm manager. Worker nodes can't be used to view \
    or modify cluster state. Please run this command on a manager node or promote the current \
    node to a manager.";

/// A new leader hears from the nodes after so long.
const REPORT_MS: i64 = 3_700;

impl Model {
    /// Returns the manager that leads.
    pub(crate) fn leader(&self) -> Id {
        self.leader.unwrap_or(self.own_node)
    }

    /// True while nobody leads: nothing can be read or written.
    pub(crate) fn is_leaderless(&self) -> bool {
        self.now < self.leaderless_until
    }

    /// Refuses what needs a leader while there is none.
    pub(crate) fn check_leader(&self) -> Result<(), Refusal> {
        if self.is_leaderless() { Err(Refusal::no_leader()) } else { Ok(()) }
    }

    /// Refuses everything about the swarm if the daemon that answers belongs to a worker.
    pub(crate) fn check_member(&self) -> Result<(), Refusal> {
        let own = self.nodes.get(&self.own_node).is_some_and(|own| own.role == Role::Worker);
        // A copy of a swarm may know no manager, and answers all the same.
        if own && self.nodes.values().any(|node| node.role == Role::Manager) {
            return Err(Refusal::new(503, NOT_A_MANAGER));
        }
        Ok(())
    }

    /// The leader is gone; after so long another manager leads, or the same if there is only one.
    pub(crate) fn lose_leader(&mut self, ms: i64) {
        self.leaderless_until = self.now + ms;
        if ms == 0 {
            self.lead();
        } else {
            self.queue.put(self.leaderless_until, Due::Lead);
        }
    }

    /// The next manager begins to lead.
    pub(crate) fn lead(&mut self) {
        if self.is_leaderless() {
            // It was lost once more meanwhile.
            return;
        }
        self.leader = Some(self.next_leader());
        self.interrupt_starts();
        for service in self.services.values_mut() {
            service.rollout = None;
            service.restarts.clear();
        }
        self.recall_starts();
        for service in self.services.keys().copied().collect::<Vec<_>>() {
            self.reconcile_soon(service);
        }
        self.schedule_soon();
    }

    fn next_leader(&self) -> Id {
        let old = self.leader();
        let can = |id: &&Id| {
            self.nodes.get(id).is_some_and(|node| node.role == Role::Manager && !node.down)
        };
        let after = self.nodes.keys().filter(|id| **id > old).find(can);
        after.or_else(|| self.nodes.keys().find(can)).copied().unwrap_or(old)
    }

    /// Agents of managers lose their places in what they were starting.
    fn interrupt_starts(&mut self) {
        let on_manager = |node: Option<Id>| {
            let node = node.and_then(|node| self.nodes.get(&node));
            node.is_some_and(|node| node.role == Role::Manager && !node.down)
        };
        let starting = self.tasks.values().filter(|task| task.state == State::Starting);
        let starting: Vec<Id> =
            starting.filter(|task| on_manager(task.node)).map(|task| task.id).collect();
        for id in starting {
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            (task.reachable, task.report_by) = (false, Some(self.now + REPORT_MS));
            self.take_up(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::Ids;
    use super::super::node::Node;
    use super::*;
    use crate::simulated::spec::Timings;

    #[test]
    fn leadership_goes_round_the_managers_that_are_up() {
        let mut model = Model::empty(1, 0, Timings::default());
        let mut ids = Ids::new(7);
        for (number, role) in
            [Role::Manager, Role::Worker, Role::Manager, Role::Manager].into_iter().enumerate()
        {
            let id = if number == 0 { model.own_node } else { ids.id() };
            let node = Node { role, ..Node::blank(id, format!("n{number}"), 0) };
            model.nodes.insert(id, node);
        }
        let mut seen = vec![model.leader()];
        for _ in 0..3 {
            model.lose_leader(1_000);
            assert!(model.check_leader().is_err());
            model.advance_to(model.now + 1_000);
            assert!(model.check_leader().is_ok());
            seen.push(model.leader());
        }
        assert_eq!(seen[0], seen[3], "{seen:?}");
        let managers = seen.iter().all(|id| model.nodes[id].role == Role::Manager);
        assert!(managers && seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
    }
}
