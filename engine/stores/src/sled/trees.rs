//! What is kept where in sled. Every method may panic, and is called under a guard.

use std::collections::HashSet;
use std::path::Path;

use sled::{Db, IVec, Tree};

use super::parts;
use windlass_journal::id::RunId;

/// Memory for sled's page cache, in bytes. Journals are written once and read at resume.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// What sled answers; inside, what is wrong with what it kept.
pub(super) type Kept<T> = sled::Result<Result<T, String>>;

pub(super) const ENTRIES: u8 = b'e';
pub(super) const SUMMARIES: u8 = b's';
const VALUES: u8 = b'v';
pub(super) const TOMBSTONES: u8 = b't';

/// The open database.
pub(super) struct Trees {
    db: Db,
    pub(super) entries: Tree,
    pub(super) summaries: Tree,
    pub(super) open: Tree,
    values: Tree,
    pub(super) tombstones: Tree,
    pub(super) leaving: Tree,
    pub(super) parts: Tree,
}

impl Trees {
    pub(super) fn open(path: &Path) -> sled::Result<Self> {
        let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES);
        let db = config.flush_every_ms(None).open()?;
        Ok(Trees {
            entries: db.open_tree("entries")?,
            summaries: db.open_tree("summaries")?,
            open: db.open_tree("open")?,
            values: db.open_tree("values")?,
            tombstones: db.open_tree("tombstones")?,
            leaving: db.open_tree("leaving")?,
            parts: db.open_tree("parts")?,
            db,
        })
    }

    pub(super) fn is_corruption(error: &sled::Error) -> bool {
        matches!(error, sled::Error::Corruption { .. })
    }

    pub(super) fn flush(&self) -> Kept<()> {
        self.db.flush()?;
        Ok(Ok(()))
    }

    pub(super) fn append(&self, run: &RunId, seq: u64, record: &[u8]) -> Kept<()> {
        self.put(&self.entries, ENTRIES, &entry_key(run, seq), record)
    }

    pub(super) fn read(&self, run: &RunId) -> Kept<Vec<Vec<u8>>> {
        let read = self.read_entries(run)?;
        // Asked afterwards: a run that is forgotten meanwhile is not damaged.
        if self.is_forgotten(run)? == Ok(true) { Ok(Ok(Vec::new())) } else { Ok(read) }
    }

    fn read_entries(&self, run: &RunId) -> Kept<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        for kept in self.entries.scan_prefix(entry_prefix(run)) {
            let (key, kept) = kept?;
            if seq_of(&key) != Some(records.len() as u64) {
                return Ok(Err(format!("{run} has lost its entry {}", records.len())));
            }
            match self.get(ENTRIES, &key, &kept)? {
                Ok(record) => records.push(record),
                Err(problem) => {
                    return Ok(Err(format!("entry {} of {run}: {problem}", records.len())));
                }
            }
        }
        if self.last(run)? != (records.len() as u64).checked_sub(1) {
            return Ok(Err(format!("{run} has lost its entry {}", records.len())));
        }
        Ok(Ok(records))
    }

    pub(super) fn first(&self, run: &RunId) -> Kept<Option<Vec<u8>>> {
        let key = entry_key(run, 0);
        match self.entries.get(&key)? {
            Some(_) if self.is_forgotten(run)? == Ok(true) => Ok(Ok(None)),
            Some(kept) => Ok(self.get(ENTRIES, &key, &kept)?.map(Some)),
            None => Ok(Ok(None)),
        }
    }

    /// Returns how many entries a run has, or nothing if it was forgotten.
    ///
    /// Damage can leave a tree in which a walk does not come by what a search finds: both are asked.
    pub(super) fn length(&self, run: &RunId) -> Kept<Option<u64>> {
        if self.is_forgotten(run)? == Ok(true) {
            return Ok(Ok(None));
        }
        let mut length = 0;
        for key in self.entries.scan_prefix(entry_prefix(run)).keys() {
            if seq_of(&key?) != Some(length) {
                return Ok(Err(format!("{run} has lost its entry {length}")));
            }
            length += 1;
        }
        if self.last(run)? != length.checked_sub(1) {
            return Ok(Err(format!("{run} has lost its entry {length}")));
        }
        Ok(Ok(Some(length)))
    }

    /// Returns the same from the last entry alone: whether all before it are there is found out by
    /// those who read or append.
    pub(super) fn count(&self, run: &RunId) -> Kept<u64> {
        Ok(Ok(self.last(run)?.map_or(0, |last| last + 1)))
    }

    fn last(&self, run: &RunId) -> sled::Result<Option<u64>> {
        let last = self.entries.scan_prefix(entry_prefix(run)).next_back();
        last.map_or(Ok(None), |last| Ok(seq_of(&last?.0)))
    }

    /// Returns the runs that have a summary, or those that are open.
    pub(super) fn runs(&self, open_only: bool) -> Kept<HashSet<RunId>> {
        let tree = if open_only { &self.open } else { &self.summaries };
        let runs = tree.iter().keys().map(|key| Ok(run_of(&key?)));
        Ok(Ok(runs.collect::<sled::Result<_>>()?))
    }

    pub(super) fn put_summary(&self, run: &RunId, open: bool, summary: &[u8]) -> Kept<()> {
        let key = run.as_str().as_bytes();
        if open {
            self.open.insert(key, &[])?;
        } else {
            self.open.remove(key)?;
        }
        self.put(&self.summaries, SUMMARIES, key, summary)
    }

    pub(super) fn summaries(&self, open_only: bool) -> Kept<Vec<(RunId, Vec<u8>)>> {
        let tree = if open_only { &self.open } else { &self.summaries };
        let mut found = Vec::new();
        for key in tree.iter().keys() {
            let key = key?;
            let run = run_of(&key);
            if self.leaving.contains_key(&key)? && self.tombstones.contains_key(&key)? {
                continue;
            }
            let summary = match self.summaries.get(&key)? {
                // A summary is derived; one that is not whole is as good as none.
                Some(kept) => self.get(SUMMARIES, &key, &kept)?.unwrap_or_default(),
                None => Vec::new(),
            };
            found.push((run, summary));
        }
        Ok(Ok(found))
    }

    pub(super) fn put_value(&self, name: &str, value: &[u8]) -> Kept<()> {
        self.put(&self.values, VALUES, name.as_bytes(), value)
    }

    pub(super) fn value(&self, name: &str) -> Kept<Option<Vec<u8>>> {
        let Some(kept) = self.values.get(name)? else { return Ok(Ok(None)) };
        let value = self.get(VALUES, name.as_bytes(), &kept)?;
        Ok(value.map(Some).map_err(|problem| format!("the value `{name}`: {problem}")))
    }

    /// Forgets a value. The parts of a long one go after it: a crash leaves parts that nobody names.
    pub(super) fn remove_value(&self, name: &str) -> Kept<()> {
        if let Some(kept) = self.values.remove(name)? {
            for key in parts::keys(VALUES, name.as_bytes(), &kept) {
                self.parts.remove(key)?;
            }
        }
        Ok(Ok(()))
    }

    pub(super) fn values(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Kept<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        for kept in self.values.range(prefix.max(after)..) {
            let (key, kept) = kept?;
            if found.len() == limit || !key.starts_with(prefix.as_bytes()) {
                break;
            }
            let name = String::from_utf8_lossy(&key).into_owned();
            if !after.is_empty() && name == after {
                continue;
            }
            match self.get(VALUES, &key, &kept)? {
                Ok(value) => found.push((name, value)),
                Err(problem) => return Ok(Err(format!("the value `{name}`: {problem}"))),
            }
        }
        Ok(Ok(found))
    }

    pub(super) fn value_names(&self) -> Kept<Vec<String>> {
        let names = self.values.iter().keys();
        let names = names.map(|key| Ok(String::from_utf8_lossy(&key?).into_owned()));
        Ok(Ok(names.collect::<sled::Result<_>>()?))
    }

    pub(super) fn put(&self, tree: &Tree, id: u8, key: &[u8], value: &[u8]) -> Kept<()> {
        let keep = |key, part: &[u8]| self.parts.insert::<Vec<u8>, _>(key, part).map(drop);
        let kept = parts::split(id, key, value, keep)?;
        tree.insert(key, kept)?;
        Ok(Ok(()))
    }

    pub(super) fn get(&self, id: u8, key: &[u8], kept: &IVec) -> Kept<Vec<u8>> {
        parts::join(id, key, kept, |part| Ok(self.parts.get(part)?.map(|bytes| bytes.to_vec())))
    }
}

pub(super) fn entry_prefix(run: &RunId) -> Vec<u8> {
    [run.as_str().as_bytes(), &[0]].concat()
}

fn entry_key(run: &RunId, seq: u64) -> Vec<u8> {
    [run.as_str().as_bytes(), &[0], &seq.to_be_bytes()].concat()
}

pub(super) fn run_of(key: &[u8]) -> RunId {
    RunId::from(String::from_utf8_lossy(key).as_ref())
}

fn seq_of(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|seq| u64::from_be_bytes(*seq))
}
