//! What goes wrong with the requests of a step.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What strikes one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection is cut; nothing is done.
    LoseRequest,
    /// It is done, then the connection is cut.
    LoseAnswer,
    /// Nothing is done, and the answer is this.
    Refuse {
        /// The status.
        status: u16,
        /// The words.
        message: &'static str,
    },
    /// It is done, and the answer is no such answer.
    Garbage,
    /// It is done, and the process dies before it hears of it.
    Death,
}

/// One request that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Method and target.
    pub what: String,
    /// Whether it is one that changes something.
    pub changing: bool,
}

/// Counts requests and says what strikes which.
#[derive(Debug, Default)]
pub struct Troubles {
    state: Mutex<State>,
    dead: Notify,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<Asked>,
    strike: Option<(usize, Trouble)>,
}

impl Troubles {
    /// Notes a request, and returns what strikes it. A place calls this once for each request that
    /// belongs to a call; after [`Trouble::Death`] it carries the request out, calls
    /// [`Troubles::die`], and never answers.
    pub fn ask(&self, what: String, changing: bool) -> Option<Trouble> {
        let mut state = self.lock();
        state.asked.push(Asked { what, changing });
        let nth = state.asked.len();
        state.strike.filter(|(at, _)| *at == nth).map(|(_, trouble)| trouble)
    }

    /// Tells that the process is dead.
    pub fn die(&self) {
        self.dead.notify_one();
    }

    /// Forgets the requests so far, and strikes one of those to come, from 1.
    pub(crate) fn begin(&self, strike: Option<(usize, Trouble)>) {
        *self.lock() = State { asked: Vec::new(), strike };
    }

    /// Returns the requests since [`Troubles::begin`].
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    pub(crate) async fn death(&self) {
        self.dead.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
