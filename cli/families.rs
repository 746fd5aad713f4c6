//! The families of steps that this program has.
//!
//! A family that is listed costs nothing until a runbook uses it: none connects to anything when it
//! is made.

use std::sync::Arc;

use windlass_basic::BasicSteps;
use windlass_engine::step::{Family, Registry};
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::Swarm;

use crate::settings::Settings;

/// Returns the steps, over what the settings name.
pub fn steps(settings: &Settings) -> Registry {
    families(SwarmSteps::of(&settings.docker))
}

/// Returns the steps of a rehearsal, over a simulated swarm.
pub fn rehearsed(swarm: Swarm) -> Registry {
    families(SwarmSteps::over(swarm))
}

/// The list: one line for each.
fn families(swarm: SwarmSteps) -> Registry {
    let families: [Arc<dyn Family>; _] = [Arc::new(BasicSteps), Arc::new(swarm)];
    Registry::of_families(families)
}
