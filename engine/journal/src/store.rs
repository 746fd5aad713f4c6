//! Where journals are kept.

use tokio::sync::watch;

use crate::id::RunId;

/// A moment in the life of a store: everything appended up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position(pub u64);

/// Why a store can't do what it should. A store that can't record stops the run.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store can't be opened or read: what was found, and the way out.
    #[error("the store in {place} is damaged: {problem}")]
    Damaged {
        /// Where it is, such as its directory.
        place: String,
        /// What was found.
        problem: String,
    },
    /// Another process has the store open.
    #[error("the store in {place} is in use by another process")]
    InUse {
        /// Where it is, such as its directory.
        place: String,
    },
    /// Another record stands where this one should go.
    #[error("{run} already has an entry {seq}: another process has written to it")]
    Conflict {
        /// The run.
        run: RunId,
        /// The sequence number that was expected to be free.
        seq: u64,
    },
    /// The record would leave a gap.
    #[error("{run} has no entry before {seq}: an append was lost")]
    Gap {
        /// The run.
        run: RunId,
        /// The sequence number of the record.
        seq: u64,
    },
    /// The run was forgotten.
    #[error("{run} was forgotten, and its name can't be reused")]
    Forgotten {
        /// The run.
        run: RunId,
    },
    /// The disk or the file system refuses. Nothing is recorded from here on.
    #[error("the store can't record: {0}")]
    Io(String),
}

/// What a store is asked to make durable.
///
/// The methods block: the engine calls them from threads of its own, where waiting for a disk or a
/// network is fine. All are safe to call from many threads. What [`append`](Journals::append) and the
/// `put` methods wrote is seen by later reads at once, and survives a crash of the process or of
/// the machine after a [`sync`](Durable::sync) up to its position has returned.
///
/// Implementations must tolerate: records of any size up to 16 MiB, thousands of runs, a process
/// killed at any instruction. After a failed sync they must refuse to go on, because nobody knows
/// which of the pages the operating system still has.
pub trait Durable: Send + Sync {
    /// Makes everything up to `position` durable. Calls that wait at the same time share one flush.
    ///
    /// # Errors
    /// If the disk refuses; the store is then closed to writers.
    fn sync(&self, position: Position) -> Result<(), StoreError>;

    /// Returns the end of what has been written. A sync up to it makes durable whatever was read
    /// before: what leaves the machine must not be ahead of the disk.
    fn end(&self) -> Position;

    /// Returns what tells when something could not be read or written, and why. It changes each time;
    /// a store that never tells has let go of the other end.
    fn failures(&self) -> watch::Receiver<Option<String>> {
        watch::channel(None).1
    }
}

/// Keeps journals, and what is derived of them.
pub trait Journals: Durable {
    /// Adds a record to a run as its entry `seq`. On return it is visible, and not yet durable.
    ///
    /// # Errors
    /// *Conflict* if that entry exists, *gap* if the one before does not, *forgotten* if the run was.
    fn append(&self, run: &RunId, seq: u64, record: &[u8]) -> Result<Position, StoreError>;

    /// Returns the records of a run in order; none, if there is no such run or it was forgotten.
    ///
    /// # Errors
    /// If the store is damaged.
    fn read(&self, run: &RunId) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Returns how many entries a run has, without reading them if that can be done.
    ///
    /// # Errors
    /// If the store is damaged.
    fn count(&self, run: &RunId) -> Result<u64, StoreError> {
        Ok(self.read(run)?.len() as u64)
    }

    /// Returns the first record of a run, which tells how it began, without reading the rest.
    ///
    /// # Errors
    /// If the store is damaged.
    fn first(&self, run: &RunId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Forgets a run, its entries and its summary; the tombstone stays in their place, and nothing
    /// can be written under that name again. One write decides: after a crash the run is there as
    /// it was, or its tombstone is, and never a part of the run. A run that is not there gets its
    /// tombstone all the same.
    ///
    /// # Errors
    /// *Forgotten* if it was before; or if the store can't write.
    fn forget(&self, run: &RunId, tombstone: &[u8]) -> Result<Position, StoreError>;

    /// Returns the tombstones of the runs that were forgotten, oldest run first.
    ///
    /// # Errors
    /// If the store is damaged.
    fn tombstones(&self) -> Result<Vec<(RunId, Vec<u8>)>, StoreError>;

    /// Replaces the summary kept for a run. It is derived from the journal, and may lag behind it;
    /// whether the run is open changes with an entry only, which is appended first.
    ///
    /// # Errors
    /// *Forgotten* if the run was; or if the store can't write.
    fn put_summary(&self, run: &RunId, open: bool, summary: &[u8]) -> Result<Position, StoreError>;

    /// Returns the summaries, oldest run first; of open runs only, or of all.
    ///
    /// # Errors
    /// If the store is damaged.
    fn summaries(&self, open_only: bool) -> Result<Vec<(RunId, Vec<u8>)>, StoreError>;
}

/// Keeps small values by name, beside the journals.
pub trait Values: Durable {
    /// Keeps a text or other small value under a name. Names are paths such as `notice/000017`, so
    /// that those who keep values beside the journals don't meet.
    ///
    /// # Errors
    /// If the store can't write.
    fn put_value(&self, name: &str, value: &[u8]) -> Result<Position, StoreError>;

    /// Returns the value kept under a name.
    ///
    /// # Errors
    /// If the store is damaged.
    fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Forgets the value kept under a name, if there is one.
    ///
    /// # Errors
    /// If the store can't write.
    fn remove_value(&self, name: &str) -> Result<Position, StoreError>;

    /// Returns the values whose names begin with `prefix` and come behind `after` (all, if empty),
    /// in the order of their names, `limit` of them at most.
    ///
    /// # Errors
    /// If the store is damaged.
    fn values(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Returns the names of all values.
    ///
    /// # Errors
    /// If the store is damaged.
    fn value_names(&self) -> Result<Vec<String>, StoreError>;
}

/// The right to write, which one process has at a time.
///
/// A store is handed out with the lease, and keeps it until it is dropped. Whoever opens the same store meanwhile is
/// refused (*in use*), or takes the lease over; all that the one before writes from then on is refused.
pub trait Lease: Send + Sync {
    /// Returns the number of this lease, which every entry carries: one more than that of the one
    /// before. It was durably raised before the store was handed out.
    fn epoch(&self) -> u64;

    /// True if this process may write: not once somebody else has taken the lease over, nor to a
    /// store that is broken or was opened to be read. What is lost does not come back.
    fn is_held(&self) -> bool;
}

/// All that an engine asks of a store. None of it speaks of where the store is: on a disk, in
/// memory, or on other machines. `conformance` in the crate of the stores tries what is promised.
pub trait JournalStore: Journals + Values + Lease {}

impl<S: Journals + Values + Lease + ?Sized> JournalStore for S {}
