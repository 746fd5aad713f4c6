//! The place where runs act: what begins here is bound to it, what began elsewhere goes on there.
//!
//! All that goes on with a run asks first which place answers. If it is another one, nothing is
//! read there as an outcome, and nothing is recorded. If nobody answers, that is no other place: a
//! decision is recorded all the same, and whoever drives the run waits (`run/place`).

use std::sync::Arc;

use super::{Engine, EngineError};
use crate::event::SummaryRecord;
use crate::id::RunId;
use crate::journal::{Body, Identity, Origin, RunStatus};
use crate::run::{Found, Place, RunState, answers, ask, began_on, needs};
use crate::runbook::Runbook;
use crate::step::{ErrorClass, StepError};

/// What is asked of a place before something is done about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It must be the right one, and answer: steps are about to look at it.
    Needed,
    /// It must not be another one.
    Welcome,
}

impl Engine {
    /// Says where steps act. Without it, runs are bound to no place.
    ///
    /// With it, whatever begins a run or goes on with one asks that place, and so blocks: it must
    /// not be called from a task of the runtime.
    pub fn acts_at(&self, place: Arc<dyn Place>) {
        // Said once, when the engine is opened.
        let _ = self.0.world.place.set(place);
    }

    /// Says that the place that answers now has taken the place of the one where the run began, and
    /// returns which one that is. For a swarm that was recreated: nobody but a person knows that.
    ///
    /// # Errors
    /// If the run is over or driven, or the place does not answer.
    pub fn move_here(
        &self,
        run: &RunId,
        by: &Origin,
        reason: &str,
    ) -> Result<Option<Identity>, EngineError> {
        EngineError::if_not_fit(reason)?;
        let Some(place) = self.the_place() else { return Ok(None) };
        let answer = self.0.world.runtime.block_on(ask(place));
        self.0.alone(run, || self.move_alone(run, by, reason, answer))
    }

    fn move_alone(
        &self,
        run: &RunId,
        by: &Origin,
        reason: &str,
        answer: Result<Identity, StepError>,
    ) -> Result<Option<Identity>, EngineError> {
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
        let identity = answer.map_err(|error| no_place(run, &began, error))?;
        let (by, reason) = (Some(by.clone()), Some(reason.to_owned()));
        ledger.record(Body::Placed { identity: identity.clone(), by, reason })?;
        Ok(Some(identity))
    }

    /// Returns the place to which a run that begins now is bound; nothing, if it needs none or
    /// nobody answers: then it is bound when somebody does.
    pub(super) async fn place_for(
        &self,
        runbook: &Runbook,
    ) -> Result<Option<Identity>, EngineError> {
        let Some(place) = self.the_place().filter(|place| needs(*place, runbook)) else {
            return Ok(None);
        };
        match ask(place).await {
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
        match self.the_place() {
            Some(_) => self.0.world.runtime.block_on(asking).map(Some),
            None => Ok(None),
        }
    }

    /// Makes sure that the place that answers is the one where the run began.
    pub(super) async fn same_place(&self, run: &RunId, wanted: Answer) -> Result<(), EngineError> {
        if self.the_place().is_none() {
            return Ok(());
        }
        let state = self.ledger(run)?.look(bare);
        self.place_of(run, &state, wanted).await
    }

    /// As [`Engine::same_place`], of a run that has been read.
    pub(super) async fn place_of(
        &self,
        run: &RunId,
        state: &RunState,
        wanted: Answer,
    ) -> Result<(), EngineError> {
        let Some(place) = self.the_place() else { return Ok(()) };
        // Whoever asked is told by others that there is no such run, or that it is over.
        let open = state.status.is_some_and(|status| !status.is_finished());
        let Some(created) = state.created.as_ref().filter(|_| open) else { return Ok(()) };
        if state.identity.is_none() && !needs(place, self.recorded_runbook(created)?.as_ref()) {
            return Ok(());
        }
        let answer = ask(place).await;
        self.compared(run, place, state, answer, wanted)
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

    /// Tells which of these runs did not begin at the place that answers now. One look is enough for
    /// all of them; if nobody answers, whoever drives them waits.
    pub(super) fn elsewhere(&self) -> impl Fn(&SummaryRecord) -> Result<(), EngineError> + use<'_> {
        let answer = self.the_place().map(|place| self.0.world.runtime.block_on(ask(place)));
        move |summary| match (self.the_place(), &answer, &summary.identity) {
            (Some(place), Some(Ok(here)), Some(bound)) if here.id != bound.id => {
                let state = self.ledger(&summary.run)?.look(bare);
                self.compared(&summary.run, place, &state, Ok(here.clone()), Answer::Welcome)
            }
            _ => Ok(()),
        }
    }

    fn the_place(&self) -> Option<&dyn Place> {
        self.0.world.place.get().map(AsRef::as_ref)
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
