//! A world that a step is tried in.

use std::sync::Arc;

use serde_json::Value;
use windlass_engine::clock::{Clock, SimClock};
use windlass_engine::step::AnyStep;

use crate::Troubles;

/// A world made for one trial.
pub trait Place {
    /// Returns the steps as a process has them that has just started: they remember nothing.
    fn steps(&self) -> Vec<Arc<dyn AnyStep>>;

    /// Returns the world's clock.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Returns what the requests of calls pass through.
    fn troubles(&self) -> &Troubles;

    /// Waits until what goes on by itself has come to rest, and returns everything that somebody
    /// would miss, or find too much. What a retry may change (IDs, versions) goes by name.
    fn state(&self) -> Value;

    /// Replaces the IDs in a text by what people call the objects.
    fn named(&self, value: Value) -> Value {
        value
    }
}

/// The place of steps that touch nothing outside their run.
pub struct Nowhere {
    steps: fn() -> Vec<Arc<dyn AnyStep>>,
    troubles: Troubles,
}

impl Nowhere {
    /// Returns a place with these steps.
    pub fn with(steps: fn() -> Vec<Arc<dyn AnyStep>>) -> Self {
        Nowhere { steps, troubles: Troubles::default() }
    }
}

impl Place for Nowhere {
    fn steps(&self) -> Vec<Arc<dyn AnyStep>> {
        (self.steps)()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SimClock::at(0))
    }

    fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    fn state(&self) -> Value {
        Value::Null
    }
}
