//! Forgetting runs that are over, so that a store does not grow for ever.
//!
//! A run that has not finished is never forgotten: its journal is what a resume needs. Of one that is
//! forgotten a tombstone stays, which says what it was, how it ended, and the hash of its last
//! record: whoever holds its evidence can still show that this store knew of it.

use std::collections::HashSet;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Engine, EngineError};
use crate::clock::Millis;
use crate::event::Summary;
use crate::id::RunId;
use crate::journal::{Body, Chain, End, Hash, Origin, RunStatus};
use crate::run::RunState;

/// Which runs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs that were heard of since then stay.
    pub since: Millis,
    /// Keep this many of the latest runs, however old they are.
    pub newest: usize,
}

/// What stays of a run that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The run.
    pub run: RunId,
    /// The runbook's name or path.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// Who started it.
    pub user: String,
    /// When it began, in milliseconds since 1970, UTC.
    pub began: Millis,
    /// When it ended.
    pub ended: Millis,
    /// How it ended.
    pub end: End,
    /// How many entries its journal had.
    pub entries: u64,
    /// The hash of its last record.
    pub head: Hash,
    /// When it was forgotten.
    pub forgotten: Millis,
    /// Who had it forgotten, and from where.
    pub by: Origin,
}

impl Engine {
    /// Returns the runs that a retention lets go, oldest first. All of them are over, and let go of.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn prunable(&self, retention: Retention) -> Result<Vec<Summary>, EngineError> {
        let mut over = self.runs(false)?;
        over.retain(|summary| !summary.is_open() && !self.is_driven(&summary.run));
        over.sort_by(|a, b| (a.heard, &a.run).cmp(&(b.heard, &b.run)));
        over.truncate(over.len().saturating_sub(retention.newest));
        over.retain(|summary| summary.heard < retention.since);
        Ok(over)
    }

    /// Forgets runs that are over, and the runbook texts that no other run needs. `each` is told of
    /// every one, when it is gone durably.
    ///
    /// # Errors
    /// If one has not finished or can't be read, a backup is being made, or the store can't write. Those
    /// that `each` was told of are gone all the same.
    pub fn forget(
        &self,
        runs: &[RunId],
        by: &Origin,
        mut each: impl FnMut(Tombstone),
    ) -> Result<(), EngineError> {
        let _alone = self.keep_alone()?;
        for run in runs {
            each(self.forget_one(run, by)?);
        }
        if runs.is_empty() { Ok(()) } else { self.remove_unused_texts() }
    }

    /// Returns what stays of the runs that were forgotten, oldest first.
    ///
    /// # Errors
    /// If the store is damaged.
    pub fn tombstones(&self) -> Result<Vec<Tombstone>, EngineError> {
        let read = |(run, bytes): (RunId, Vec<u8>)| {
            let damaged = |e| EngineError::Damaged(format!("the tombstone of {run}: {e}"));
            serde_json::from_slice(&bytes).map_err(damaged)
        };
        self.0.store.tombstones()?.into_iter().map(read).collect()
    }

    /// Keeps backups and what forgets runs apart.
    pub(super) fn keep_alone(&self) -> Result<std::sync::MutexGuard<'_, ()>, EngineError> {
        self.0.keeping.try_lock().map_err(|_| {
            let why = "a backup or a prune is running: try again when it has finished";
            EngineError::NotNow(why.to_owned())
        })
    }

    fn forget_one(&self, run: &RunId, by: &Origin) -> Result<Tombstone, EngineError> {
        if self.is_driven(run) {
            return Err(EngineError::AlreadyDriven(run.clone()));
        }
        let store = &self.0.store;
        let (state, head) = RunState::read(store.read(run)?)
            .map_err(|e| EngineError::Damaged(format!("{run}: {e}")))?;
        let created = state.created.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
        let Some(RunStatus::Finished(end)) = state.status else {
            return Err(EngineError::NotNow(format!("{run} has not finished: a resume needs it")));
        };
        let tombstone = Tombstone {
            run: run.clone(),
            runbook: created.runbook,
            title: created.title,
            user: created.by.user,
            began: state.began,
            ended: state.heard,
            end,
            entries: head.seq,
            head: head.prev,
            forgotten: self.0.clock.now(),
            by: by.clone(),
        };
        let bytes =
            serde_json::to_vec(&tombstone).map_err(|e| EngineError::Damaged(e.to_string()))?;
        store.sync(store.forget(run, &bytes)?)?;
        Ok(tombstone)
    }

    /// Removes the texts of runbooks that no run names. A run that begins puts its text first and
    /// its entry then: it must not happen in between.
    fn remove_unused_texts(&self) -> Result<(), EngineError> {
        let store = &self.0.store;
        let _nothing_begins = self.0.texts.write().unwrap_or_else(PoisonError::into_inner);
        let mut used = HashSet::new();
        for (run, _) in store.summaries(false)? {
            let damaged = |e| EngineError::Damaged(format!("{run}: {e}"));
            for entry in Chain::over(store.first(&run)?) {
                if let Body::Created(created) = entry.map_err(damaged)?.body {
                    used.insert(created.text);
                }
            }
        }
        for name in store.value_names()? {
            if is_hash(&name) && !used.contains(&name) {
                store.remove_value(&name)?;
            }
        }
        Ok(store.sync(store.end())?)
    }
}

/// Texts are kept under their hash; all other values have words for names.
fn is_hash(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
