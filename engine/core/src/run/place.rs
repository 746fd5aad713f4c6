//! The place where a run acts: it goes on where it began, and nowhere else.
//!
//! Steps reach a place by an address, and another place may answer there another day: a changed
//! `DOCKER_HOST`, another context. To such a place nothing of the run is known, and everything
//! that the run made seems to be gone. So who answers is asked anew each time a run is resumed,
//! and again after each pause in which nobody answered, before any step looks.

use std::sync::Arc;
use std::time::Duration;

use super::drive::Driver;
use crate::clock::millis;
use crate::event::What;
use crate::journal::RunState;
use crate::journal::{Body, Identity};
use crate::runbook::Runbook;
use crate::script::Halt;
use crate::step::{ErrorClass, Kind, Place, Registry, StepError};

/// How long a place may take to say which one it is.
const ANSWER: Duration = Duration::from_secs(10);

/// How long to wait before it is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// What a look at the place means for a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// It is the one where the run began.
    Same,
    /// The run is not bound to any place yet.
    Unbound(Identity),
    /// It is another one.
    Another(Identity),
    /// Nobody answers.
    Silent(StepError),
    /// Whoever answers is no such place.
    NoPlace(StepError),
}

impl Found {
    /// Compares where a run began with what answers at `address`. Of a run that is not bound only
    /// the address is known: at another one, it can't be told.
    pub(crate) fn compare(
        state: &RunState,
        address: &str,
        answer: Result<Identity, StepError>,
    ) -> Self {
        let began = state.created.as_ref().map(|created| created.place.as_str());
        match (&state.identity, answer) {
            (_, Err(error)) if error.class == ErrorClass::Transient => Found::Silent(error),
            (_, Err(error)) => Found::NoPlace(error),
            (Some(bound), Ok(here)) if bound.id == here.id => Found::Same,
            (None, Ok(here)) if began.is_none_or(|began| began.is_empty() || began == address) => {
                Found::Unbound(here)
            }
            (_, Ok(here)) => Found::Another(here),
        }
    }
}

/// Asks which place answers now.
pub(crate) async fn ask(place: &dyn Place) -> Result<Identity, StepError> {
    super::within(ANSWER, Kind::Read, place.identity()).await
}

/// Looks whether a run can begin there now.
pub(crate) async fn ready(place: &dyn Place) -> Result<(), StepError> {
    super::within(super::call::LOOK_DEADLINE, Kind::Read, place.ready()).await
}

/// Returns where a run of this runbook acts: nowhere, if no family that it uses has a place.
pub(crate) fn place_of<'a>(steps: &'a Registry, runbook: &Runbook) -> Option<&'a Arc<dyn Place>> {
    let used = runbook.script().steps();
    steps.places(used.iter().map(String::as_str)).into_iter().next()
}

impl Driver {
    /// Waits until the place answers, and makes sure that it is the one where the run began. A run
    /// that is not bound yet is bound to it.
    pub(crate) fn arrive(&self, runbook: &Runbook) -> Result<(), Halt> {
        let Some(place) = place_of(&self.world.steps, runbook) else { return Ok(()) };
        let place = self.place.get_or_init(|| place.clone()).as_ref();
        let mut told = false;
        loop {
            match self.find(place) {
                Found::Silent(error) => {
                    if !std::mem::replace(&mut told, true) {
                        let text = format!("waiting until {} answers: {error}", place.address());
                        self.tell(What::Printed { text });
                    }
                    self.pause()?;
                }
                found => return self.settle(place, found),
            }
        }
    }

    /// Makes sure, after a pause, that it is still the place where the run began. If nobody
    /// answers, the next attempt will say so.
    pub(super) fn still_there(&self) -> Result<(), Halt> {
        let bound = self.ledger.look(|state| state.identity.is_some());
        let Some(place) = self.place.get().filter(|_| bound) else { return Ok(()) };
        let place = place.as_ref();
        match self.find(place) {
            Found::Silent(_) => Ok(()),
            found => self.settle(place, found),
        }
    }

    fn find(&self, place: &dyn Place) -> Found {
        let answer = self.world.runtime.block_on(ask(place));
        self.ledger.look(|state| Found::compare(state, place.address(), answer))
    }

    /// Only who is asked to stop stops here: a cancellation has to be carried out at the place.
    fn pause(&self) -> Result<(), Halt> {
        let clock = self.ledger.clock();
        let until = self.now().saturating_add(millis(AGAIN));
        self.world.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.standby.control.until_parked() => Err(Halt::Parked),
                () = clock.sleep_until(until) => Ok(()),
            }
        })
    }

    fn settle(&self, place: &dyn Place, found: Found) -> Result<(), Halt> {
        match found {
            Found::Same => Ok(()),
            Found::Unbound(identity) => {
                let body = Body::Placed { identity, by: None, reason: None };
                self.ledger.append(body).map(drop).map_err(|e| Halt::Store(e.to_string()))
            }
            Found::Another(here) => Err(Halt::Elsewhere(self.ledger.look(|state| {
                format!("it began on {}, and {} answers", began_on(state), answers(&here, place))
            }))),
            Found::NoPlace(error) | Found::Silent(error) => {
                let began = self.ledger.look(began_on);
                Err(Halt::Elsewhere(format!("it began on {began}, and can't go on: {error}")))
            }
        }
    }
}

/// Names the place where a run began, for people.
pub(crate) fn began_on(state: &RunState) -> String {
    let address = state.created.as_ref().map(|created| created.place.as_str()).unwrap_or_default();
    match &state.identity {
        Some(bound) => format!("the {} at {address}", bound.name),
        None => format!("{address} (which one that was is not in its journal)"),
    }
}

/// Names the place that answers, for people.
pub(crate) fn answers(here: &Identity, place: &dyn Place) -> String {
    format!("the {} at {}", here.name, place.address())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_by_its_id_alone_and_silence_is_no_other_place() {
        let at = |id: &str, name: &str| Identity { id: id.to_owned(), name: name.to_owned() };
        let (a, renamed, b) =
            (at("a", "swarm a"), at("a", "swarm a (3 nodes)"), at("b", "swarm a"));
        let bound = RunState { identity: Some(a.clone()), ..RunState::default() };
        let silent = StepError::transient("unreachable", "no answer");
        let worker = StepError::permanent("not_manager", "n2 is a worker");
        let table = [
            (Ok(a), Found::Same),
            (Ok(renamed), Found::Same),
            (Ok(b.clone()), Found::Another(b)),
            (Err(silent.clone()), Found::Silent(silent)),
            (Err(worker.clone()), Found::NoPlace(worker)),
        ];
        for (answer, found) in table {
            assert_eq!(Found::compare(&bound, "tcp://1", answer.clone()), found, "{answer:?}");
        }
    }

    /// Journals of earlier versions have an address and no more.
    #[test]
    fn a_run_that_is_not_bound_goes_on_at_its_own_address_only() {
        let here = Identity { id: "a".to_owned(), name: "swarm a".to_owned() };
        let created = serde_json::json!({
            "run": "run_a", "runbook": "r", "title": "r", "text": "", "params": {}, "locks": [],
            "place": "tcp://1", "by": { "user": "u", "host": "h", "pid": 1 }, "version": "0.1.0",
        });
        let created = Some(serde_json::from_value(created).unwrap());
        let state = RunState { created, ..RunState::default() };
        let at = |address| Found::compare(&state, address, Ok(here.clone()));
        assert_eq!(at("tcp://1"), Found::Unbound(here.clone()));
        assert_eq!(at("tcp://2"), Found::Another(here.clone()));
    }
}
