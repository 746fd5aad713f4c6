//! Publishing heads: the hash of a journal's last record, sent off the machine.
//!
//! Who holds the key can cut the end of a journal off and sign what is left. He can't undo what
//! was published: `windlass evidence verify --head HASH` finds that record in the file or refuses it.
//!
//! The head of a run goes out when the run ends, and those of runs that have not finished every so often,
//! if they have moved. What was published is kept in the store, so that a restart goes on where it
//! was; what could not be sent is sent the next time. A head is durable here before it leaves.
//!
//! | value in the store | says |
//! |---|---|
//! | `evidence/publishing` | where heads go: as long as it is there, a run stays until its last head has gone out |
//! | `evidence/published/<run>` | the head that went out last: [`Head`] |

mod config;
mod syslog;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use windlass_engine::clock::{Millis, millis, utc};
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::What;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Hash, StoreError, text_hash};

pub use config::{Config, PublishTo};
pub use syslog::Syslog;

const PUBLISHING: &str = "evidence/publishing";
const PUBLISHED: &str = "evidence/published/";

/// The head of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The run.
    pub run: RunId,
    /// The number of the last record.
    pub seq: u64,
    /// Its hash.
    pub head: Hash,
    /// When it was published, in milliseconds since 1970, UTC.
    pub at: Millis,
    /// True if the run is over: no record will follow.
    pub over: bool,
}

impl Head {
    /// Returns the head as one line of text, for logs.
    pub fn line(&self) -> String {
        let Head { run, seq, head, at, over } = self;
        let over = if *over { "yes" } else { "no" };
        format!("evidence run={run} seq={seq} head={head} over={over} at=\"{}\"", utc(*at))
    }
}

/// Why a head could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The journal can't be read, or what was published can't be noted.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It could not be sent.
    #[error("publish to {place}: {problem}")]
    Send {
        /// Where to.
        place: String,
        /// Why not.
        problem: String,
    },
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        PublishError::Engine(error.into())
    }
}

/// A place off the machine that keeps heads.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Returns where that is, for people.
    fn place(&self) -> String;

    /// Sends a head. On return somebody else has taken it. It may be sent more than once.
    ///
    /// # Errors
    /// If nobody took it; it is then sent again later.
    async fn publish(&self, head: &Head) -> Result<(), PublishError>;
}

/// Publishes the heads of an engine.
#[derive(Clone)]
pub struct Publishing {
    engine: Engine,
    publisher: Arc<dyn Publisher>,
}

impl Publishing {
    /// Begins to publish. From here on a run stays until its last head has gone out.
    ///
    /// # Errors
    /// If that can't be noted.
    pub async fn begin(
        engine: Engine,
        publisher: Arc<dyn Publisher>,
    ) -> Result<Self, PublishError> {
        let place = publisher.place();
        blocking(&engine, move |engine| {
            let store = engine.store();
            Ok(store.sync(store.put_value(PUBLISHING, place.as_bytes())?)?)
        })
        .await?;
        Ok(Publishing { engine, publisher })
    }

    /// Publishes until `stop` is done, and then once more.
    pub async fn keep_on(self, every: Duration, stop: impl Future<Output = ()> + Send) {
        let mut events = self.engine.subscribe();
        tokio::pin!(stop);
        let mut due = Due::All;
        loop {
            let failed = match &due {
                Due::All => self.round().await,
                Due::One(run) => self.one(run).await.err().into_iter().collect(),
            };
            for error in failed {
                tracing::warn!("a head of a journal is not published yet: {error}");
            }
            let next = self.engine.clock().now() + millis(every);
            due = loop {
                tokio::select! {
                    () = &mut stop => {
                        for error in self.round().await {
                            tracing::warn!("a head of a journal is not published: {error}");
                        }
                        return;
                    }
                    () = self.engine.clock().sleep_until(next) => break Due::All,
                    event = events.recv() => match event {
                        Ok(event) if matches!(event.what, What::Finished { .. }) => {
                            break Due::One(event.run);
                        }
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => break Due::All,
                        Err(RecvError::Closed) => return,
                    },
                }
            };
        }
    }

