//! Who has journals to show, to those who report on them or sign them.

use zeroize::Zeroizing;

use crate::Hash;
use crate::clock::Millis;
use crate::id::RunId;

/// Keeps journals, and what belongs to them: an engine, or a test.
///
/// What it returns is durable: what leaves the machine must not be ahead of the disk.
pub trait Archive {
    /// Why something can't be had.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Returns the records of a run, byte for byte; at least one.
    ///
    /// # Errors
    /// If there is no such run, or the store is damaged.
    fn records(&self, run: &RunId) -> Result<Vec<Vec<u8>>, Self::Error>;

    /// Returns the text of a runbook by its hash, if it is kept.
    ///
    /// # Errors
    /// If the store is damaged.
    fn text(&self, hash: &Hash) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Returns the error which says that a journal is not what was written.
    fn damaged(&self, problem: String) -> Self::Error;

    /// True if a process drives the run.
    fn is_driven(&self, run: &RunId) -> bool;

    /// Returns a key for a purpose of its own; it is the same as long as the master key is.
    fn derived_key(&self, purpose: &str) -> Zeroizing<[u8; 32]>;

    /// Returns the time.
    fn now(&self) -> Millis;

    /// Returns the version of windlass.
    fn version(&self) -> &str;
}
