//! The world answers each request with something else.

use windlass_engine::step::{ErrorClass, Probe, StepError};

use super::verdict::{Model, Way};
use super::{Bench, must, same, well};
use crate::process::Came;
use crate::{Asked, Place, Trouble};

/// What is answered, and what a step may make of it when it reads, and when it writes. A step may
/// also find its way round.
const ANSWERS: [(Trouble, &[ErrorClass], &[ErrorClass]); 8] = {
    use ErrorClass::{Ambiguous, Conflict, NeedsOperator, Permanent, Transient};
    const fn refuse(status: u16, message: &'static str) -> Trouble {
        Trouble::Refuse { status, message }
    }
    const NO: &[ErrorClass] = &[Permanent, NeedsOperator, Conflict];
    [
        (refuse(400, "rpc error: code = InvalidArgument desc = no such thing"), NO, NO),
        (refuse(404, "it was not found"), NO, NO),
        (refuse(409, "rpc error: code = AlreadyExists desc = it already exists"), NO, NO),
        (
            refuse(500, "rpc error: code = Unknown desc = something went wrong"),
            &[Transient],
            &[Ambiguous],
        ),
        (
            refuse(500, "rpc error: code = Unknown desc = update out of sequence"),
            &[Conflict],
            &[Conflict],
        ),
        (
            refuse(500, "rpc error: code = Unknown desc = The swarm does not have a leader."),
            &[Transient],
            &[Transient],
        ),
        (refuse(503, "it is just starting"), &[Transient], &[Transient]),
        (Trouble::Garbage, &[Transient], &[Ambiguous]),
    ]
};

impl<P: Place> Bench<'_, P> {
    /// Each answer to each request of each part of the call is replaced.
    pub(super) async fn refusals(&self) -> Result<(), String> {
        let model = self.model().await?;
        for (trouble, reading, writing) in ANSWERS {
            let fits = |error: &StepError, asked: &[Asked], nth: usize| {
                let changing = asked.get(nth - 1).is_some_and(|asked| asked.changing);
                let classes = if changing { writing } else { reading };
                classes.contains(&error.class)
                    || error.class == ErrorClass::Permanent
                        && self.case.ending.contains(&error.code.as_str())
            };
            self.refused_prepare(trouble, &fits).await?;
            self.refused_apply(trouble, &fits, &model).await?;
            if self.kind.changes() {
                self.refused_probe(trouble, &fits, &model).await?;
            }
        }
        Ok(())
    }

    async fn refused_prepare(&self, trouble: Trouble, fits: Fits<'_>) -> Result<(), String> {
        let process_requests = {
            let scene = self.scene();
            let process = scene.process();
            well("prepare", process.prepare(None).await?)?;
            process.asked().len()
        };
        for nth in 1..=process_requests {
            let scene = self.scene();
            let process = scene.process();
            if let Came::Error(error) = &process.prepare(Some((nth, trouble))).await? {
                must(fits(error, &process.asked(), nth), || {
                    format!("prepare, {trouble:?} at request {nth}: {error:?}")
                })?;
            }
            same("a preparation that fails", &scene.place.state(), &scene.found)?;
        }
        Ok(())
    }

    async fn refused_apply(
        &self,
        trouble: Trouble,
        fits: Fits<'_>,
        model: &Model,
    ) -> Result<(), String> {
        for nth in 1..=model.requests {
            let at = |problem| format!("apply, {trouble:?} at request {nth}: {problem}");
            let scene = self.scene();
            let base = scene.prepared().await?.base;
            let process = scene.process();
            let came = process.apply(&base, Some((nth, trouble))).await?;
            let asked = process.asked();
            drop(process);
            if let Came::Error(error) = &came {
                must(fits(error, &asked, nth), || at(format!("{error:?}")))?;
                let unchanged = scene.place.state() == scene.found;
                must(unchanged || error.class == ErrorClass::Ambiguous, || {
                    at(format!("it was done, and the error is not ambiguous: {error:?}"))
                })?;
            }
            let lied = matches!((&came, trouble), (Came::Well(_), Trouble::Refuse { .. }));
            if self.kind.changes() && !lied {
                scene.settles(model, &base, Way::Back).await.map_err(at)?;
            }
        }
        Ok(())
    }

    /// A probe that is told nothing says nothing; a 404 it may believe.
    async fn refused_probe(
        &self,
        trouble: Trouble,
        fits: Fits<'_>,
        model: &Model,
    ) -> Result<(), String> {
        let believed = matches!(trouble, Trouble::Refuse { status: 404, .. });
        for applied in [false, true] {
            for nth in 1.. {
                let scene = self.scene();
                let base = scene.prepared().await?.base;
                if applied {
                    well("apply", scene.process().apply(&base, None).await?)?;
                }
                let process = scene.process();
                let came = process.probe(&base, Some((nth, trouble))).await?;
                if process.asked().len() < nth {
                    break;
                }
                let done = scene.place.state() == model.done;
                let fits = match &came {
                    Came::Error(error) => fits(error, &process.asked(), nth),
                    Came::Well(Probe::Unknown(_)) => true,
                    Came::Well(Probe::Applied(_)) => believed || done,
                    Came::Well(Probe::NotApplied) => believed || !done || !self.case.shows,
                    Came::Well(_) | Came::Died => believed,
                };
                must(fits, || format!("probe, {trouble:?} at request {nth}: {came:?}"))?;
            }
        }
        Ok(())
    }
}

/// Whether an error has a class that fits the request that was struck.
type Fits<'a> = &'a dyn Fn(&StepError, &[Asked], usize) -> bool;