    /// Publishes every head that has not been, and returns what went wrong.
    pub async fn round(&self) -> Vec<PublishError> {
        let due = blocking(&self.engine, |engine| {
            let published = published(engine)?;
            let mut runs = engine.runs(false)?;
            runs.retain(|run| !published.get(&run.run).is_some_and(|head| head.over));
            Ok(runs)
        });
        let due = match due.await {
            Ok(due) => due,
            Err(error) => return vec![error],
        };
        let mut failed = Vec::new();
        for summary in due {
            match self.one(&summary.run).await {
                // Pruned since it was listed: its last head had gone out.
                Err(PublishError::Engine(EngineError::NoSuchRun(_))) | Ok(()) => {}
                Err(error) => failed.push(error),
            }
        }
        failed
    }

    /// Publishes the head of a run, unless it has been.
    ///
    /// # Errors
    /// If the journal can't be read, or the head not be sent.
    pub async fn one(&self, run: &RunId) -> Result<(), PublishError> {
        let run = run.clone();
        let head = blocking(&self.engine, move |engine| {
            let head = head_of(engine, &run)?;
            let before = engine.store().value(&format!("{PUBLISHED}{run}"))?;
            let before = before.and_then(|bytes| serde_json::from_slice::<Head>(&bytes).ok());
            Ok((before.map(|head| head.head) != Some(head.head.clone())).then_some(head))
        });
        let Some(head) = head.await? else { return Ok(()) };
        self.publisher.publish(&head).await?;
        blocking(&self.engine, move |engine| {
            let store = engine.store();
            let bytes = serde_json::to_vec(&head).map_err(|e| StoreError::Io(e.to_string()))?;
            Ok(store.sync(store.put_value(&format!("{PUBLISHED}{}", head.run), &bytes)?)?)
        })
        .await
    }
}

enum Due {
    All,
    One(RunId),
}

/// Notes that heads are not published any more: no run stays for that.
///
/// # Errors
/// If the store can't write.
pub fn end(engine: &Engine) -> Result<(), StoreError> {
    let store = engine.store();
    store.sync(store.remove_value(PUBLISHING)?)
}

/// Returns the heads that went out last, by run.
///
/// # Errors
/// If the store is damaged.
pub fn published(engine: &Engine) -> Result<HashMap<RunId, Head>, StoreError> {
    let values = engine.store().values(PUBLISHED, "", usize::MAX)?;
    let heads = values.into_iter().filter_map(|(_, v)| serde_json::from_slice::<Head>(&v).ok());
    Ok(heads.map(|head| (head.run.clone(), head)).collect())
}

/// Returns the runs that must stay because their last head has not gone out, out of those that are
/// over; none, if heads are not published.
///
/// # Errors
/// If the store is damaged.
pub fn held_back(engine: &Engine, over: &[RunId]) -> Result<Vec<RunId>, StoreError> {
    if engine.store().value(PUBLISHING)?.is_none() {
        return Ok(Vec::new());
    }
    let published = published(engine)?;
    let held = over.iter().filter(|run| !published.get(run).is_some_and(|head| head.over));
    Ok(held.cloned().collect())
}

/// Forgets what was published of a run that is forgotten.
///
/// # Errors
/// If the store can't write.
pub fn forget(engine: &Engine, run: &RunId) -> Result<(), StoreError> {
    engine.store().remove_value(&format!("{PUBLISHED}{run}")).map(drop)
}

/// Returns the head of a run as it is now, durable.
///
/// # Errors
/// If there is no such run, or the store is damaged.
pub fn head_of(engine: &Engine, run: &RunId) -> Result<Head, EngineError> {
    // Asked first: a run that ends in between is told of as not over, and published once more.
    let over = !engine.view(run)?.summary.is_open();
    let records = engine.records(run)?;
    let head = text_hash(records.last().map_or(&b""[..], Vec::as_slice));
    let seq = records.len().saturating_sub(1) as u64;
    Ok(Head { run: run.clone(), seq, head, at: engine.clock().now(), over })
}

/// The store blocks: it is asked on a thread where that is fine.
async fn blocking<T: Send + 'static>(
    engine: &Engine,
    ask: impl FnOnce(&Engine) -> Result<T, PublishError> + Send + 'static,
) -> Result<T, PublishError> {
    let engine = engine.clone();
    let asked = tokio::task::spawn_blocking(move || ask(&engine)).await;
    asked.unwrap_or_else(|error| Err(EngineError::Machine(error.to_string()).into()))
}
