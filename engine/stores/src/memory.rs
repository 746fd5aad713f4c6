//! A store in memory, which can lose what was not synced: for tests and rehearsals.

use std::cmp::Ordering as Order;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use windlass_journal::id::RunId;
use windlass_journal::{Durable, Journals, Lease, Position, StoreError, Values};

/// One write.
#[derive(Debug, Clone)]
enum Write {
    Record(RunId, Vec<u8>),
    Summary(RunId, bool, Vec<u8>),
    Value(String, Vec<u8>),
    NoValue(String),
    Tombstone(RunId, Vec<u8>),
}

#[derive(Debug, Default, Clone)]
struct Inner {
    /// Every write in order: what a disk would get.
    writes: Vec<Write>,
    synced: usize,
    records: BTreeMap<RunId, Vec<Vec<u8>>>,
    summaries: BTreeMap<RunId, (bool, Vec<u8>)>,
    values: BTreeMap<String, Vec<u8>>,
    tombstones: BTreeMap<RunId, Vec<u8>>,
    fail_after: Option<usize>,
}

impl Inner {
    fn write(&mut self, write: Write) -> Result<Position, StoreError> {
        if self.fail_after.is_some_and(|limit| self.writes.len() >= limit) {
            return Err(StoreError::Io("the disk is full (a test said so)".to_owned()));
        }
        match &write {
            Write::Record(run, record) => {
                self.records.entry(run.clone()).or_default().push(record.clone());
            }
            Write::Summary(run, open, summary) => {
                self.summaries.insert(run.clone(), (*open, summary.clone()));
            }
            Write::Value(name, value) => {
                self.values.insert(name.clone(), value.clone());
            }
            Write::NoValue(name) => {
                self.values.remove(name);
            }
            Write::Tombstone(run, tombstone) => {
                self.records.remove(run);
                self.summaries.remove(run);
                self.tombstones.insert(run.clone(), tombstone.clone());
            }
        }
        self.writes.push(write);
        Ok(Position(self.writes.len() as u64))
    }

    fn not_forgotten(&self, run: &RunId) -> Result<(), StoreError> {
        match self.tombstones.contains_key(run) {
            true => Err(StoreError::Forgotten { run: run.clone() }),
            false => Ok(()),
        }
    }
}

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    epoch: u64,
    inner: Mutex<Inner>,
    reads: AtomicUsize,
}

impl MemoryStore {
    /// Returns an empty store, opened for the first time.
    pub fn new() -> Self {
        MemoryStore { epoch: 1, ..MemoryStore::default() }
    }

    /// Returns the store as it is found after a crash that lost all but the first `kept` of the
    /// writes not synced.
    pub fn crash(&self, kept: usize) -> MemoryStore {
        let inner = self.lock();
        let survive = (inner.synced + kept).min(inner.writes.len());
        let mut after = Inner::default();
        for write in &inner.writes[..survive] {
            after.write(write.clone()).unwrap_or_default();
        }
        after.synced = survive;
        MemoryStore { epoch: self.epoch + 1, inner: Mutex::new(after), ..MemoryStore::default() }
    }

    /// Returns how many writes are not synced.
    pub fn unsynced(&self) -> usize {
        let inner = self.lock();
        inner.writes.len() - inner.synced
    }

    /// Returns how many journals have been read.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// Makes every write fail from the `n`th on.
    pub fn fail_after(&self, n: usize) {
        self.lock().fail_after = Some(n);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Durable for MemoryStore {
    fn sync(&self, position: Position) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let target = usize::try_from(position.0).unwrap_or(usize::MAX).min(inner.writes.len());
        inner.synced = inner.synced.max(target);
        Ok(())
    }

    fn end(&self) -> Position {
        Position(self.lock().writes.len() as u64)
    }
}

impl Journals for MemoryStore {
    fn append(&self, run: &RunId, seq: u64, record: &[u8]) -> Result<Position, StoreError> {
        let mut inner = self.lock();
        inner.not_forgotten(run)?;
        let length = inner.records.get(run).map_or(0, Vec::len) as u64;
        match seq.cmp(&length) {
            Order::Less => Err(StoreError::Conflict { run: run.clone(), seq }),
            Order::Greater => Err(StoreError::Gap { run: run.clone(), seq }),
            Order::Equal => inner.write(Write::Record(run.clone(), record.to_vec())),
        }
    }

    fn read(&self, run: &RunId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self.lock().records.get(run).cloned().unwrap_or_default())
    }

    fn count(&self, run: &RunId) -> Result<u64, StoreError> {
        Ok(self.lock().records.get(run).map_or(0, Vec::len) as u64)
    }

    fn first(&self, run: &RunId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().records.get(run).and_then(|records| records.first().cloned()))
    }

    fn forget(&self, run: &RunId, tombstone: &[u8]) -> Result<Position, StoreError> {
        let mut inner = self.lock();
        inner.not_forgotten(run)?;
        inner.write(Write::Tombstone(run.clone(), tombstone.to_vec()))
    }

    fn tombstones(&self) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        let inner = self.lock();
        Ok(inner.tombstones.iter().map(|(run, stone)| (run.clone(), stone.clone())).collect())
    }

    fn put_summary(&self, run: &RunId, open: bool, summary: &[u8]) -> Result<Position, StoreError> {
        let mut inner = self.lock();
        inner.not_forgotten(run)?;
        inner.write(Write::Summary(run.clone(), open, summary.to_vec()))
    }

    fn summaries(&self, open_only: bool) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        let inner = self.lock();
        let wanted = inner.summaries.iter().filter(|(_, (open, _))| *open || !open_only);
        Ok(wanted.map(|(run, (_, summary))| (run.clone(), summary.clone())).collect())
    }
}

impl Values for MemoryStore {
    fn put_value(&self, name: &str, value: &[u8]) -> Result<Position, StoreError> {
        self.lock().write(Write::Value(name.to_owned(), value.to_vec()))
    }

    fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().values.get(name).cloned())
    }

    fn remove_value(&self, name: &str) -> Result<Position, StoreError> {
        self.lock().write(Write::NoValue(name.to_owned()))
    }

    fn values(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let inner = self.lock();
        let from = inner.values.range(prefix.max(after).to_owned()..);
        let named = from.take_while(|(name, _)| name.starts_with(prefix));
        let behind = named.filter(|(name, _)| name.as_str() > after || after.is_empty());
        Ok(behind.take(limit).map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    fn value_names(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.lock().values.keys().cloned().collect())
    }
}

impl Lease for MemoryStore {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn is_held(&self) -> bool {
        self.lock().fail_after.is_none()
    }
}
