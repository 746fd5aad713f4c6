//! Keeping house: what is forgotten, what stays, and copies that are made while runs go on.

#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

mod backup;
mod evidence;
mod prune;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use windlass_engine::clock::{Clock, SimClock};
use windlass_engine::engine::{Engine, Options};
use windlass_engine::id::RunId;
use windlass_engine::journal::{Body, ChainHead, Created, Journals, Origin, Values, text_hash};
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_engine::step::Registry;
use windlass_stores::MemoryStore;

/// Runs with the same lock can't be open at the same time.
const TEXT: &str = "//! title = \"A note\"\n//! locks = [\"the lock\"]\nlet x = 1;\n";

/// Whoever asks, where it does not matter who.
fn somebody() -> Origin {
    Origin { user: "ada".to_owned(), ..Origin::default() }
}

struct Place {
    engine: Engine,
    store: Arc<MemoryStore>,
    keys: Arc<MemoryKeys>,
    clock: Arc<SimClock>,
}

impl Place {
    fn new() -> Self {
        let (store, keys) = (Arc::new(MemoryStore::new()), Arc::new(MemoryKeys::default()));
        let clock = Arc::new(SimClock::at(1_800_000_000_000));
        let engine = Engine::open(Options {
            store: store.clone(),
            keyring: Keyring::new(MasterKey::from_bytes([5; 32]), Box::new(keys.clone())),
            steps: Registry::default(),
            clock: clock.clone(),
            runtime: tokio::runtime::Handle::current(),
            process: somebody(),
            version: "0.1.0".to_owned(),
            points: None,
        });
        Place { engine: engine.unwrap(), store, keys, clock }
    }

    /// Makes a run that is over, and lets a day go by.
    async fn a_run(&self, text: &str) -> RunId {
        let runbook = Runbook::compile("note.rhai", text, self.engine.steps()).unwrap();
        let handle = self.engine.start(&runbook, &somebody(), &[], Vec::new()).unwrap();
        let run = handle.run.clone();
        handle.outcome().await;
        self.clock.advance(Duration::from_secs(86_400));
        run
    }

    /// Puts a run there that was interrupted.
    fn an_open_run(&self, name: &str, text: &str) -> RunId {
        let run = RunId::from(name);
        self.store.put_value(&text_hash(text.as_bytes()), text.as_bytes()).unwrap();
        let created = Created {
            run: run.clone(),
            runbook: "note.rhai".to_owned(),
            title: "A note".to_owned(),
            text: text_hash(text.as_bytes()),
            params: Map::new(),
            sealed: BTreeMap::new(),
            locks: Vec::new(),
            place: String::new(),
            identity: None,
            by: Origin::default(),
            version: "0.1.0".to_owned(),
            cause: None,
            language: windlass_engine::journal::Language::FIRST,
        };
        let now = self.clock.now();
        let created = Body::Created(Box::new(created));
        let (_, record) = ChainHead::default().push(now, 1, created).unwrap();
        self.store.append(&run, 0, &record).unwrap();
        self.store.put_summary(&run, true, b"").unwrap();
        run
    }
}
