//! The steps about a Docker Swarm: they touch the world, and know no journal.
//!
//! One step is one file, `<noun>/<verb>.rs`; [`steps`] is the list of them. What they share is beside
//! them: [`docker`] carries JSON to the daemon, [`planned`] makes reads answer as if the changes of
//! a plan had been made, `look.rs` lets a plan read the swarm once, `service/judge.rs` decides when a service has converged.

pub mod docker;
mod look;
pub mod object;
pub mod planned;
pub mod secret;
pub mod service;
pub mod swarm;

use std::sync::Arc;

use windlass_engine::step::{AnyStep, change, read, wait};

use docker::Swarm;

/// Returns every step of this family, over one swarm.
pub fn steps(swarm: Arc<Swarm>) -> Vec<Arc<dyn AnyStep>> {
    let swarm = || Swarm::clone(&swarm);
    vec![
        read(swarm::check::Check { swarm: swarm() }),
        read(secret::find::Find { swarm: swarm() }),
        read(secret::next_name::NextName { swarm: swarm() }),
        change(secret::create::Create { swarm: swarm() }),
        change(secret::remove::Remove { swarm: swarm() }),
        read(service::using::Using { swarm: swarm() }),
        read(service::check::Check { swarm: swarm() }),
        change(service::switch_secret::SwitchSecret { swarm: swarm() }),
        wait(service::converged::Converged { swarm: swarm() }),
        wait(service::observe::Observe { swarm: swarm() }),
        change(service::seal::Seal { swarm: swarm() }),
    ]
}

#[cfg(test)]
mod tests {
    use windlass_engine::step::Registry;

    use super::*;

    /// An approval that is bound to what the swarm moves by itself lapses again and again; one that
    /// is bound to too little lets another change pass.
    #[test]
    fn approvals_are_bound_to_all_but_versions_and_fingerprints_of_values() {
        let endpoint = docker::Endpoint::new("unix:///nowhere", None, "a test").unwrap();
        let registry = Registry::of(steps(Arc::new(Swarm::connect(&endpoint))));
        let unbound = registry.iter().flat_map(|step| {
            let fields = step.unbound().into_iter();
            fields.map(|field| format!("{}: {field}", step.about().name)).collect::<Vec<_>>()
        });
        let expected =
            ["secret.create: mac", "service.seal: version", "service.switch_secret: version"];
        assert_eq!(unbound.collect::<Vec<_>>(), expected);
    }
}
