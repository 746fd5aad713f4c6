//! Holding a run for a moment: reading it once, for several things that are done about it.

use std::sync::Arc;

use super::hand::Hand;
use super::life::Life;
use super::place::{Answer, bare};
use super::{Drive, Engine, EngineError};
use crate::id::RunId;

/// The journal of a run, held for a moment: of one that this process has in hand, or of any other.
pub(super) struct Hold {
    engine: Engine,
    pub(super) drive: Drive,
    user: Option<User>,
}

/// Somebody who needs the journal of a run in hand; it stays in memory until this is dropped.
struct User {
    engine: Engine,
    run: RunId,
    hand: Arc<Hand>,
}

impl Drop for User {
    fn drop(&mut self) {
        let mut live = self.engine.0.live();
        let same = live.get_mut(&self.run).filter(|live| Arc::ptr_eq(&live.hand, &self.hand));
        let Some(live) = same else { return };
        live.users = live.users.saturating_sub(1);
        if live.life == Life::Resting && live.users == 0 {
            live.hand.unload();
        }
    }
}

impl Hold {
    pub(super) fn run(&self) -> &RunId {
        self.drive.driver.ledger.run()
    }

    /// True if what is held is still what there is: nobody has taken the run up or put it down, nor
    /// recorded something from elsewhere.
    pub(super) fn is_current(&self) -> bool {
        let now = self.engine.hand(self.run());
        match (&self.user, now) {
            (Some(user), Some(hand)) => Arc::ptr_eq(&user.hand, &hand),
            (None, None) => {
                let count = self.engine.0.store.count(self.run());
                count.is_ok_and(|count| count == self.drive.driver.ledger.count())
            }
            _ => false,
        }
    }
}

impl Engine {
    /// Holds a run that this process has in hand; the journal says from then on that it has.
    pub(super) fn hold_live(&self, run: &RunId) -> Result<Option<Hold>, EngineError> {
        let Some(hold) = self.hold_unrecorded(run)? else { return Ok(None) };
        self.taken_over(&hold)?;
        Ok(Some(hold))
    }

    /// Holds a run, wherever it is.
    pub(super) fn hold(&self, run: &RunId) -> Result<Hold, EngineError> {
        let hold = self.hold_any(run)?;
        self.taken_over(&hold)?;
        Ok(hold)
    }

    /// Holds a run, after making sure that another place than the one where it began does not answer.
    pub(super) async fn hold_here(&self, run: &RunId) -> Result<Hold, EngineError> {
        let hold = self.hold_any(run)?;
        let state = hold.drive.driver.ledger.look(bare);
        self.same_place_as(run, &state, Answer::Welcome).await?;
        self.taken_over(&hold)?;
        Ok(hold)
    }

    fn hold_any(&self, run: &RunId) -> Result<Hold, EngineError> {
        if let Some(hold) = self.hold_unrecorded(run)? {
            return Ok(hold);
        }
        let drive = self.read(run, self.standby(run))?;
        Ok(Hold { engine: self.clone(), drive, user: None })
    }

    fn hold_unrecorded(&self, run: &RunId) -> Result<Option<Hold>, EngineError> {
        let hand = {
            let mut live = self.0.live();
            let Some(live) = live.get_mut(run) else { return Ok(None) };
            live.users += 1;
            live.hand.clone()
        };
        let user = User { engine: self.clone(), run: run.clone(), hand };
        let drive = self.load(run, &user.hand)?;
        Ok(Some(Hold { engine: self.clone(), drive, user: Some(user) }))
    }

    fn taken_over(&self, hold: &Hold) -> Result<(), EngineError> {
        match &hold.user {
            Some(user) => self.loaded(&user.run, &user.hand).map(drop),
            None => Ok(()),
        }
    }
}
