//! Forgetting a run, so that a crash leaves the run or its tombstone, and never a part of the run.
//!
//! The tombstone is one value, and where it stands, the run is not there: reading, listing and
//! appending ask for it. Only then the entries are removed, which may take long. What a crash leaves
//! of them is removed at the next opening, by the list of runs that are `leaving`. sled brings its
//! log back up to some point, so that what was written first is there if what came later is.

use super::parts;
use super::trees::{ENTRIES, Kept, SUMMARIES, TOMBSTONES, Trees, entry_prefix, run_of};
use windlass_journal::id::RunId;

impl Trees {
    /// Puts a tombstone in the place of a run.
    pub(super) fn forget(&self, run: &RunId, tombstone: &[u8]) -> Kept<()> {
        let key = run.as_str().as_bytes();
        self.leaving.insert(key, &[])?;
        if let Err(problem) = self.put(&self.tombstones, TOMBSTONES, key, tombstone)? {
            return Ok(Err(problem));
        }
        self.remove_run(run)?;
        self.leaving.remove(key)?;
        Ok(Ok(()))
    }

    /// Removes what a crash left of runs that were being forgotten.
    pub(super) fn finish_forgetting(&self) -> Kept<()> {
        for key in self.leaving.iter().keys() {
            let key = key?;
            if self.tombstones.contains_key(&key)? {
                self.remove_run(&run_of(&key))?;
            }
            self.leaving.remove(&key)?;
        }
        Ok(Ok(()))
    }

    pub(super) fn is_forgotten(&self, run: &RunId) -> Kept<bool> {
        Ok(Ok(self.tombstones.contains_key(run.as_str())?))
    }

    pub(super) fn tombstones(&self) -> Kept<Vec<(RunId, Vec<u8>)>> {
        let mut found = Vec::new();
        for kept in self.tombstones.iter() {
            let (key, kept) = kept?;
            match self.get(TOMBSTONES, &key, &kept)? {
                Ok(tombstone) => found.push((run_of(&key), tombstone)),
                Err(problem) => {
                    return Ok(Err(format!("the tombstone of {}: {problem}", run_of(&key))));
                }
            }
        }
        Ok(Ok(found))
    }

    fn remove_run(&self, run: &RunId) -> sled::Result<()> {
        let key = run.as_str().as_bytes();
        self.open.remove(key)?;
        if let Some(kept) = self.summaries.remove(key)? {
            self.remove_parts(SUMMARIES, key, &kept)?;
        }
        for entry in self.entries.scan_prefix(entry_prefix(run)) {
            let (key, kept) = entry?;
            self.entries.remove(&key)?;
            self.remove_parts(ENTRIES, &key, &kept)?;
        }
        Ok(())
    }

    fn remove_parts(&self, id: u8, key: &[u8], kept: &[u8]) -> sled::Result<()> {
        parts::keys(id, key, kept)
            .into_iter()
            .try_for_each(|part| self.parts.remove(part).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_journal::{Durable, Journals};

    use crate::SledStore;

    fn with_a_run(path: &std::path::Path, run: &RunId) -> SledStore {
        let store = SledStore::open(path).unwrap();
        for seq in 0..5 {
            store.append(run, seq, &[7; 9_000]).unwrap();
        }
        store.put_summary(run, false, &[8; 9_000]).unwrap();
        store.sync(store.end()).unwrap();
        store
    }

    #[test]
    fn what_a_crash_left_of_a_forgotten_run_is_removed_at_the_next_opening() {
        let (directory, run) = (tempfile::tempdir().unwrap(), RunId::from("run_a"));
        let store = with_a_run(directory.path(), &run);
        let trees = store.trees.as_ref().unwrap();
        trees.leaving.insert(run.as_str(), &[]).unwrap();
        let key = run.as_str().as_bytes();
        trees.put(&trees.tombstones, TOMBSTONES, key, b"stone").unwrap().unwrap();
        assert!(store.read(&run).unwrap().is_empty());
        assert!(store.summaries(false).unwrap().is_empty());
        drop(store);

        let store = SledStore::open(directory.path()).unwrap();
        let trees = store.trees.as_ref().unwrap();
        for tree in [&trees.entries, &trees.summaries, &trees.parts, &trees.leaving] {
            assert_eq!(tree.len(), 0, "{:?}", tree.name());
        }
        assert_eq!(store.tombstones().unwrap(), [(run, b"stone".to_vec())]);
    }

    #[test]
    fn a_crash_before_the_tombstone_leaves_the_run_as_it_was() {
        let (directory, run) = (tempfile::tempdir().unwrap(), RunId::from("run_a"));
        let store = with_a_run(directory.path(), &run);
        store.trees.as_ref().unwrap().leaving.insert(run.as_str(), &[]).unwrap();
        drop(store);

        let store = SledStore::open(directory.path()).unwrap();
        assert_eq!(store.read(&run).unwrap().len(), 5);
        assert_eq!(store.summaries(false).unwrap(), [(run.clone(), vec![8; 9_000])]);
        store.forget(&run, b"stone").unwrap();
        assert!(store.read(&run).unwrap().is_empty());
    }
}
