//! What must be so after a call was cut off, wherever.

use serde_json::Value;
use windlass_engine::step::Probe;

use super::{Bench, Scene, must, same, well};
use crate::Place;

/// A call that went well, to compare others with.
pub(super) struct Model {
    /// The world after it.
    pub(super) done: Value,
    /// Its output, with names for IDs.
    output: Value,
    /// How many requests its apply makes.
    pub(super) requests: usize,
}

impl<P: Place> Bench<'_, P> {
    /// Returns how the call goes if nothing goes wrong.
    pub(super) async fn model(&self) -> Result<Model, String> {
        let scene = self.scene();
        let base = scene.prepared().await?.base;
        let process = scene.process();
        let output = well("apply", process.apply(&base, None).await?)?;
        let requests = process.asked().len();
        Ok(Model { done: scene.place.state(), output: scene.place.named(output), requests })
    }
}

/// Where a call that was cut off goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// On, to its end.
    On,
    /// On, and back from there.
    Back,
}

impl<P: Place> Scene<'_, P> {
    /// A probe tells the truth about a call that was cut off, and the call can be brought to its
    /// end, or back.
    pub(super) async fn settles(
        &self,
        model: &Model,
        base: &Value,
        way: Way,
    ) -> Result<(), String> {
        let now = self.place.state();
        let probed = well("probe", self.process().probe(base, None).await?)?;
        if self.case.shows {
            let truth = match &probed {
                Probe::Applied(_) => now == model.done,
                Probe::NotApplied => now == self.found,
                Probe::Partial(_) => now != self.found && now != model.done,
                Probe::Foreign(_) | Probe::Unknown(_) => false,
            };
            must(truth, || {
                let state = match () {
                    () if now == self.found => "as it was found",
                    () if now == model.done => "as it should be",
                    () => "neither",
                };
                format!("a probe says {probed:?}, and the world is {state}")
            })?;
        }
        let (base, output) = match probed {
            Probe::Applied(output) => (base.clone(), output),
            _ => self.applied().await?,
        };
        same("the world at the end", &self.place.state(), &model.done)?;
        if self.case.shows {
            same("the output at the end", &self.place.named(output.clone()), &model.output)?;
        }
        match way {
            Way::On => Ok(()),
            Way::Back => self.taken_back(&base, &output, &model.done).await,
        }
    }
}
