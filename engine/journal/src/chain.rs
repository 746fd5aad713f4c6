//! Writing and reading the chain of records of one run.
//!
//! Whether a record follows the one before it is asked here and nowhere else: by those who read a
//! journal ([`Chain`]), an export, or evidence. They differ in what they do about one that does not.

use serde::Deserialize;

use super::{Body, Entry, FORMAT, Hash, text_hash};
use crate::clock::Millis;

/// The end of a chain, to which the next record is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// The sequence number of the next record.
    pub seq: u64,
    /// Hash of the last record; of nothing, at the beginning.
    pub prev: Hash,
}

impl Default for ChainHead {
    fn default() -> Self {
        ChainHead { seq: 0, prev: text_hash(b"") }
    }
}

impl ChainHead {
    /// Returns the next entry and its record, and moves on.
    ///
    /// # Errors
    /// If the body can't be written as JSON.
    pub fn push(
        &mut self,
        at: Millis,
        epoch: u64,
        body: Body,
    ) -> Result<(Entry, Vec<u8>), serde_json::Error> {
        let entry = Entry { v: FORMAT, seq: self.seq, at, epoch, prev: self.prev.clone(), body };
        let record = serde_json::to_vec(&entry)?;
        self.pass(&record);
        Ok((entry, record))
    }

    /// Reads the record that is to come next. Whether it follows is not looked at.
    ///
    /// # Errors
    /// If it is unreadable, or of a later version.
    pub fn read(&self, record: &[u8]) -> Result<Entry, ChainError> {
        let seq = self.seq;
        let unreadable =
            |e: serde_json::Error| ChainError::Unreadable { seq, problem: e.to_string() };
        let version: Version = serde_json::from_slice(record).map_err(unreadable)?;
        if version.v > FORMAT {
            return Err(ChainError::TooNew { seq, found: version.v });
        }
        serde_json::from_slice(record).map_err(unreadable)
    }

    /// Moves on to a record that says `seq` and `prev` of itself.
    ///
    /// # Errors
    /// If it does not follow; the head is then where it was.
    pub fn follow(&mut self, seq: u64, prev: &str, record: &[u8]) -> Result<(), ChainError> {
        if seq != self.seq || prev != self.prev {
            return Err(ChainError::Broken { seq: self.seq });
        }
        self.pass(record);
        Ok(())
    }

    /// Moves on to a record, whether it follows or not.
    pub fn pass(&mut self, record: &[u8]) {
        *self = ChainHead { seq: self.seq + 1, prev: text_hash(record) };
    }
}

/// Why a chain can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A record was written by a later version.
    #[error(
        "entry {seq} has format {found}, and this version reads up to {FORMAT}: use a newer windlass"
    )]
    TooNew {
        /// Its place.
        seq: u64,
        /// Its format version.
        found: u32,
    },
    /// A record is not what a record looks like.
    #[error("entry {seq} is not readable: {problem}")]
    Unreadable {
        /// Its place.
        seq: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A record does not follow the one before: one of them was changed, or one is missing.
    #[error("entry {seq} does not follow the one before it: an entry was changed or removed")]
    Broken {
        /// The place of the record that does not fit.
        seq: u64,
    },
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// Reads a chain, entry by entry: a long journal as a whole would take hundreds of megabytes.
pub struct Chain<I> {
    records: I,
    head: ChainHead,
}

impl<I> Chain<I> {
    /// Begins to read.
    pub fn over<R>(records: impl IntoIterator<Item = R, IntoIter = I>) -> Self
    where
        I: Iterator<Item = R>,
    {
        Chain { records: records.into_iter(), head: ChainHead::default() }
    }

    /// Returns the end of what has been read.
    pub fn head(self) -> ChainHead {
        self.head
    }

    fn read(&mut self, record: &[u8]) -> Result<Entry, ChainError> {
        let entry = self.head.read(record)?;
        self.head.follow(entry.seq, &entry.prev, record)?;
        Ok(entry)
    }
}

/// The first error is at a record that is unreadable or does not follow; nothing after it counts.
impl<R: AsRef<[u8]>, I: Iterator<Item = R>> Iterator for Chain<I> {
    type Item = Result<Entry, ChainError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        Some(self.read(record.as_ref()))
    }
}

/// Returns the entries of a chain, and its end.
///
/// # Errors
/// At the first record that is unreadable or does not follow.
pub fn read_chain<R: AsRef<[u8]>>(
    records: impl IntoIterator<Item = R>,
) -> Result<(Vec<Entry>, ChainHead), ChainError> {
    let mut chain = Chain::over(records);
    let entries = chain.by_ref().collect::<Result<_, _>>()?;
    Ok((entries, chain.head()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{End, Origin};

    fn chain() -> Vec<Vec<u8>> {
        let mut head = ChainHead::default();
        let bodies = [Body::Resumed { by: Origin::default() }, Body::Finished { end: End::Done }];
        bodies.into_iter().map(|body| head.push(1, 1, body).unwrap().1).collect()
    }

    #[test]
    fn a_chain_reads_back() {
        let (entries, head) = read_chain(chain()).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(head.seq, 2);
    }

    #[test]
    fn a_changed_record_shows_at_the_one_after_it() {
        let mut records = chain();
        records[0] = String::from_utf8(records[0].clone()).unwrap().replace(":1,", ":2,").into();
        assert!(read_chain(records).is_err());
        let mut records = chain();
        let text = String::from_utf8(records[0].clone()).unwrap();
        records[0] = text.replace("\"user\":\"\"", "\"user\":\"eve\"").into();
        assert!(matches!(read_chain(records), Err(ChainError::Broken { seq: 1 })));
    }

    #[test]
    fn a_missing_record_shows() {
        let records = chain().split_off(1);
        assert!(matches!(read_chain(records), Err(ChainError::Broken { seq: 0 })));
    }

    #[test]
    fn a_later_format_is_refused_by_its_number() {
        let record = br#"{"v":9,"what":"ever"}"#.to_vec();
        assert!(matches!(read_chain([record]), Err(ChainError::TooNew { seq: 0, found: 9 })));
    }
}
