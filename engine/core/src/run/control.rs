//! How a run is told to stop.

use tokio::sync::watch;

use crate::script::Halt;

#[derive(Debug, Clone, Default)]
struct Signals {
    park: bool,
    cancel: Option<String>,
    sibling: bool,
    rest: bool,
    going_back: bool,
}

/// What people, and failing branches, tell a run while it goes on.
#[derive(Debug)]
pub struct Control(watch::Sender<Signals>);

impl Default for Control {
    fn default() -> Self {
        Control(watch::Sender::new(Signals::default()))
    }
}

impl Control {
    /// Asks the run to stop after its current call, so that it can be resumed.
    pub fn park(&self) {
        self.0.send_modify(|signals| signals.park = true);
    }

    /// Asks the run to undo everything.
    pub fn cancel(&self, reason: &str) {
        self.0.send_modify(|signals| signals.cancel = Some(reason.to_owned()));
    }

    /// Returns the reason for which a person cancelled the run.
    pub fn cancelled(&self) -> Option<String> {
        self.0.borrow().cancel.clone()
    }

    /// True if a person asked the run to stop, or to go back.
    pub(crate) fn is_asked_to_stop(&self) -> bool {
        let signals = self.0.borrow();
        signals.park || signals.cancel.is_some()
    }

    /// Ends the branches of an evaluation, because one of them failed.
    pub(super) fn end_branches(&self) {
        self.0.send_modify(|signals| signals.sibling = true);
    }

    /// Ends the evaluation, because all that is left to do is to wait.
    pub(super) fn rest(&self) {
        self.0.send_modify(|signals| signals.rest = true);
    }

    /// Begins another evaluation.
    pub(super) fn go_forward(&self) {
        self.0.send_modify(|signals| {
            (signals.sibling, signals.rest, signals.going_back) = (false, false, false);
        });
    }

    /// From here on only parking stops the run: going back is what a cancellation asked for.
    pub(super) fn go_back(&self) {
        self.0.send_modify(|signals| signals.going_back = true);
    }

    /// Returns why the evaluation should end here, if it should. `pivoted` runs don't go back.
    pub(super) fn halt(&self, pivoted: bool) -> Option<Halt> {
        let signals = self.0.borrow();
        if signals.park {
            return Some(Halt::Parked);
        }
        if signals.going_back {
            return None;
        }
        if let Some(reason) = &signals.cancel
            && !pivoted
        {
            return Some(Halt::Cancelled(reason.clone()));
        }
        // A branch that failed comes before those that wait.
        let waiting = signals.rest.then_some(Halt::Waiting);
        signals.sibling.then_some(Halt::Sibling).or(waiting)
    }

    /// True if a person asked the run to stop here.
    pub(super) fn parked(&self) -> bool {
        self.0.borrow().park
    }

    /// Returns when a person asks the run to stop here.
    pub(super) async fn until_parked(&self) {
        let mut signals = self.0.subscribe();
        if signals.wait_for(|signals| signals.park).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when there is a reason to end the evaluation.
    pub(super) async fn halted(&self, pivoted: bool) -> Halt {
        let mut signals = self.0.subscribe();
        loop {
            if let Some(halt) = self.halt(pivoted) {
                return halt;
            }
            if signals.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
