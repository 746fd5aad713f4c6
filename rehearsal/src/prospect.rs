//! What is to be said before a rehearsal begins.

use windlass_lab::simulated::{Simulated, Snapshot};
use windlass_swarm::docker::Nodes;
use windlass_swarm::service::unhealthy;

use crate::scene::CALM_MS;

/// What a copy of a swarm will be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// What of the swarm is not played, each by name.
    pub not_played: Vec<String>,
    /// Services that don't run as they should, and why.
    pub unhealthy: Vec<String>,
}

/// Returns what a copy of a swarm will be like. Whether services run as they should is judged as it
/// is before a run, by what the copy shows when it has calmed down.
pub fn prospect(snapshot: &Snapshot) -> Prospect {
    let (copy, not_played) = Simulated::copied(snapshot, 1);
    copy.advance_to(copy.now() + CALM_MS);
    let shown = copy.snapshot();
    let nodes = shown.nodes.into_iter();
    let nodes: Nodes = nodes.filter_map(|n| Some((n["ID"].as_str()?.to_owned(), n))).collect();
    let judged = shown.services.iter().filter_map(|service| {
        let of_it = shown.tasks.iter().filter(|task| task["ServiceID"] == service["ID"]);
        unhealthy(service, &of_it.cloned().collect::<Vec<_>>(), &nodes)
    });
    let mut unhealthy: Vec<String> = judged.map(|u| format!("{}: {}", u.name, u.why)).collect();
    unhealthy.sort();
    Prospect { not_played, unhealthy }
}
