//! The runs that this process has in hand.
//!
//! The map of them is locked for a moment only: never while something is read, written or compiled.
//! Whoever does that for a run holds the gate of that run, and nobody else's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::life::{Act, Happens, Life};
use super::{Drive, Engine, EngineError, Inner, RunHandle};
use crate::id::RunId;
use crate::run::{Outcome, Standby};

/// The runs in hand.
pub(super) type Hands = HashMap<RunId, Live>;

/// A run that this process has in hand.
pub(super) struct Live {
    pub(super) life: Life,
    /// What can be had of it without the map being locked.
    pub(super) hand: Arc<Hand>,
    /// Who follows it.
    pub(super) tell: Option<oneshot::Sender<Outcome>>,
    /// How many need its journal for a moment, such as those who answer.
    pub(super) users: usize,
}

/// What this process keeps of a run.
pub(super) struct Hand {
    /// What stays of it while it waits.
    pub(super) standby: Standby,
    kept: Mutex<Kept>,
}

struct Kept {
    /// What drives it; nothing while it waits, unless somebody is at it.
    drive: Option<Drive>,
    /// True once its journal says that this process has taken it over.
    taken_over: bool,
}

impl Hand {
    pub(super) fn drive(&self) -> Option<Drive> {
        self.kept().drive.clone()
    }

    pub(super) fn keep(&self, drive: Drive) {
        self.kept().drive = Some(drive);
    }

    /// Lets go of what drives it.
    pub(super) fn unload(&self) {
        drop(self.kept().drive.take());
    }

    pub(super) fn is_taken_over(&self) -> bool {
        self.kept().taken_over
    }

    pub(super) fn is_now_taken_over(&self) {
        self.kept().taken_over = true;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Takes a run in hand. `drive` is there if its journal says so already.
    pub(super) fn new(
        life: Life,
        standby: Standby,
        drive: Option<Drive>,
    ) -> (Self, oneshot::Receiver<Outcome>) {
        let (tell, outcome) = oneshot::channel();
        let kept = Mutex::new(Kept { taken_over: drive.is_some(), drive });
        let hand = Arc::new(Hand { standby, kept });
        (Live { life, hand, tell: Some(tell), users: 0 }, outcome)
    }

    pub(super) fn happens(&mut self, happens: Happens) -> Act {
        let (life, act) = self.life.then(happens);
        self.life = life;
        act
    }
}

/// Ends a run's life here.
fn end(live: &mut Hands, run: &RunId) -> Option<Live> {
    match live.get_mut(run)?.happens(Happens::Ends) {
        Act::LetGo => live.remove(run),
        _ => None,
    }
}

impl Inner {
    pub(super) fn live(&self) -> MutexGuard<'_, Hands> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something about a run while nobody else takes it in hand, reads it for that, or records
    /// something in it from outside.
    pub(super) fn alone<T>(&self, run: &RunId, work: impl FnOnce() -> T) -> T {
        let gates = || self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates().entry(run.clone()).or_default().clone();
        let passed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work();
        drop(passed);
        drop(gate);
        let mut gates = gates();
        if gates.get(run).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            gates.remove(run);
        }
        done
    }
}

impl Engine {
    /// Returns a run that this process has in hand.
    pub(super) fn hand(&self, run: &RunId) -> Option<Arc<Hand>> {
        self.0.live().get(run).map(|live| live.hand.clone())
    }

    /// Returns what drives the runs in hand, as far as that is in memory.
    pub(super) fn drives(&self) -> HashMap<RunId, Option<Drive>> {
        let live = self.0.live();
        live.iter().map(|(run, live)| (run.clone(), live.hand.drive())).collect()
    }

    /// Takes a run in hand that is to go on, now or when its turn comes.
    pub(super) fn take(
        &self,
        run: &RunId,
        standby: Standby,
        drive: Option<Drive>,
    ) -> Result<RunHandle, EngineError> {
        let (taken, outcome) = Live::new(Life::Queued, standby, drive);
        let mut live = self.insert(run, taken)?;
        if let Err(error) = self.ask_for_turn(&mut live, run) {
            live.remove(run);
            return Err(error);
        }
        Ok(RunHandle { run: run.clone(), outcome })
    }

    /// Adds a run to those in hand, and leaves them locked.
    pub(super) fn insert(
        &self,
        run: &RunId,
        taken: Live,
    ) -> Result<MutexGuard<'_, Hands>, EngineError> {
        let mut live = self.0.live();
        if live.contains_key(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        live.insert(run.clone(), taken);
        Ok(live)
    }

    /// Puts a run in line.
    fn ask_for_turn(&self, live: &mut Hands, run: &RunId) -> Result<(), EngineError> {
        match self.0.turns().take(run) {
            true => self.turn(live, run).inspect_err(|_| self.0.turns().untake()),
            false => Ok(()),
        }
    }

    /// Gives a run whose turn has come a thread.
    pub(super) fn turn(&self, live: &mut Hands, run: &RunId) -> Result<(), EngineError> {
        let unknown = || EngineError::NoSuchRun(run.to_string());
        let queued = live.get_mut(run).ok_or_else(unknown)?;
        match queued.happens(Happens::Turn) {
            Act::Begin => self.spawn(run, &queued.hand.standby),
            _ => Err(EngineError::AlreadyDriven(run.clone())),
        }
    }

    /// Takes a run up that was parked.
    pub(super) fn wake(&self, run: &RunId) {
        let mut live = self.0.live();
        let act = live.get_mut(run).map(|live| live.happens(Happens::Wakes));
        if act == Some(Act::Queue)
            && let Err(error) = self.ask_for_turn(&mut live, run)
        {
            self.give_up(&mut live, run, &error);
        }
    }

    /// Lets go of a run that can't have a thread; what is recorded of it can be resumed.
    pub(super) fn give_up(&self, live: &mut Hands, run: &RunId, error: &EngineError) {
        let Some(mut gone) = end(live, run) else { return };
        if let Some(tell) = gone.tell.take() {
            // Nobody has to listen.
            let _ = tell.send(Outcome::Unrecorded(error.to_string()));
        }
        self.0.let_go.send_replace(());
    }

    /// Asks every run that is being driven to stop after its current call, and lets go of those that
    /// wait or queue.
    pub fn park_all(&self) {
        let mut live = self.0.live();
        self.0.turns().clear();
        let mut gone = Vec::new();
        for (run, live) in live.iter_mut() {
            match live.happens(Happens::Parks) {
                Act::LetGo => gone.push(run.clone()),
                _ => live.hand.standby.control.park(),
            }
        }
        for live in gone.iter().filter_map(|run| live.remove(run)) {
            live.hand.standby.waits.close();
            live.tell.into_iter().for_each(|tell| drop(tell.send(Outcome::Parked)));
        }
        drop(live);
        self.0.let_go.send_replace(());
    }

    /// Forgets a run that no thread drives any more, and wakes those who wait for that.
    pub(super) fn let_go(&self, run: &RunId) {
        let gone = end(&mut self.0.live(), run);
        drop(gone);
        self.0.clock.at_work(-1);
        self.0.let_go.send_replace(());
    }
}
