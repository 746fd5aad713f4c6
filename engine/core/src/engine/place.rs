//! The place where runs act: what begins here is bound to it, what began elsewhere goes on there.
//!
//! All that goes on with a run asks first which place answers. If it is another one, nothing is
//! read there as an outcome, and nothing is recorded. If nobody answers, that is no other place: a
//! decision is recorded all the same, and whoever drives the run waits (`run/place`).

use std::cell::OnceCell;
use std::sync::Arc;

use super::{Engine, EngineError};
use crate::event::SummaryRecord;
use crate::id::RunId;
use crate::journal::{Body, Created, Identity, Origin, RunStatus};
use crate::run::{Found, RunState, answers, ask, began_on, place_of, ready};
use crate::runbook::Runbook;
use crate::step::{ErrorClass, Place, StepError};

/// What is asked of a place before something is done about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It must be the right one, and answer: steps are about to look at it.
    Needed,
    /// It must not be another one.
    Welcome,
}

impl Engine {
    /// Returns the address of the place where a run of this runbook would act; nothing if it needs
    /// no place.
    pub fn address(&self, runbook: &Runbook) -> Option<String> {
        Some(place_of(self.steps(), runbook)?.address().to_owned())
    }

    /// Looks whether a run of this runbook can begin: the place where it would act must answer. One
    /// that needs no place can.
    ///
    /// # Errors
    /// If it can't: why, and what to do about it.
    pub async fn ready(&self, runbook: &Runbook) -> Result<(), StepError> {
        match place_of(self.steps(), runbook) {
            Some(place) => ready(place.as_ref()).await,
            None => Ok(()),
        }
    }

    /// Says that the place that answers now has taken the place of the one where the run began, and
    /// returns which one that is. For a swarm that was recreated: nobody but a person knows that.
    ///
    /// # Errors
    /// If the run is over or driven, needs no place, or the place does not answer.
    pub fn move_here(
        &self,
        run: &RunId,
        by: &Origin,
        reason: &str,
    ) -> Result<Identity, EngineError> {
        EngineError::if_not_fit(reason)?;
        let created = self.ledger(run)?.look(|state| state.created.clone());
        let created = created.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
        let place = self.place_of_run(&RunState::default(), &created)?;
        let answer = place.map(|place| self.0.world.runtime.block_on(ask(place.as_ref())));
        self.0.alone(run, || self.move_alone(run, by, reason, answer))
    }

