//! An undo that is cut anywhere, and made again.

use super::{Bench, must, same, well};
use crate::process::Came;
use crate::{Place, Trouble, Undo};

const CUTS: [Trouble; 6] = [
    Trouble::Death,
    Trouble::LoseRequest,
    Trouble::LoseAnswer,
    Trouble::Garbage,
    Trouble::Refuse {
        status: 500,
        message: "rpc error: code = Unknown desc = something went wrong",
    },
    Trouble::Refuse {
        status: 500,
        message: "rpc error: code = Unknown desc = The swarm does not have a leader.",
    },
];

impl<P: Place> Bench<'_, P> {
    /// Cuts the undo at each of its requests, and undoes again.
    pub(super) async fn undoing(&self) -> Result<(), String> {
        if self.case.undo == Undo::Refused || !self.kind.changes() {
            return Ok(());
        }
        for trouble in CUTS {
            for nth in 1.. {
                let at = |problem| format!("after {trouble:?} at request {nth}: {problem}");
                let scene = self.scene();
                let (base, output) = scene.applied().await?;
                let done = scene.place.state();
                let process = scene.process();
                let came = process.undo(&base, &output, Some((nth, trouble))).await?;
                if process.asked().len() < nth {
                    break;
                }
                let fits = match (&came, trouble) {
                    (Came::Died, Trouble::Death) | (Came::Well(()), _) => true,
                    (Came::Error(error), _) => {
                        use windlass_engine::step::ErrorClass::{Ambiguous, Transient};
                        matches!(error.class, Ambiguous | Transient)
                    }
                    (Came::Died, _) => false,
                };
                must(fits, || at(format!("it came to {came:?}")))?;
                drop(process);
                let again = scene.process().undo(&base, &output, None).await?;
                well("a second undo", again).map_err(at)?;
                let wanted = match self.case.undo {
                    Undo::AsFound => &scene.found,
                    Undo::Nothing | Undo::Refused => &done,
                };
                same("the world", &scene.place.state(), wanted).map_err(at)?;
            }
        }
        Ok(())
    }
}
