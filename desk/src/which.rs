//! Which run is meant.
//!
//! | instead of a name | means |
//! |---|---|
//! | its beginning or end | the run of which it is that, if there is only one |
//! | `latest` | where somebody only looks, the run that began last |
//! | `only` | where something is changed, the only run that it could be about; never a guess |

use windlass_engine::engine::Engine;
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;

use crate::problem::{Kind, Problem};

/// The word for the latest run.
pub const LATEST: &str = "latest";

/// The word for the only run that something could be about.
pub const ONLY: &str = "only";

/// A name has so many bytes: it can't be the beginning of another one.
const NAME_BYTES: usize = 30;

/// Which run is meant where none is named.
#[derive(Clone, Copy)]
pub enum Meant {
    /// None: it must be named.
    Named,
    /// The latest.
    Latest,
    /// The only one that is so; the first says it in words.
    Only(&'static str, fn(&Summary) -> bool),
}

impl Meant {
    /// Returns the run that somebody means. Blocks.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub(crate) fn find(self, engine: &Engine, given: &str) -> Result<RunId, Problem> {
        match self {
            Meant::Latest if given == LATEST => latest(engine),
            Meant::Only(how, fits) if given == ONLY => only(engine, how, fits),
            // Whether there is such a run is found out by whoever looks at it.
            _ if given.len() == NAME_BYTES => Ok(RunId::from(given)),
            _ => Ok(engine.find(given)?),
        }
    }
}

fn latest(engine: &Engine) -> Result<RunId, Problem> {
    let last = engine.runs(false)?.into_iter().next_back();
    last.map(|run| run.run).ok_or_else(|| none("there is no run yet"))
}

fn only(engine: &Engine, how: &str, fits: fn(&Summary) -> bool) -> Result<RunId, Problem> {
    let mut open = engine.runs(true)?;
    open.retain(fits);
    match open.as_slice() {
        [only] => Ok(only.run.clone()),
        [] => Err(none(&format!("no run {how}"))),
        several => {
            let names: Vec<&str> = several.iter().map(|run| run.run.as_str()).collect();
            let message = format!("{} runs {how}: {}", names.len(), names.join(", "));
            Err(Kind::NO_RUN.because(message).hint("Name the one you mean."))
        }
    }
}

fn none(message: &str) -> Problem {
    Kind::NO_RUN
        .because(message)
        .hints("`windlass runs` lists all runs.", "GET /api/v1/runs lists them.")
}
