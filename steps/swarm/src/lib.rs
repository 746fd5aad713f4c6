//! The steps about a Docker Swarm: they touch the world, and know no journal.
//!
//! One step is one file, `<noun>/<verb>.rs`; `steps` below is the list of them. What they share is beside
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

use windlass_engine::step::{AnyStep, Family, Place, change, read, wait};

use docker::{Endpoint, Environment, Swarm};
use swarm::place::SwarmPlace;

/// The family, over one swarm. It connects when a step or a person asks.
pub struct SwarmSteps {
    swarm: Swarm,
    place: Option<Arc<SwarmPlace>>,
}

impl SwarmSteps {
    /// Returns the family over the swarm that the environment names. Its runs are bound to whichever
    /// answers there.
    pub fn of(environment: &Environment) -> Self {
        let swarm = Swarm::from_environment(environment.clone());
        // What is wrong with an address is said when something connects to it.
        let address = Endpoint::resolve(environment).map(|endpoint| endpoint.host);
        let address = address.unwrap_or_default();
        let place = Some(Arc::new(SwarmPlace { swarm: swarm.clone(), address }));
        SwarmSteps { swarm, place }
    }

    /// Returns the family over a swarm that no other can take the place of, such as a simulated one.
    pub fn over(swarm: Swarm) -> Self {
        SwarmSteps { swarm, place: None }
    }
}

impl Family for SwarmSteps {
    fn name(&self) -> &'static str {
        "swarm"
    }

    fn summary(&self) -> &'static str {
        "Secrets, services and nodes of a Docker Swarm."
    }

    fn steps(&self) -> Vec<Arc<dyn AnyStep>> {
        steps(&self.swarm)
    }

    fn place(&self) -> Option<Arc<dyn Place>> {
        self.place.clone().map(|place| place as Arc<dyn Place>)
    }
}

/// The list of steps: one line for each.
fn steps(swarm: &Swarm) -> Vec<Arc<dyn AnyStep>> {
    let swarm = || swarm.clone();
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
        let registry = Registry::of(steps(&Swarm::connect(&endpoint)));
        let unbound = registry.iter().flat_map(|step| {
            let fields = step.unbound().into_iter();
            fields.map(|field| format!("{}: {field}", step.about().name)).collect::<Vec<_>>()
        });
        let expected =
            ["secret.create: mac", "service.seal: version", "service.switch_secret: version"];
        assert_eq!(unbound.collect::<Vec<_>>(), expected);
    }
}
