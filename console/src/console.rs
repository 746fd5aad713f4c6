//! What all requests share.

use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, watch};
use windlass_engine::engine::Engine;

use crate::audit::Audit;
use crate::guard::Failures;
use crate::library::Library;
use crate::metrics::Metrics;
use crate::problem::{Problem, bug};
use crate::token::Tokens;

/// Journals that are read for watchers at the same time: each is in memory while it is read.
const REPLAYS_MAX: usize = 4;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) engine: Engine,
    pub(crate) library: Arc<dyn Library>,
    pub(crate) tokens: Tokens,
    pub(crate) audit: Audit,
    pub(crate) failures: Arc<Failures>,
    pub(crate) metrics: Metrics,
    /// Held while a run is started under a key: the same key never starts two.
    pub(crate) starting: Arc<Mutex<()>>,
    pub(crate) replays: Arc<Semaphore>,
    /// True from the moment on at which the console stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Console {
    pub(crate) fn new(
        engine: Engine,
        library: Arc<dyn Library>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self, windlass_engine::journal::StoreError> {
        Ok(Console {
            tokens: Tokens::of(&engine),
            audit: Audit::of(&engine)?,
            failures: Arc::default(),
            metrics: Metrics::new(),
            starting: Arc::default(),
            replays: Arc::new(Semaphore::new(REPLAYS_MAX)),
            engine,
            library,
            stopping,
        })
    }
}

/// Does what blocks on a thread that may block.
///
/// # Errors
/// If it panics: a mistake of ours.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|e| bug(&format!("work broke off: {e}")))
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
