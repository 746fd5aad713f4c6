//! Looking, and changing nothing.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::broadcast;
use zeroize::Zeroizing;

use super::place::Answer;
use super::{Drive, Engine, EngineError};
use crate::clock::Clock;
use crate::event::{Event, Needed, RunView, Summary, SummaryRecord};
use crate::id::RunId;
use crate::journal::{Chain, Entry, JournalStore, Origin, read_chain};
use crate::run::{OpenCall, Plan, PlanError, RunState, in_question, needed, open_calls, plan};
use crate::runbook::{ParameterKind, Runbook};
use crate::secret::Secret;
use crate::step::Registry;

/// Stands in for a secret value that a plan was not given.
const PLACEHOLDER: &[u8] = b"a value that is not known yet";

impl Engine {
    /// Returns the steps.
    pub fn steps(&self) -> &Registry {
        &self.0.world.steps
    }

    /// Returns the store, for those who keep values of their own beside the journals.
    pub fn store(&self) -> &Arc<dyn JournalStore> {
        &self.0.store
    }

    /// Returns the time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Returns events of all runs from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Returns runs, oldest first; those that have not finished, or all.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn runs(&self, open_only: bool) -> Result<Vec<Summary>, EngineError> {
        let drives = self.drives();
        let records = self.listed(open_only, &drives)?.into_iter();
        let listed = |record: SummaryRecord| {
            let driven = drives.contains_key(&record.run);
            Summary::listed(record, driven)
        };
        Ok(records.map(listed).collect())
    }

    /// Returns what is kept of runs beside their journals, or what the journals say if they are in
    /// hand.
    pub(super) fn records_beside(
        &self,
        open_only: bool,
    ) -> Result<Vec<SummaryRecord>, EngineError> {
        self.listed(open_only, &self.drives())
    }

    fn listed(
        &self,
        open_only: bool,
        drives: &HashMap<RunId, Option<Drive>>,
    ) -> Result<Vec<SummaryRecord>, EngineError> {
        let mut runs = Vec::new();
        for (run, bytes) in self.0.store.summaries(open_only)? {
            if let Some(Some(drive)) = drives.get(&run) {
                runs.push(drive.driver.ledger.look(|state| SummaryRecord::of(&run, state)));
                continue;
            }
            runs.push(match serde_json::from_slice(&bytes) {
                Ok(record) => record,
                // It is derived: without it, the journal says the same.
                Err(_) => self.ledger(&run)?.look(|state| SummaryRecord::of(&run, state)),
            });
        }
        Ok(runs)
    }

    /// Returns the runs that this process has in hand: driven by threads, or parked to wait.
    pub fn driven(&self) -> Vec<RunId> {
        self.0.live().keys().cloned().collect()
    }

    /// True if this process drives the run.
    pub fn is_driven(&self, run: &RunId) -> bool {
        self.0.live().contains_key(run)
    }

    /// Returns once this process has no run in hand.
    pub async fn idle(&self) {
        let mut let_go = self.0.let_go.subscribe();
        while !self.0.live().is_empty() {
            // The sender lives as long as this engine does.
            let _ = let_go.changed().await;
        }
    }

    /// Returns the run that a person means by the beginning or the end of its name.
    ///
    /// # Errors
    /// If none or more than one fits, or the one that fits was pruned.
    pub fn find(&self, given: &str) -> Result<RunId, EngineError> {
        let runs = self.0.store.summaries(false)?.into_iter().map(|(run, _)| run);
        let mut fitting: Vec<RunId> = runs.filter(|run| run.matches(given)).collect();
        match fitting.len() {
            0 => match self.tombstones()?.into_iter().find(|stone| stone.run.matches(given)) {
                Some(tombstone) => Err(EngineError::Pruned(Box::new(tombstone))),
                None => Err(EngineError::NoSuchRun(given.to_owned())),
            },
            1 => Ok(fitting.remove(0)),
            _ => Err(EngineError::AmbiguousRun { given: given.to_owned(), runs: fitting }),
        }
    }

    /// Returns a run in full.
    ///
    /// # Errors
    /// If there is none, or its journal is damaged.
    pub fn view(&self, run: &RunId) -> Result<RunView, EngineError> {
        let hand = self.hand(run);
        let driven = hand.is_some();
        if let Some(drive) = hand.and_then(|hand| hand.drive()) {
            let of = |state: &RunState| RunView::of(run, state, driven, &Needed::Nothing);
            return Ok(drive.driver.ledger.look(of));
        }
        let state = self.ledger(run)?.look(Clone::clone);
        if state.created.is_none() {
            return self.missing(run);
        }
        Ok(RunView::of(run, &state, driven, &self.needed(&state)))
    }

    /// Returns what the script of a stuck run needs of the call over which it is stuck.
    pub(super) fn needed(&self, state: &RunState) -> Needed {
        let Some((key, created)) = in_question(state).zip(state.created.as_ref()) else {
            return Needed::Nothing;
        };
        match self.recorded_runbook(created) {
            Ok(runbook) => needed(state, &key, &runbook, self.steps()),
            // Without it the run does not go on, whatever is decided.
            Err(_) => Needed::Nothing,
        }
    }

    /// Says why there is no journal of a run.
    fn missing<T>(&self, run: &RunId) -> Result<T, EngineError> {
        let tombstone = self.tombstones()?.into_iter().find(|stone| stone.run == *run);
        Err(match tombstone {
            Some(tombstone) => EngineError::Pruned(Box::new(tombstone)),
            None => EngineError::NoSuchRun(run.to_string()),
        })
    }

    /// Returns the events that the journal of a run tells of from its entry `from` on, `limit` of
    /// them at most: the same that were sent when they happened.
    ///
    /// # Errors
    /// If there is no such run, or its journal is damaged.
    pub fn events(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Event>, EngineError> {
        let damaged = |e: String| EngineError::Damaged(format!("{run}: {e}"));
        let (mut state, mut events) = (RunState::default(), Vec::new());
        for entry in Chain::over(self.0.store.read(run)?) {
            let entry = entry.map_err(|e| damaged(e.to_string()))?;
            state.apply(&entry).map_err(|e| damaged(e.to_string()))?;
            if entry.seq >= from {
                events.extend(Event::of(run, &entry, &state));
            }
            if events.len() == limit {
                break;
            }
        }
        if state.created.is_none() {
            return self.missing(run);
        }
        Ok(events)
    }

    /// Returns the journal of a run.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn entries(&self, run: &RunId) -> Result<Vec<Entry>, EngineError> {
        let records = self.0.store.read(run)?;
        let chain = read_chain(records);
        chain.map(|(entries, _)| entries).map_err(|e| EngineError::Damaged(format!("{run}: {e}")))
    }

    /// Returns the records of a run, byte for byte, and durable.
    ///
    /// # Errors
    /// If there is no such run, or the store is damaged.
    pub fn records(&self, run: &RunId) -> Result<Vec<Vec<u8>>, EngineError> {
        let records = self.0.store.read(run)?;
        if records.is_empty() {
            return Err(EngineError::NoSuchRun(run.to_string()));
        }
        self.0.store.sync(self.0.store.end())?;
        Ok(records)
    }

    /// Returns a key for a purpose of its own; it is the same as long as the master key is.
    pub fn derived_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        self.0.keyring.derive(purpose)
    }

    /// Returns this process, for what it does by itself and nobody has asked for.
    pub fn process(&self) -> &Origin {
        &self.0.process
    }

    /// Returns the version of windlass.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Returns what a resume has to deal with. Looks at the world, and changes nothing.
    ///
    /// # Errors
    /// If the run is over, driven, or can't be read.
    pub async fn plan_resume(&self, run: &RunId) -> Result<Vec<OpenCall>, EngineError> {
        if self.is_driven(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        let driver = self.read(run, self.standby(run))?.driver;
        self.same_place(run, Answer::Needed).await?;
        Ok(open_calls(&driver).await)
    }

    /// Returns what a run would do. Reads the world, and changes nothing.
    ///
    /// Secret parameters that are not given are stood in for.
    ///
    /// # Errors
    /// If a parameter does not fit; inside, if the run would fail before it changes anything.
    pub async fn plan(
        &self,
        runbook: &Runbook,
        given: &[(String, String)],
        mut secrets: Vec<(String, Secret)>,
    ) -> Result<Result<Plan, PlanError>, EngineError> {
        for (name, parameter) in &runbook.header().params {
            let is_given = secrets.iter().any(|(given, _)| given == name);
            if parameter.kind == ParameterKind::Secret && !is_given {
                secrets.push((name.clone(), Secret::new(PLACEHOLDER.to_vec())));
            }
        }
        let (params, sealed) = self.planned_params(runbook, given, secrets)?;
        let (steps, clock) = (self.steps().clone(), self.0.clock.clone());
        let (runtime, runbook) = (self.0.world.runtime.clone(), runbook.clone());
        // If nobody answers, the first step that looks says so.
        let identity = self.place_for(&runbook).await.unwrap_or_default();
        let address = self.address(&runbook);
        let planning = tokio::task::spawn_blocking(move || {
            plan(&runbook, &params, &steps, runtime, clock, sealed.into())
        });
        let planned = planning.await;
        let planned =
            planned.map_err(|e| EngineError::Machine(format!("the plan ended early: {e}")))?;
        Ok(planned.map(|plan| Plan { place: address.unwrap_or_default(), identity, ..plan }))
    }
}
