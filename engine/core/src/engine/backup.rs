//! A copy of everything, while runs go on.
//!
//! The journals in it must make sense together: a run that took a lock over from another must not
//! be there beside the other as it was before. So the runs are listed before any is read: whatever
//! had to end before a listed run could begin had ended by then, and is read later. The keys are
//! read in between: one that is gone by then is of a run whose end is read afterwards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Engine, EngineError};
use crate::journal::{Bytes, Line};

/// Whoever takes the lines has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl Engine {
    /// Gives a copy of the store to `take`, line by line, without head and end; with the keys, if
    /// that is asked for. It is whole when this returns, and everything in it is durable here.
    ///
    /// # Errors
    /// If the store can't be read, runs are being forgotten, or nobody takes the lines.
    pub fn backup(
        &self,
        with_keys: bool,
        mut take: impl FnMut(Line) -> Result<(), Gone>,
    ) -> Result<(), EngineError> {
        let _alone = self.keep_alone()?;
        let store = &self.0.store;
        let mut take = |line| {
            let gone = |Gone| EngineError::NotNow("the backup was interrupted".to_owned());
            take(line).map_err(gone)
        };
        let runs = store.summaries(false)?;
        if with_keys {
            let keys = self.0.keyring.copy()?;
            take(Line::MasterKey { hex: keys.master })?;
            for (run, key) in keys.runs {
                let bytes = Bytes::Base64 { base64: STANDARD.encode(key) };
                take(Line::RunKey { run, bytes })?;
            }
        }
        for (run, _) in runs {
            for (seq, record) in (0..).zip(store.read(&run)?) {
                let text = String::from_utf8(record)
                    .map_err(|_| EngineError::Damaged(format!("{run}: entry {seq} is not text")))?;
                take(Line::Record { run: run.clone(), seq, text })?;
            }
        }
        for name in store.value_names()? {
            // The epoch belongs to a store, not to what is in it.
            if let (Some(value), true) = (store.value(&name)?, name != "epoch") {
                take(Line::Value { name, bytes: Bytes::of(value) })?;
            }
        }
        for (run, tombstone) in store.tombstones()? {
            take(Line::Tombstone { run, bytes: Bytes::of(tombstone) })?;
        }
        Ok(store.sync(store.end())?)
    }
}
