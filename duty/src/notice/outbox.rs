//! The outbox: notices that are still to be delivered, kept in the store.
//!
//! ```text
//! notice/to/<receiver>/<at>-<short key>  a delivery: a notice, and what came of it so far
//! notice/cursor/<run>                    how far the journal of a run has been told of
//! notice/since                           what happened before is not told
//! notice/receivers                       the names of those that the daemon was told of
//! ```
//!
//! A notice that is made twice has the same key and the same place, so it is there once. It leaves
//! the outbox when its receiver has taken it; a process that is killed between these two sends it
//! again, under the same key.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use windlass_engine::clock::{Clock, Millis};
use windlass_engine::engine::Engine;
use windlass_engine::journal::{JournalStore, Position, StoreError};

use super::message::{Kind, Notice};
use super::send::{Refusal, Trouble};
use crate::Name;

const PREFIX: &str = "notice/to/";

/// Under which name the store keeps who is told: commands don't read the daemon's file.
const RECEIVERS: &str = "notice/receivers";

/// A notice is given up after this long.
pub const GIVE_UP_AFTER_MS: Millis = 24 * 3600 * 1000;

/// Given up notices are forgotten after this long.
const FORGET_AFTER_MS: Millis = 30 * GIVE_UP_AFTER_MS;

/// Why the outbox can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The store can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept can't be read.
    #[error("the stored value {name} can't be read: {problem}")]
    Unreadable {
        /// Its name in the store.
        name: String,
        /// What was found.
        problem: String,
    },
    /// There is no such delivery.
    #[error("there is no undelivered notice `{0}`")]
    NoSuchNotice(String),
}

/// A notice on its way to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its name, for people: `<receiver>/<short key>`.
    pub id: String,
    /// The receiver.
    pub to: String,
    /// What is told.
    pub notice: Notice,
    /// Since when it is to be delivered.
    pub since: Millis,
    /// How often that was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next: Millis,
    /// What went wrong last, for people on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The same, for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// True if it is not tried any more.
    #[serde(default)]
    pub given_up: bool,
}

impl Delivery {
    /// Returns where it is among all deliveries, for [`Outbox::page`].
    pub fn mark(&self) -> String {
        self.place().split_off(PREFIX.len())
    }

    fn place(&self) -> String {
        place(&self.to, &self.notice)
    }
}

/// The notices that are still to be delivered. Cheap to clone; its methods block.
#[derive(Clone)]
pub struct Outbox {
    store: Arc<dyn JournalStore>,
    clock: Arc<dyn Clock>,
    receivers: Arc<BTreeMap<String, Vec<Kind>>>,
}

/// Wakes the couriers of this process: something was posted, or is to be tried again. The desk and
/// the couriers have nothing in common but the store, and that is open in one process at a time.
static POSTED: Notify = Notify::const_new();

impl Outbox {
    /// Returns the outbox of an engine's store, for receivers and what each is told of.
    pub fn new(engine: &Engine, receivers: impl IntoIterator<Item = (Name, Vec<Kind>)>) -> Self {
        let receivers = receivers.into_iter().map(|(name, on)| (name.to_string(), on)).collect();
        let (store, clock) = (engine.store().clone(), engine.clock().clone());
        Outbox { store, clock, receivers: Arc::new(receivers) }
    }

    /// True if there are no receivers.
    pub fn is_for_nobody(&self) -> bool {
        self.receivers.is_empty()
    }

    /// Notes who is told, for those who only have the store.
    ///
    /// # Errors
    /// If the store can't write.
    pub(crate) fn note_receivers(&self) -> Result<(), OutboxError> {
        let names: Vec<&String> = self.receivers.keys().collect();
        let bytes = serde_json::to_vec(&names).map_err(|e| unreadable(RECEIVERS, &e))?;
        if self.store.value(RECEIVERS)?.as_ref() != Some(&bytes) {
            self.store.sync(self.store.put_value(RECEIVERS, &bytes)?)?;
        }
        Ok(())
    }