    fn move_alone(
        &self,
        run: &RunId,
        by: &Origin,
        reason: &str,
        answer: Option<Result<Identity, StepError>>,
    ) -> Result<Identity, EngineError> {
        if self.is_driven(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        let ledger = self.ledger(run)?;
        let (status, began) = ledger.look(|state| (state.status, began_on(state)));
        match status {
            None => return Err(EngineError::NoSuchRun(run.to_string())),
            Some(RunStatus::Finished(end)) => {
                return Err(EngineError::Over { run: run.clone(), end });
            }
            Some(_) => {}
        }
        let nowhere =
            || EngineError::NotNow(format!("{run} acts at no place: it goes on anywhere"));
        let identity = answer.ok_or_else(nowhere)?.map_err(|error| no_place(run, &began, error))?;
        let (by, reason) = (Some(by.clone()), Some(reason.to_owned()));
        ledger.record(Body::Placed { identity: identity.clone(), by, reason })?;
        Ok(identity)
    }

    /// Returns the place to which a run that begins now is bound; nothing, if it needs none or
    /// nobody answers: then it is bound when somebody does.
    pub(super) async fn place_for(
        &self,
        runbook: &Runbook,
    ) -> Result<Option<Identity>, EngineError> {
        let used = runbook.script().steps();
        let places = self.steps().places(used.iter().map(String::as_str));
        let Some(place) = places.first() else { return Ok(None) };
        if let [one, another, ..] = places[..] {
            let both = format!("it acts both at {} and at {}", one.address(), another.address());
            let error = StepError::permanent("two_places", both)
                .hint("A run is bound to one place: make two runbooks of it.");
            return Err(EngineError::NoPlace { before: String::new(), error: error.into() });
        }
        match ask(place.as_ref()).await {
            Ok(identity) => Ok(Some(identity)),
            Err(error) if error.class == ErrorClass::Transient => Ok(None),
            Err(error) => Err(EngineError::NoPlace { before: String::new(), error: error.into() }),
        }
    }

    /// Awaits what asks the place, for those who may block. Without a place there is nothing to ask.
    pub(super) fn may_block<T>(
        &self,
        asking: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<Option<T>, EngineError> {
        match self.steps().all_places().next() {
            Some(_) => self.0.world.runtime.block_on(asking).map(Some),
            None => Ok(None),
        }
    }

    /// Makes sure that the place that answers is the one where the run began.
    pub(super) async fn same_place(&self, run: &RunId, wanted: Answer) -> Result<(), EngineError> {
        if self.steps().all_places().next().is_none() {
            return Ok(());
        }
        let state = self.ledger(run)?.look(bare);
        self.same_place_as(run, &state, wanted).await
    }

    /// As [`Engine::same_place`], of a run that has been read.
    pub(super) async fn same_place_as(
        &self,
        run: &RunId,
        state: &RunState,
        wanted: Answer,
    ) -> Result<(), EngineError> {
        // Whoever asked is told by others that there is no such run, or that it is over.
        let open = state.status.is_some_and(|status| !status.is_finished());
        let Some(created) = state.created.as_ref().filter(|_| open) else { return Ok(()) };
        let Some(place) = self.place_of_run(state, created)? else { return Ok(()) };
        let answer = ask(place.as_ref()).await;
        self.compared(run, place.as_ref(), state, answer, wanted)
    }

    /// Returns where a run acts, if anywhere. Its runbook is compiled only if that is the question.
    fn place_of_run(
        &self,
        state: &RunState,
        created: &Created,
    ) -> Result<Option<&Arc<dyn Place>>, EngineError> {
        let places: Vec<_> = self.steps().all_places().collect();
        match (places.as_slice(), &state.identity) {
            ([], _) => Ok(None),
            ([place], Some(_)) => Ok(Some(*place)),
            _ => Ok(place_of(self.steps(), self.recorded_runbook(created)?.as_ref())),
        }
    }

    fn compared(
        &self,
        run: &RunId,
        place: &dyn Place,
        state: &RunState,
        answer: Result<Identity, StepError>,
        wanted: Answer,
    ) -> Result<(), EngineError> {
        let began = began_on(state);
        match (Found::compare(state, place.address(), answer), wanted) {
            (Found::Same | Found::Unbound(_), _) | (Found::Silent(_), Answer::Welcome) => Ok(()),
            (Found::Another(here), _) => Err(EngineError::AnotherPlace {
                run: run.clone(),
                began,
                here: answers(&here, place),
                address: state.created.as_ref().map(|c| c.place.clone()).unwrap_or_default(),
            }),
            (Found::Silent(error) | Found::NoPlace(error), _) => Err(no_place(run, &began, error)),
        }
    }

    /// Tells which of these runs did not begin at a place that answers now. Each place is asked once
    /// for all of them, and not before one is bound to any; if one does not answer, whoever drives
    /// its runs waits.
    pub(super) fn elsewhere(&self) -> impl Fn(&SummaryRecord) -> Result<(), EngineError> + use<'_> {
        let asked: OnceCell<Option<Vec<Identity>>> = OnceCell::new();
        let ask_all = || {
            let places = self.steps().all_places();
            places.map(|place| self.0.world.runtime.block_on(ask(place.as_ref())).ok()).collect()
        };
        move |summary| {
            let Some(bound) = &summary.identity else { return Ok(()) };
            let Some(here) = asked.get_or_init(ask_all) else { return Ok(()) };
            if here.iter().any(|here| here.id == bound.id) {
                return Ok(());
            }
            self.0.world.runtime.block_on(self.same_place(&summary.run, Answer::Welcome))
        }
    }
}

fn no_place(run: &RunId, began: &str, error: StepError) -> EngineError {
    let before = format!("{run} began on {began}, and can't go on: ");
    EngineError::NoPlace { before, error: error.into() }
}

/// Returns how a run began and where it stands, without its calls.
pub(super) fn bare(state: &RunState) -> RunState {
    let (created, identity, status) = (state.created.clone(), state.identity.clone(), state.status);
    RunState { created, identity, status, ..RunState::default() }
}
