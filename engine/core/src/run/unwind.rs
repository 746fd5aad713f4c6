//! Undoes a run: every applied change, newest first.
//!
//! "Newest" is by place, not by clock: the calls of a script in reverse, and where they branched,
//! the branches side by side, each in reverse. A failed call is never undone: it cleaned up after
//! itself, or its probe said that nothing happened.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::call::within;
use super::drive::{Driver, Point, unrecorded};
use super::retry::backoff;
use crate::clock::{Counted, millis};
use crate::id::CallKey;
use crate::journal::RunState;
use crate::journal::{Body, CallStatus, End};
use crate::mutant::{self, Mutant};
use crate::script::{CallFailure, Halt};
use crate::step::{Kind, Mode, StepError};

/// The calls of a run as a tree of places.
struct Places {
    /// Calls and branch places directly under a place.
    children: HashMap<CallKey, BTreeSet<CallKey>>,
    /// Where branches were, and how many at once.
    bounds: HashMap<CallKey, u32>,
    /// Calls that are to be undone.
    applied: BTreeSet<CallKey>,
}

impl Places {
    fn of(state: &RunState) -> Self {
        let bounds: HashMap<_, _> =
            state.bounds.iter().map(|(key, (_, bound))| (key.clone(), *bound)).collect();
        let applied: BTreeSet<CallKey> = state
            .calls
            .iter()
            .filter(|(_, call)| {
                let there = match call.status {
                    CallStatus::Applied | CallStatus::Undoing | CallStatus::UndoFailed => true,
                    CallStatus::Failed => mutant::is(Mutant::UndoFailed),
                    _ => false,
                };
                there && call.kind.changes()
            })
            .map(|(key, _)| key.clone())
            .collect();
        let mut children: HashMap<CallKey, BTreeSet<CallKey>> = HashMap::new();
        for key in &applied {
            let mut key = key.clone();
            while let Some(parent) = key.parent() {
                children.entry(parent.clone()).or_default().insert(key);
                key = parent;
            }
        }
        Places { children, bounds, applied }
    }

    fn under(&self, place: &CallKey) -> Vec<CallKey> {
        self.children.get(place).into_iter().flatten().rev().cloned().collect()
    }
}

impl Driver {
    /// Undoes everything, and returns how the run ends.
    pub(super) fn unwind(&self) -> Result<End, Halt> {
        self.standby.control.go_back();
        let places = self.ledger.look(Places::of);
        self.unwind_under(&places, &CallKey::ROOT)?;
        let cancelled = self.ledger.look(|s| s.unwinding.as_ref().is_some_and(|t| t.cancelled));
        Ok(if cancelled { End::Cancelled } else { End::Undone })
    }

    fn unwind_under(&self, places: &Places, place: &CallKey) -> Result<(), Halt> {
        for key in places.under(place) {
            if let Some(bound) = places.bounds.get(&key) {
                self.unwind_branches(places, &key, *bound)?;
            } else if places.applied.contains(&key) {
                self.undo(&key)?;
            }
        }
        Ok(())
    }

    /// Undoes branches side by side. All get as far as they can before a failure counts.
    fn unwind_branches(&self, places: &Places, key: &CallKey, bound: u32) -> Result<(), Halt> {
        let branches = places.under(key);
        let next = AtomicUsize::new(0);
        let halted = Mutex::new(None);
        let work = &|| {
            while let Some(branch) = branches.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(halt) = self.unwind_under(places, branch) {
                    let mut first = halted.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(halt);
                }
            }
        };
        let workers = branches.len().min(usize::try_from(bound).unwrap_or(usize::MAX));
        let clock = self.ledger.clock().as_ref();
        let mut waiting = None;
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let counted = Counted::working(clock);
                scope.spawn(move || {
                    let _counted = counted;
                    work();
                });
            }
            waiting = Some(Counted::waiting(clock));
        });
        drop(waiting);
        halted.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn undo(&self, key: &CallKey) -> Result<(), Halt> {
        if self.standby.control.parked() {
            return Err(Halt::Parked);
        }
        let Some(call) = self.ledger.look(|s| s.calls.get(key).cloned()) else {
            return Ok(());
        };
        let recording = |body| {
            self.ledger.record(body).map_err(|error| match unrecorded(error) {
                CallFailure::Halt(halt) => halt,
                CallFailure::Error(error) => Halt::Stuck(error, None),
            })
        };
        recording(Body::UndoIntended { key: key.clone() })?;
        self.reach(Point::AfterUndoIntent, key, &call.step);
        let stuck = |error: StepError| Halt::Stuck(error, Some(key.clone()));
        let step = self.step(&call.step).map_err(stuck)?;
        let cx = self.context(key, Mode::Run);
        let (args, base, output) = (call.args.value(), call.base.value(), call.output.value());
        let deadline = step.undo_deadline(&args);
        for attempt in 1.. {
            let undoing = step.undo(&cx, &args, &base, &output);
            let result = self.world.runtime.block_on(within(deadline, Kind::Change, undoing));
            let Err(error) = result else { break };
            // What another place says is no outcome of this run.
            self.still_there()?;
            let error = self.redacted(error);
            let Some(wait) = backoff(error.class, attempt) else {
                recording(Body::UndoFailed { key: key.clone(), error: error.clone() })?;
                let message = format!("could not undo \"{}\": {}", call.says, error.message);
                return Err(stuck(StepError { message, ..error }));
            };
            cx.progress(&format!("trying again in {} s: {error}", wait.as_secs().max(1)));
            self.sleep(self.now() + millis(wait)).map_err(|failure| match failure {
                CallFailure::Halt(halt) => halt,
                CallFailure::Error(error) => stuck(error),
            })?;
        }
        self.reach(Point::AfterUndoEffect, key, &call.step);
        self.ledger
            .append(Body::UndoApplied { key: key.clone() })
            .map_err(|error| Halt::Store(error.to_string()))?;
        Ok(())
    }
}
