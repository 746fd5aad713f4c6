//! The handle on a simulated swarm.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::sync::Notify;

use super::api::server::{self, Reply, Served};
use super::demo;
use super::edit::Edit;
use super::fault::{Fault, Faults, Request};
use super::flow::{Flow, Pace};
use super::look::{Removal, World};
use super::model::Model;
use super::model::leader::ELECTION_MS;
use super::snapshot::{Built, Snapshot};
use super::spec::SimulatedSpec;

/// A simulated swarm. Clones are the same swarm; [`Simulated::fork`] makes another one.
#[derive(Debug, Clone)]
pub struct Simulated(Arc<Shared>);

/// What all handles on a swarm share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Something was put into the queue, or the clock was moved.
    pub(crate) changed: Notify,
}

/// The model, and what is around it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) model: Model,
    pub(crate) faults: Faults,
    pub(crate) requests: Vec<Request>,
    /// Secrets that were removed by requests, if somebody wants to know.
    pub(crate) removals: Option<Vec<Removal>>,
    pace: Option<Pace>,
}

impl Shared {
    fn new(model: Model) -> Self {
        let faults = Faults::default();
        let state = State { model, faults, requests: Vec::new(), removals: None, pace: None };
        Shared { state: Mutex::new(state), changed: Notify::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Brings the model to the time that its clock should show.
    pub(crate) fn catch_up(&mut self) {
        if let Some(pace) = &self.pace {
            self.model.advance_to(pace.now());
        }
    }

    /// Moves the clock on by hand.
    pub(crate) fn advance_to(&mut self, at: i64) {
        self.catch_up();
        // What was put in for this very moment is due as well.
        if at >= self.model.now {
            self.model.advance_to(at);
            if let Some(pace) = &mut self.pace {
                pace.set(at);
            }
        }
    }

    pub(crate) fn pace(&self) -> Option<Pace> {
        self.pace
    }

    pub(crate) fn set_pace(&mut self, speed: Option<f64>) {
        self.catch_up();
        self.pace = speed.map(|speed| Pace::new(self.model.now, speed));
    }
}

impl Simulated {
    /// Makes a swarm with its services converged.
    pub fn new(spec: &SimulatedSpec) -> Self {
        Self::of(demo::model(spec))
    }

    /// Makes a swarm after a snapshot: its services as they were, with tasks where they ran, or
    /// failing as they did. Secrets get made-up values.
    pub fn from_snapshot(snapshot: &Snapshot, seed: u64) -> Self {
        Self::copied(snapshot, seed).0
    }

    /// The same, with what of the snapshot the swarm does not play: each by name, and how it is
    /// taken instead.
    pub fn copied(snapshot: &Snapshot, seed: u64) -> (Self, Vec<String>) {
        let Built { model, not_played } = snapshot.build(seed);
        (Self::of(model), not_played)
    }

    fn of(model: Model) -> Self {
        Simulated(Arc::new(Shared::new(model)))
    }

    /// Returns the swarm as Docker's own objects, without the values of secrets, configs and
    /// environments.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.0.lock().model)
    }

    /// Returns a copy of the swarm as it is now, with no faults, no requests and its own clock,
    /// which stands.
    pub fn fork(&self) -> Self {
        let mut state = self.0.lock();
        state.catch_up();
        Self::of(state.model.clone())
    }

    /// Serves the Docker Engine API on a socket, on the current tokio runtime.
    ///
    /// # Errors
    /// If the socket can't be made there.
    pub async fn serve(&self, socket: &Path) -> io::Result<Served> {
        server::serve(self.0.clone(), socket).await
    }

    /// Asks the daemon within this process, as a request over the socket would: `target` is path and
    /// query, `call` what its `Windlass-Call` header would say. Returns the status and the body in
    /// pieces, of which one is missing where the connection would be closed; nothing if it would be
    /// closed unanswered.
    pub fn ask(
        &self,
        method: &str,
        target: &str,
        call: Option<&str>,
        body: &[u8],
    ) -> Option<(u16, BoxStream<'static, Option<Bytes>>)> {
        server::exchange(&self.0, method, target, call, body.to_vec()).map(Reply::parts)
    }

    /// Returns the time on the model's clock, in milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        let mut state = self.0.lock();
        state.catch_up();
        state.model.now
    }

    /// Handles everything that is due up to then. Never goes back.
    pub fn advance_to(&self, at: i64) {
        self.0.lock().advance_to(at);
        self.0.changed.notify_one();
    }

    /// Returns when something is due next.
    pub fn next_due(&self) -> Option<i64> {
        self.0.lock().model.next_due()
    }

    /// Lets the model's clock follow the clock on the wall, times `speed`, until the flow is
    /// dropped. Must be called in a tokio runtime.
    pub fn flow(&self, speed: f64) -> Flow {
        Flow::start(self.0.clone(), speed)
    }

    /// Puts these faults in the place of those that were set; they begin to count anew.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.0.lock().faults.set(faults);
    }

    /// Returns how often each fault of the list has struck.
    pub fn faults_hit(&self) -> Vec<usize> {
        self.0.lock().faults.hits()
    }

    /// Returns all requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.0.lock().requests.clone()
    }

    /// From now on keeps how the swarm was when a request removed a secret.
    pub fn watch_removals(&self) {
        self.0.lock().removals.get_or_insert_default();
    }

    /// Returns the removals that were watched, in order.
    pub fn removals(&self) -> Vec<Removal> {
        self.0.lock().removals.clone().unwrap_or_default()
    }

    /// Changes something at once and without a request.
    ///
    /// # Errors
    /// In the daemon's words, if it refuses; a service or node that is not there.
    pub fn edit(&self, edit: &Edit) -> Result<(), String> {
        let mut state = self.0.lock();
        state.catch_up();
        let done = state.model.edit(edit);
        drop(state);
        self.0.changed.notify_one();
        done.map_err(|refusal| refusal.message)
    }

    /// Kills the leader's hold on the swarm: for some 14 s nothing can be read or written, then
    /// another manager leads. [`Edit::LeaderChange`] has the time as a parameter.
    pub fn change_leader(&self) {
        let mut state = self.0.lock();
        state.catch_up();
        state.model.lose_leader(ELECTION_MS);
        drop(state);
        self.0.changed.notify_one();
    }

    /// Returns a plain copy of the swarm, for those who judge it.
    pub fn look(&self) -> World {
        let mut state = self.0.lock();
        state.catch_up();
        state.model.look()
    }
}
