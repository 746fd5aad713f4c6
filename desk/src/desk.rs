//! What all requests share.

use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, watch};
use windlass_engine::engine::Engine;
use windlass_engine::journal::StoreError;

use crate::audit::Audit;
use crate::config::Config;
use crate::gate::Gate;
use crate::guard::Failures;
use crate::library::Library;
use crate::metrics::Metrics;
use crate::problem::{Kind, Problem, bug};
use crate::refusal::Refusals;
use crate::seats::Seats;
use crate::token::Tokens;

/// Journals that are read for watchers at the same time: each is in memory while it is read.
const REPLAYS_MAX: usize = 4;

/// Plans that are made at the same time, and as many again that may wait for their turn twice over.
/// Each holds threads for as long as the swarm takes to answer, and a dead one never does.
const PLANS_MAX: usize = 4;

/// The same for answers to runs that wait: before an approval counts, the swarm is looked at.
const ANSWERS_MAX: usize = 4;

/// What all requests share, however they come. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub(crate) engine: Engine,
    pub(crate) library: Arc<dyn Library>,
    pub(crate) tokens: Tokens,
    pub(crate) audit: Audit,
    pub(crate) failures: Arc<Failures>,
    pub(crate) refusals: Arc<Refusals>,
    /// Event streams that are open.
    pub(crate) streams: Arc<Seats>,
    pub(crate) plans: Gate,
    pub(crate) answers: Gate,
    pub(crate) metrics: Metrics,
    /// Held while a run is started under a key: the same key never starts two.
    pub(crate) starting: Arc<Mutex<()>>,
    pub(crate) replays: Arc<Semaphore>,
    /// True from the moment on at which whoever listens stops.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Why nothing can be recorded for now, if it can't.
    unready: watch::Receiver<Option<String>>,
    /// Where nobody listens, nobody stops either: without it, it would look as if they had.
    _open: Arc<watch::Sender<bool>>,
}

impl Desk {
    /// Returns a desk at which an engine is asked. Nobody listens yet.
    ///
    /// # Errors
    /// If the machine gives no random bytes.
    pub fn new(engine: Engine, library: Arc<dyn Library>) -> Result<Self, StoreError> {
        let (config, open) = (Config::default(), watch::Sender::new(false));
        Ok(Desk {
            tokens: Tokens::of(&engine),
            audit: Audit::of(&engine)?,
            failures: Arc::default(),
            refusals: Arc::default(),
            streams: Seats::new(config.half_of_connections(), config.streams_per_token_max),
            plans: Gate::new("plans are being made", PLANS_MAX),
            answers: Gate::new("answers are being weighed", ANSWERS_MAX),
            metrics: Metrics::new(),
            starting: Arc::default(),
            replays: Arc::new(Semaphore::new(REPLAYS_MAX)),
            engine,
            library,
            stopping: open.subscribe(),
            _open: Arc::new(open),
            unready: watch::channel(None).1,
        })
    }

    /// Returns the same desk with other runbooks to name.
    #[must_use]
    pub fn with_library(&self, library: Arc<dyn Library>) -> Self {
        Desk { library, ..self.clone() }
    }

    /// Returns the same desk for those who come over the network.
    pub(crate) fn for_network(
        &self,
        config: &Config,
        stopping: watch::Receiver<bool>,
        unready: watch::Receiver<Option<String>>,
    ) -> Self {
        let streams = Seats::new(config.half_of_connections(), config.streams_per_token_max);
        Desk { streams, stopping, unready, ..self.clone() }
    }

    /// Returns the same desk for those who come over a socket.
    pub(crate) fn for_socket(&self, stopping: watch::Receiver<bool>) -> Self {
        Desk { stopping, ..self.clone() }
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Says whether changes can be recorded.
    ///
    /// # Errors
    /// If they can't: why not.
    pub(crate) fn is_ready(&self) -> Result<(), Problem> {
        match self.unready.borrow().as_ref() {
            None => Ok(()),
            Some(why) => Err(Kind::STORE
                .because(why)
                .hint("Make room on that machine. The daemon goes on by itself, with its runs.")),
        }
    }
}

/// Does what blocks on a thread that may block.
///
/// # Errors
/// If it panics: a mistake of ours.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|e| bug(&format!("the work ended early: {e}")))
}

/// Awaits what blocks between its awaits on a thread that may block.
///
/// # Errors
/// If it panics: a mistake of ours.
pub(crate) async fn blocking_on<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let runtime = tokio::runtime::Handle::current();
    blocking(move || runtime.block_on(work)).await
}