    /// Returns the receivers that the daemon was told of when it last began.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn known_receivers(&self) -> Result<Vec<String>, OutboxError> {
        let Some(bytes) = self.store.value(RECEIVERS)? else { return Ok(Vec::new()) };
        serde_json::from_slice(&bytes).map_err(|e| unreadable(RECEIVERS, &e))
    }

    /// Puts a notice in for everybody who is to be told of it. On return it is visible; it is
    /// durable after the next sync of the store.
    ///
    /// # Errors
    /// If the store can't write.
    pub fn post(&self, notice: &Notice) -> Result<(), OutboxError> {
        let now = self.clock.now();
        for (to, _) in self.receivers.iter().filter(|(_, on)| on.contains(&notice.kind)) {
            let id = format!("{to}/{}", short(&notice.key));
            let (to, notice) = (to.clone(), notice.clone());
            let (problem, trouble) = (None, None);
            let delivery = Delivery {
                id,
                to,
                notice,
                since: now,
                attempts: 0,
                next: now,
                problem,
                trouble,
                given_up: false,
            };
            if self.store.value(&delivery.place())?.is_none() {
                self.put(&delivery)?;
            }
        }
        Ok(())
    }

    /// Tells those who deliver that something was posted.
    pub fn wake(&self) {
        POSTED.notify_waiters();
    }

    /// Returns what is ready once [`Outbox::wake`] is called after this call, awaited or not.
    pub(crate) fn posted() -> Notified<'static> {
        POSTED.notified()
    }

    /// Returns all deliveries, those for one receiver in the order of what happened.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn all(&self) -> Result<Vec<Delivery>, OutboxError> {
        list(&self.store, PREFIX, "", usize::MAX)
    }

    /// Returns the deliveries behind that of a [mark](Delivery::mark), in the order of
    /// [`Outbox::all`], `limit` of them at most.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn page(&self, after: &str, limit: usize) -> Result<Vec<Delivery>, OutboxError> {
        let after = if after.is_empty() { String::new() } else { format!("{PREFIX}{after}") };
        list(&self.store, PREFIX, &after, limit)
    }

    /// Returns the deliveries to a receiver that are not given up, in the order of what happened.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn pending(&self, to: &str) -> Result<Vec<Delivery>, OutboxError> {
        let mut all = list(&self.store, &format!("{PREFIX}{to}/"), "", usize::MAX)?;
        all.retain(|delivery| !delivery.given_up);
        Ok(all)
    }

    /// A receiver has taken it.
    ///
    /// # Errors
    /// If the store can't write.
    pub fn delivered(&self, delivery: &Delivery) -> Result<(), OutboxError> {
        self.sync(self.store.remove_value(&delivery.place())?)
    }

    /// An attempt failed; it is made again at `next`, if it is not too late then.
    ///
    /// # Errors
    /// If the store can't write.
    pub fn failed(
        &self,
        mut delivery: Delivery,
        refusal: Refusal,
        next: Millis,
    ) -> Result<(), OutboxError> {
        delivery.attempts += 1;
        delivery.problem = Some(refusal.message);
        delivery.trouble = Some(refusal.trouble);
        delivery.given_up = next - delivery.since > GIVE_UP_AFTER_MS;
        delivery.next = next;
        if delivery.given_up {
            tracing::error!(id = delivery.id, title = delivery.notice.title, "given up");
        }
        self.sync(self.put(&delivery)?)
    }

    /// Tries again what is named, or everything: now, and for another day. Returns what that was.
    ///
    /// # Errors
    /// If there is nothing of that name.
    pub fn retry(&self, id: Option<&str>) -> Result<Vec<Delivery>, OutboxError> {
        let now = self.clock.now();
        let mut again: Vec<Delivery> =
            self.all()?.into_iter().filter(|d| id.is_none_or(|id| d.id == id)).collect();
        if let (Some(id), true) = (id, again.is_empty()) {
            return Err(OutboxError::NoSuchNotice(id.to_owned()));
        }
        let mut last = Position::default();
        for delivery in &mut again {
            (delivery.since, delivery.next, delivery.given_up) = (now, now, false);
            last = self.put(delivery)?;
        }
        self.sync(last)?;
        self.wake();
        Ok(again)
    }

    /// Gives up what nobody is there to deliver any more, and forgets what was given up long ago.
    ///
    /// # Errors
    /// If the store is damaged or can't write.
    pub fn tidy(&self) -> Result<(), OutboxError> {
        let now = self.clock.now();
        let mut last = Position::default();
        for mut delivery in self.all()? {
            if delivery.given_up && now - delivery.next > FORGET_AFTER_MS {
                last = self.store.remove_value(&delivery.place())?;
            } else if !delivery.given_up && !self.receivers.contains_key(&delivery.to) {
                delivery.given_up = true;
                delivery.problem = Some(Trouble::Gone.to_string());
                delivery.trouble = Some(Trouble::Gone);
                last = self.put(&delivery)?;
            }
        }
        self.sync(last)
    }

    /// Makes everything posted so far durable, up to a position.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn sync(&self, position: Position) -> Result<(), OutboxError> {
        Ok(self.store.sync(position)?)
    }

    fn put(&self, delivery: &Delivery) -> Result<Position, OutboxError> {
        let place = delivery.place();
        let value = serde_json::to_vec(delivery).map_err(|e| unreadable(&place, &e))?;
        Ok(self.store.put_value(&place, &value)?)
    }
}

fn list(
    store: &Arc<dyn JournalStore>,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<Delivery>, OutboxError> {
    let read = |(name, value): (String, Vec<u8>)| {
        serde_json::from_slice(&value).map_err(|e| unreadable(&name, &e))
    };
    store.values(prefix, after, limit)?.into_iter().map(read).collect()
}

fn unreadable(name: &str, error: &serde_json::Error) -> OutboxError {
    OutboxError::Unreadable { name: name.to_owned(), problem: error.to_string() }
}

fn place(to: &str, notice: &Notice) -> String {
    format!("{PREFIX}{to}/{:015}-{}", notice.at, short(&notice.key))
}

/// A key in eight letters: long enough to tell what is undelivered apart.
fn short(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash.get(..6).unwrap_or_default())
}
