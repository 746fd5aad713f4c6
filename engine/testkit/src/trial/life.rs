//! Nothing goes wrong, but that processes follow each other.

use windlass_engine::step::{Kind, Probe};

use super::{Bench, Scene, must, same, well};
use crate::process::Came;
use crate::{Place, Undo};

impl<P: Place> Bench<'_, P> {
    /// Prepare, probe, apply, probe, undo, undo.
    pub(super) async fn life(&self) -> Result<(), String> {
        let scene = self.scene();
        if !self.kind.changes() {
            return scene.looks().await;
        }
        let base = scene.prepared().await?.base;
        same("the preparation changed the world", &scene.place.state(), &scene.found)?;
        let before = well("probe", scene.process().probe(&base, None).await?)?;
        must(before == Probe::NotApplied, || format!("a probe before it says {before:?}"))?;
        let output = well("apply", scene.process().apply(&base, None).await?)?;
        let done = scene.place.state();
        must(self.case.shows == (done != scene.found), || match self.case.shows {
            true => "it does not show that it was applied".to_owned(),
            false => "it shows that it was applied: take `without_a_trace` out".to_owned(),
        })?;
        let after = well("probe", scene.process().probe(&base, None).await?)?;
        match (self.case.shows, after) {
            (true, Probe::Applied(probed)) => {
                let (probed, output) =
                    (scene.place.named(probed), scene.place.named(output.clone()));
                same("the probed output", &probed, &output)?;
            }
            (false, Probe::NotApplied) => {}
            (_, other) => return Err(format!("a probe after it says {other:?}")),
        }
        scene.taken_back(&base, &output, &done).await
    }

    /// A second apply of the same base, by a process that knows nothing of the first.
    pub(super) async fn repeat(&self) -> Result<(), String> {
        let scene = self.scene();
        let (base, output) = scene.applied().await?;
        let done = scene.place.state();
        match (scene.process().apply(&base, None).await?, self.case.repeat_refused) {
            (Came::Well(again), None) => {
                let (again, output) = (scene.place.named(again), scene.place.named(output));
                if self.kind.changes() && self.case.shows {
                    same("the output of a repeated apply", &again, &output)?;
                }
            }
            (Came::Error(error), Some(code)) if error.code == code => {}
            (other, _) => return Err(format!("a repeated apply comes to {other:?}")),
        }
        same("a repeated apply changed the world", &scene.place.state(), &done)
    }
}

impl<P: Place> Scene<'_, P> {
    /// What only looks changes nothing, and may look again.
    async fn looks(&self) -> Result<(), String> {
        for _ in 0..2 {
            let process = self.process();
            let base = well("prepare", process.prepare(None).await?)?.base;
            well("apply", process.apply(&base, None).await?)?;
            process.changed_nothing("apply")?;
            let probed = well("probe", process.probe(&base, None).await?)?;
            must(probed == Probe::NotApplied, || format!("a probe of it says {probed:?}"))?;
        }
        same("it changed the world", &self.place.state(), &self.found)
    }

    /// Undoes an applied call, twice, and looks at what is left.
    pub(super) async fn taken_back(
        &self,
        base: &serde_json::Value,
        output: &serde_json::Value,
        done: &serde_json::Value,
    ) -> Result<(), String> {
        let undone = self.process().undo(base, output, None).await?;
        let (left, wanted) = match self.case.undo {
            Undo::AsFound => {
                well("undo", undone)?;
                ("an undo does not leave the world as it was found", &self.found)
            }
            Undo::Nothing => {
                well("undo", undone)?;
                ("an undo changed something", done)
            }
            Undo::Refused => {
                must(self.process().step().kind() == Kind::Destroy, || {
                    "it can't be undone, and is no pivot".to_owned()
                })?;
                match undone {
                    Came::Error(error)
                        if error.class == windlass_engine::step::ErrorClass::NeedsOperator => {}
                    other => {
                        return Err(format!(
                            "an undo does not say that a person is needed: {other:?}"
                        ));
                    }
                }
                ("a refused undo changed something", done)
            }
        };
        same(left, &self.place.state(), wanted)?;
        if self.case.undo == Undo::Refused {
            return Ok(());
        }
        let second = self.process();
        well("a second undo", second.undo(base, output, None).await?)?;
        second.changed_nothing("a second undo")?;
        same("a second undo changed the world", &self.place.state(), wanted)
    }
}
