//! How long entries of the audit stay.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_engine::clock::{Millis, millis};
use windlass_engine::journal::StoreError;
use windlass_engine::step::Span;

use super::{Audit, PREFIX};

/// The name under which the store keeps what the daemon was told, so that commands heed it too.
const NAME: &str = "audit_retention";

/// Entries that are read at a time.
const CHUNK: usize = 1000;

/// The section `[audit]` of `windlass.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Entries that are older than this go.
    pub keep: Span,
    /// Of more than this many, the oldest go.
    pub entries_max: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { keep: Span(Duration::from_secs(400 * 24 * 3600)), entries_max: 100_000 }
    }
}

impl Audit {
    /// Notes, durably on return, how long entries stay from now on.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn keep(&self, retention: Retention) -> Result<(), StoreError> {
        if self.retention()? == retention {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&retention).map_err(|e| StoreError::Io(e.to_string()))?;
        self.store.sync(self.store.put_value(NAME, &bytes)?)
    }

    /// Returns how long entries stay.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn retention(&self) -> Result<Retention, StoreError> {
        let Some(bytes) = self.store.value(NAME)? else { return Ok(Retention::default()) };
        let unreadable = |e| StoreError::Io(format!("{NAME} can't be read: {e}"));
        serde_json::from_slice(&bytes).map_err(unreadable)
    }

    /// Returns how many entries have to go.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn prunable(&self) -> Result<usize, StoreError> {
        Ok(self.old()?.len())
    }

    /// Removes, durably on return, the entries that are too old or too many, and says how many
    /// those were.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn prune(&self) -> Result<usize, StoreError> {
        let old = self.old()?;
        for name in &old {
            self.store.remove_value(name)?;
        }
        if !old.is_empty() {
            self.store.sync(self.store.end())?;
        }
        Ok(old.len())
    }

    fn old(&self) -> Result<Vec<String>, StoreError> {
        let Retention { keep, entries_max } = self.retention()?;
        let since = self.clock.now().saturating_sub(millis(keep.0));
        let (mut old, mut kept) = (Vec::new(), VecDeque::new());
        let mut after = String::new();
        loop {
            let part = self.store.values(PREFIX, &after, CHUNK)?;
            let Some((last, _)) = part.last() else { return Ok(old) };
            after.clone_from(last);
            for (name, _) in part {
                if at(&name) < since {
                    old.push(name);
                } else {
                    kept.push_back(name);
                }
            }
            let too_many = kept.len().saturating_sub(entries_max);
            old.extend(kept.drain(..too_many));
        }
    }
}

/// Returns when an entry was made, from its name.
fn at(name: &str) -> Millis {
    let id = name.strip_prefix(PREFIX).unwrap_or(name);
    id.split('-').next().and_then(|at| at.parse().ok()).unwrap_or_default()
}
