//! Stores under test, and where they live.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use windlass_journal::id::{CallKey, RunId};
use windlass_journal::step::Kind;
use windlass_journal::{Body, CallHead, ChainHead, JournalStore, Position};
use windlass_stores::conformance::Home;
use windlass_stores::{MemoryStore, SledStore};

/// In memory, "again" is after a crash that lost whatever was not synced.
pub struct InMemory(Arc<MemoryStore>);

impl InMemory {
    pub fn new() -> Self {
        InMemory(Arc::new(MemoryStore::new()))
    }
}

impl Home for InMemory {
    fn store(&self) -> Arc<dyn JournalStore> {
        self.0.clone()
    }

    fn reopen(&mut self) {
        self.0 = Arc::new(self.0.crash(0));
    }
}

pub struct OnDisk {
    directory: tempfile::TempDir,
    store: Option<Arc<SledStore>>,
}

impl OnDisk {
    pub fn new() -> Self {
        let directory = scratch();
        let store = Some(Arc::new(SledStore::open(&directory.path().join("store")).unwrap()));
        OnDisk { directory, store }
    }
}

impl Home for OnDisk {
    fn store(&self) -> Arc<dyn JournalStore> {
        self.store.clone().unwrap()
    }

    fn reopen(&mut self) {
        let store = Arc::into_inner(self.store.take().unwrap());
        drop(store.expect("somebody still holds the store"));
        let store = SledStore::open(&self.directory.path().join("store")).unwrap();
        self.store = Some(Arc::new(store));
    }
}

/// Returns a directory on a real disk: on a tmpfs a sync means nothing.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A run whose records form a chain, as the engine writes them.
#[derive(Default)]
pub struct Chain(ChainHead);

impl Chain {
    /// Appends an entry that holds about `length` bytes, and returns its number with its position.
    pub fn append(
        &mut self,
        store: &dyn JournalStore,
        run: &RunId,
        length: usize,
    ) -> (u64, Position) {
        let seq = self.0.seq;
        let args = json!({ "text": "x".repeat(length) });
        let head = CallHead { step: "thing.make".to_owned(), kind: Kind::Change, args };
        let key = CallKey::ROOT.child(u32::try_from(seq).unwrap() + 1);
        let body = Body::Intended { key, head, attempt: 1, base: json!(null), says: "make".into() };
        let (_, record) = self.0.push(1, store.epoch(), body).unwrap();
        (seq, store.append(run, seq, &record).unwrap())
    }
}

/// Copies the files of a store, as they are at this moment.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
