//! Others are at work too.

use windlass_engine::step::Probe;

use super::{Bench, Scene, must, same, well};
use crate::Place;
use crate::case::{Meddling, Says, Then};
use crate::process::Came;

impl<P: Place> Bench<'_, P> {
    /// What others do before an apply, or after it, is still there when the call is undone.
    async fn beside(&self, meddling: &Meddling<P>, says: Says, before: bool) -> Result<(), String> {
        let alone = self.scene();
        (meddling.act)(&alone.place);
        let theirs = alone.place.state();
        let scene = self.scene();
        let base = scene.prepared().await?.base;
        if before {
            (meddling.act)(&scene.place);
            scene.says(&base, says).await?;
        }
        let output = well("apply", scene.process().apply(&base, None).await?)?;
        if !before {
            (meddling.act)(&scene.place);
            scene.says(&base, says).await?;
        }
        well("undo", scene.process().undo(&base, &output, None).await?)?;
        same("the world after an undo", &scene.place.state(), &theirs)
    }

    /// Each thing that others do is told as theirs, and stays.
    pub(super) async fn meddling(&self) -> Result<(), String> {
        for meddling in &self.case.meddling {
            let scene = self.scene();
            let met = match meddling.then {
                Then::Before(says) => self.beside(meddling, says, true).await,
                Then::After(says) => self.beside(meddling, says, false).await,
                _ => scene.meets(meddling).await,
            };
            met.map_err(|problem| format!("{}: {problem}", meddling.what))?;
        }
        Ok(())
    }
}

impl<P: Place> Scene<'_, P> {
    async fn meets(&self, meddling: &Meddling<P>) -> Result<(), String> {
        match meddling.then {
            Then::PrepareRefused(code) => {
                (meddling.act)(&self.place);
                refused("prepare", code, self.process().prepare(None).await?)
            }
            Then::Fails(code) => {
                let base = self.prepared().await?.base;
                (meddling.act)(&self.place);
                refused("apply", code, self.process().apply(&base, None).await?)
            }
            Then::Goes => {
                let base = self.prepared().await?.base;
                (meddling.act)(&self.place);
                let now = self.place.state();
                well("apply", self.process().apply(&base, None).await?)?;
                let process = self.process();
                let base = well("prepare", process.prepare(None).await?)?.base;
                let output = well("apply", process.apply(&base, None).await?)?;
                well("undo", process.undo(&base, &output, None).await?)?;
                same("it changed the world", &self.place.state(), &now)
            }
            Then::ApplyRefused(says, code) => {
                let base = self.prepared().await?.base;
                (meddling.act)(&self.place);
                let now = self.place.state();
                self.says(&base, says).await?;
                refused("apply", code, self.process().apply(&base, None).await?)?;
                same("a refused apply changed the world", &self.place.state(), &now)
            }
            Then::Before(_) | Then::After(_) => Ok(()),
            Then::NothingToUndo(says) => {
                let (base, output) = self.applied().await?;
                (meddling.act)(&self.place);
                let now = self.place.state();
                self.says(&base, says).await?;
                let process = self.process();
                well("undo", process.undo(&base, &output, None).await?)?;
                process.changed_nothing("an undo of what is gone")?;
                same("an undo of what is gone changed the world", &self.place.state(), &now)
            }
            Then::UndoRefused(says, code) => {
                let (base, output) = self.applied().await?;
                (meddling.act)(&self.place);
                let now = self.place.state();
                self.says(&base, says).await?;
                refused("undo", code, self.process().undo(&base, &output, None).await?)?;
                same("a refused undo changed the world", &self.place.state(), &now)
            }
        }
    }

    async fn says(&self, base: &serde_json::Value, wanted: Says) -> Result<(), String> {
        let probed = well("probe", self.process().probe(base, None).await?)?;
        let says = match &probed {
            Probe::Applied(_) => Says::Applied,
            Probe::NotApplied => Says::NotApplied,
            Probe::Partial(_) => Says::Partial,
            Probe::Foreign(_) => Says::Foreign,
            Probe::Unknown(_) => Says::Unknown,
        };
        must(says == wanted, || format!("a probe says {probed:?}, and should say {wanted:?}"))
    }
}

fn refused<T: std::fmt::Debug>(what: &str, code: &str, came: Came<T>) -> Result<(), String> {
    match came {
        Came::Error(error) if error.code == code => Ok(()),
        other => Err(format!("{what} should be refused with {code}, and comes to {other:?}")),
    }
}
