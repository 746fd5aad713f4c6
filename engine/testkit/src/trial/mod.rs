//! The trials, one file for each kind.

mod arguments;
mod death;
mod effect;
mod life;
mod meddling;
mod refusal;
mod undoing;
mod verdict;

use std::collections::BTreeSet;

use serde_json::Value;
use windlass_engine::step::{Kind, Preview};

use crate::process::{Came, Process};
use crate::{Case, Place};

/// Something that a step must pass. The table is at the top of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table at the top of the crate says what each is")]
pub enum Trial {
    Description,
    Arguments,
    Plan,
    Effect,
    Life,
    Repeat,
    Deaths,
    Losses,
    Refusals,
    Undoing,
    Meddling,
}

impl Trial {
    /// All of them.
    pub const ALL: [Trial; 11] = [
        Trial::Description,
        Trial::Arguments,
        Trial::Plan,
        Trial::Effect,
        Trial::Life,
        Trial::Repeat,
        Trial::Deaths,
        Trial::Losses,
        Trial::Refusals,
        Trial::Undoing,
        Trial::Meddling,
    ];

    /// Tries a case in worlds of its own.
    pub(crate) async fn run<P: Place>(
        self,
        case: &Case<P>,
        kind: Kind,
        world: &dyn Fn() -> P,
    ) -> Result<(), String> {
        let trial = Bench { case, kind, world };
        match self {
            Trial::Description => trial.description(),
            Trial::Arguments => trial.arguments().await,
            Trial::Plan => trial.plan().await,
            Trial::Effect => trial.effect().await,
            Trial::Life => trial.life().await,
            Trial::Repeat => trial.repeat().await,
            Trial::Deaths => trial.deaths().await,
            Trial::Losses => trial.losses().await,
            Trial::Refusals => trial.refusals().await,
            Trial::Undoing => trial.undoing().await,
            Trial::Meddling => trial.meddling().await,
        }
    }
}

/// A case, and where its worlds come from.
struct Bench<'a, P> {
    case: &'a Case<P>,
    kind: Kind,
    world: &'a dyn Fn() -> P,
}

/// A world in which a call is prepared.
struct Scene<'a, P> {
    case: &'a Case<P>,
    place: P,
    args: Value,
    found: Value,
}

impl<'a, P: Place> Bench<'a, P> {
    fn scene(&self) -> Scene<'a, P> {
        let place = (self.world)();
        let args = (self.case.args)(&place);
        let found = place.state();
        Scene { case: self.case, place, args, found }
    }
}

impl<P: Place> Scene<'_, P> {
    /// Begins a process.
    fn process(&self) -> Process<'_, P> {
        Process::begin(&self.place, self.case, &self.args)
    }

    /// Prepares the call in a process of its own.
    async fn prepared(&self) -> Result<Preview, String> {
        well("prepare", self.process().prepare(None).await?)
    }

    /// Prepares and applies the call in a process of its own, and returns base and output.
    async fn applied(&self) -> Result<(Value, Value), String> {
        let process = self.process();
        let base = well("prepare", process.prepare(None).await?)?.base;
        let output = well("apply", process.apply(&base, None).await?)?;
        Ok((base, output))
    }
}

/// Returns what came of something that must go well.
fn well<T>(what: &str, came: Came<T>) -> Result<T, String> {
    match came {
        Came::Well(well) => Ok(well),
        Came::Error(error) => {
            Err(format!("{what} fails: {:?} {}: {}", error.class, error.code, error.message))
        }
        Came::Died => Err(format!("{what}: the process died unasked")),
    }
}

/// Fails unless something is so.
fn must(so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if so { Ok(()) } else { Err(otherwise()) }
}

/// Fails unless two states of the world are the same, and shows where they differ.
fn same(what: &str, now: &Value, wanted: &Value) -> Result<(), String> {
    let mut told = Vec::new();
    differences("", wanted, now, &mut |path, wanted, now| {
        told.push(format!("{path} is {now}, and should be {wanted}"));
    });
    must(told.is_empty(), || format!("{what}: {}", told.join("; ")))
}

/// Calls `each` for every leaf in which two values differ.
fn differences(
    path: &str,
    before: &Value,
    after: &Value,
    each: &mut dyn FnMut(&str, &Value, &Value),
) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let (before, after) = (&before[key.as_str()], &after[key.as_str()]);
                differences(&format!("{path}/{key}"), before, after, each);
            }
        }
        _ if before == after => {}
        _ => each(path, before, after),
    }
}
