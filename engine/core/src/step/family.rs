//! A family of steps: one crate, with the client and the settings that its steps need.
//!
//! | others ask | answered by |
//! |---|---|
//! | what it is for, and its steps | [`Family`] |
//! | where its steps act, and whether that answers | [`Family::place`] |
//! | what a plan assumes after a call | [`Assumed`](super::Assumed): its steps note it there |
//! | what an approval is not bound to | [`ChangeStep::unbound`](super::ChangeStep::unbound) |
//!
//! A family connects to nothing when it is made: a run opens only those that its runbook uses.

use std::sync::Arc;

use async_trait::async_trait;

use super::{AnyStep, StepError};
use crate::journal::Identity;

/// Steps that belong together.
pub trait Family: Send + Sync + 'static {
    /// Returns its name, one word: `swarm`.
    fn name(&self) -> &str;

    /// Returns what its steps are about, as a sentence.
    fn summary(&self) -> &str;

    /// Returns its steps.
    fn steps(&self) -> Vec<Arc<dyn AnyStep>>;

    /// Returns where its steps act; nothing if they touch nothing outside the run.
    fn place(&self) -> Option<Arc<dyn Place>> {
        None
    }
}

/// Where the steps of a family act.
#[async_trait]
pub trait Place: Send + Sync {
    /// Returns how it is reached, for people: `unix:///var/run/docker.sock`.
    fn address(&self) -> &str;

    /// Returns which place answers now. It asks each time, and remembers nothing.
    ///
    /// # Errors
    /// *Transient* if nobody answers; of another class if whoever answers is no such place.
    async fn identity(&self) -> Result<Identity, StepError>;

    /// Looks whether a run can begin there now.
    ///
    /// # Errors
    /// If it can't: why, and what to do about it.
    async fn ready(&self) -> Result<(), StepError> {
        self.identity().await.map(drop)
    }
}
