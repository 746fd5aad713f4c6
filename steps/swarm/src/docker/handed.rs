//! Services on their way from the call that read them to the one that writes them.
//!
//! `service.using` reads all services at once; asking for each again before it is written would be
//! a third of all requests of a rotation. What was handed on may have become stale meanwhile: the
//! version in the update refuses it then, and the next attempt reads the service anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::{DockerError, Swarm};

/// What calls leave for those that follow.
#[derive(Default)]
pub(super) struct Handed {
    /// Services by ID, as text: the trees of ten thousand would take a hundred megabytes.
    services: Mutex<HashMap<String, Box<str>>>,
    /// Services that an update of ours has just changed.
    written: Mutex<HashSet<String>>,
}

impl Swarm {
    /// Keeps a service that was just read, for a call that follows.
    pub(crate) fn hand_on(&self, service: &Value) {
        if let Some(id) = service["ID"].as_str() {
            lock(&self.handed().services).insert(id.to_owned(), service.to_string().into());
        }
    }

    /// Returns the service kept by [`Swarm::hand_on`], once, if it has this version.
    pub(crate) fn handed_on(&self, id: &str, version: u64) -> Option<Value> {
        self.take(id).filter(|kept| kept["Version"]["Index"].as_u64() == Some(version))
    }

    /// Returns the service kept by [`Swarm::hand_on`], once, if it looks as it should; else as it is
    /// now. Bad news must not come from a stale copy.
    ///
    /// # Errors
    /// As [`Swarm::service`].
    pub(crate) async fn service_for_update(
        &self,
        id: &str,
        as_it_should: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, DockerError> {
        match self.take(id).filter(as_it_should) {
            Some(kept) => Ok(Some(kept)),
            None => self.service(id).await,
        }
    }

    /// Notes that a service was just updated: there is no point in looking at its tasks yet.
    pub(crate) fn note_written(&self, id: &str) {
        lock(&self.handed().written).insert(id.to_owned());
    }

    /// True, once, if the service was just updated.
    pub(crate) fn was_written(&self, id: &str) -> bool {
        lock(&self.handed().written).remove(id)
    }

    fn take(&self, id: &str) -> Option<Value> {
        let kept = lock(&self.handed().services).remove(id)?;
        serde_json::from_str(&kept).ok()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
