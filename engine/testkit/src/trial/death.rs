//! The process dies, or the connection does, at each request of an apply.

use windlass_engine::step::ErrorClass;

use super::verdict::Way;
use super::{Bench, must, well};
use crate::process::Came;
use crate::{Place, Trouble};

impl<P: Place> Bench<'_, P> {
    /// The process dies after each request of the apply.
    pub(super) async fn deaths(&self) -> Result<(), String> {
        let model = self.model().await?;
        for nth in 1..=model.requests {
            for way in [Way::On, Way::Back] {
                let at = |problem| format!("after a death at request {nth}, {way:?}: {problem}");
                let scene = self.scene();
                let base = scene.prepared().await?.base;
                let process = scene.process();
                let came = process.apply(&base, Some((nth, Trouble::Death))).await?;
                must(came == Came::Died, || at(format!("it came to {came:?}")))?;
                drop(process);
                if self.kind.changes() {
                    scene.settles(&model, &base, way).await.map_err(at)?;
                } else {
                    // It goes on from the base, as if nothing had been.
                    let came = scene.process().apply(&base, None).await?;
                    well("apply", came).map_err(at)?;
                }
            }
        }
        Ok(())
    }

    /// Each request of the apply is lost, or its answer.
    pub(super) async fn losses(&self) -> Result<(), String> {
        let model = self.model().await?;
        for nth in 1..=model.requests {
            for trouble in [Trouble::LoseRequest, Trouble::LoseAnswer] {
                for way in [Way::On, Way::Back] {
                    let at = |problem| format!("{trouble:?} at request {nth}, {way:?}: {problem}");
                    let scene = self.scene();
                    let base = scene.prepared().await?.base;
                    let process = scene.process();
                    let came = process.apply(&base, Some((nth, trouble))).await?;
                    let asked = process.asked();
                    let changing = asked.get(nth - 1).is_some_and(|asked| asked.changing);
                    let fits = match &came {
                        // It found out by itself how it went.
                        Came::Well(_) => true,
                        Came::Error(error) if changing => error.class == ErrorClass::Ambiguous,
                        // What was only to be read was not changed, but by the requests before.
                        Came::Error(error) => error.class == ErrorClass::Transient,
                        Came::Died => false,
                    };
                    must(fits, || at(format!("it came to {came:?}")))?;
                    drop(process);
                    if self.kind.changes() {
                        scene.settles(&model, &base, way).await.map_err(at)?;
                    }
                }
            }
        }
        Ok(())
    }
}
