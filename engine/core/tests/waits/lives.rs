//! Runs beside each other: what one of them reads, and that a slow one holds nobody up.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};

use tokio::sync::watch;
use windlass_engine::engine::{Approved, Engine, RunHandle};
use windlass_engine::event::Status;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Durable, End, Journals, Lease, Position, StoreError, Values};
use windlass_engine::run::Outcome;
use windlass_engine::runbook::Runbook;
use windlass_stores::MemoryStore;

use crate::rig::{Rig, by, somebody, until};

/// A store that counts what is read, and that can be slow with one run.
struct Watched {
    store: MemoryStore,
    seen: Mutex<Seen>,
    moved: Condvar,
}

#[derive(Default)]
struct Seen {
    journals: HashMap<RunId, usize>,
    texts: usize,
    slow: Option<RunId>,
    held: usize,
}

impl Watched {
    fn new() -> Arc<Self> {
        let (seen, moved) = (Mutex::default(), Condvar::new());
        Arc::new(Watched { store: MemoryStore::new(), seen, moved })
    }

    /// Forgets what was counted, and returns it: journals of that run, and texts of runbooks.
    fn count(&self, run: &RunId) -> (usize, usize) {
        let mut seen = self.seen.lock().unwrap();
        (seen.journals.remove(run).unwrap_or_default(), std::mem::take(&mut seen.texts))
    }

    fn be_slow_with(&self, run: Option<&RunId>) {
        self.seen.lock().unwrap().slow = run.cloned();
        self.moved.notify_all();
    }

    fn holds(&self) -> bool {
        self.seen.lock().unwrap().held > 0
    }

    fn pass(&self, run: &RunId) {
        let mut seen = self.seen.lock().unwrap();
        seen.held += 1;
        seen = self.moved.wait_while(seen, |seen| seen.slow.as_ref() == Some(run)).unwrap();
        seen.held -= 1;
    }
}

impl Durable for Watched {
    fn sync(&self, position: Position) -> Result<(), StoreError> {
        // Threads of runs have their names.
        let slow = self.seen.lock().unwrap().slow.clone();
        let here = std::thread::current();
        if let Some(run) = slow.filter(|run| here.name() == Some(&run.to_string())) {
            self.pass(&run);
        }
        self.store.sync(position)
    }

    fn end(&self) -> Position {
        self.store.end()
    }

    fn failures(&self) -> watch::Receiver<Option<String>> {
        self.store.failures()
    }
}

impl Journals for Watched {
    fn append(&self, run: &RunId, seq: u64, record: &[u8]) -> Result<Position, StoreError> {
        self.pass(run);
        self.store.append(run, seq, record)
    }

    fn read(&self, run: &RunId) -> Result<Vec<Vec<u8>>, StoreError> {
        *self.seen.lock().unwrap().journals.entry(run.clone()).or_default() += 1;
        self.pass(run);
        self.store.read(run)
    }

    fn count(&self, run: &RunId) -> Result<u64, StoreError> {
        self.store.count(run)
    }

    fn first(&self, run: &RunId) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.first(run)
    }

    fn forget(&self, run: &RunId, tombstone: &[u8]) -> Result<Position, StoreError> {
        self.store.forget(run, tombstone)
    }

    fn tombstones(&self) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        self.store.tombstones()
    }

    fn put_summary(&self, run: &RunId, open: bool, text: &[u8]) -> Result<Position, StoreError> {
        self.store.put_summary(run, open, text)
    }

    fn summaries(&self, open_only: bool) -> Result<Vec<(RunId, Vec<u8>)>, StoreError> {
        self.store.summaries(open_only)
    }
}

impl Values for Watched {
    fn put_value(&self, name: &str, value: &[u8]) -> Result<Position, StoreError> {
        self.store.put_value(name, value)
    }

    fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.seen.lock().unwrap().texts += 1;
        self.store.value(name)
    }

    fn remove_value(&self, name: &str) -> Result<Position, StoreError> {
        self.store.remove_value(name)
    }

    fn values(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.store.values(prefix, after, limit)
    }

    fn value_names(&self) -> Result<Vec<String>, StoreError> {
        self.store.value_names()
    }
}

impl Lease for Watched {
    fn is_held(&self) -> bool {
        self.store.is_held()
    }

    fn epoch(&self) -> u64 {
        self.store.epoch()
    }
}

fn start(engine: &Engine, script: &str) -> RunHandle {
    let text = format!("//! title = \"lives\"\n{script}");
    let runbook = Runbook::compile("lives.rhai", &text, engine.steps()).unwrap();
    engine.start(&runbook, &somebody(), &[], Vec::new()).unwrap()
}

fn asking(engine: &Engine) -> RunHandle {
    let asks = start(engine, "approve(#{ text: \"go on?\" });");
    until("it asks", || engine.is_put_away(&asks.run));
    asks
}

#[test]
fn a_look_of_a_run_that_waits_reads_its_journal_once_and_compiles_nothing() {
    let (rig, store) = (Rig::new(), Watched::new());
    let engine = rig.engine_over(&store);
    let looks =
        "wait_until(#{ every: \"1m\", timeout: \"1h\" }, || thing::look(#{ name: \"a\" }));";
    let waits = start(&engine, looks);
    until("it waits", || engine.is_put_away(&waits.run));
    store.count(&waits.run);
    for _ in 0..3 {
        rig.clock.minutes(1);
        until("it has looked", || {
            store.seen.lock().unwrap().journals.contains_key(&waits.run)
                && engine.is_put_away(&waits.run)
        });
        assert_eq!(store.count(&waits.run), (1, 0), "journals and texts read");
    }
}

#[test]
fn an_approval_reads_the_journal_once() {
    let (rig, store) = (Rig::new(), Watched::new());
    let engine = rig.engine_over(&store);
    let asks = asking(&engine);
    store.count(&asks.run);
    let approved = rig.runtime.block_on(engine.approve(&asks.run, None, &by("ben"), None));
    assert_eq!(approved.unwrap(), Approved::Enough);
    let run = asks.run.clone();
    assert_eq!(rig.runtime.block_on(asks.outcome()), Outcome::Finished(End::Done));
    assert_eq!(store.count(&run), (1, 0), "journals and texts read");
}

/// All that others do goes on while the store is slow with a run: in its thread, when it is read
/// again, and while somebody answers it.
#[test]
fn a_store_that_is_slow_with_one_run_holds_nobody_else_up() {
    let (rig, store) = (Rig::new(), Watched::new());
    let engine = rig.engine_over(&store);
    let others_go_on = |slow: &RunId| {
        until("it is held", || store.holds());
        let asks = asking(&engine);
        let listed = engine.runs(true).unwrap();
        assert!(listed.iter().any(|run| run.run == *slow), "{listed:?}");
        assert!(listed.iter().any(|run| run.run == asks.run && run.status == Status::Waiting));
        let approved = rig.runtime.block_on(engine.approve(&asks.run, None, &by("ben"), None));
        assert_eq!(approved.unwrap(), Approved::Enough);
        assert_eq!(rig.runtime.block_on(asks.outcome()), Outcome::Finished(End::Done));
        assert!(store.holds(), "it was held all the while");
        store.be_slow_with(None);
    };

    let sleeps = start(&engine, "sleep(\"1h\"); thing::make(#{ name: \"a\" });");
    until("it sleeps", || engine.is_put_away(&sleeps.run));
    let slow = sleeps.run.clone();
    store.be_slow_with(Some(&slow));
    // It is read to go on.
    rig.clock.minutes(60);
    others_go_on(&slow);
    assert_eq!(rig.runtime.block_on(sleeps.outcome()), Outcome::Finished(End::Done));

    // Somebody answers it, and then it goes on.
    let asks = asking(&engine);
    let slow = asks.run.clone();
    store.be_slow_with(Some(&slow));
    std::thread::scope(|scope| {
        let answer = scope
            .spawn(|| rig.runtime.block_on(engine.approve(&slow, None, &by("ben"), None)).unwrap());
        others_go_on(&slow);
        assert_eq!(answer.join().unwrap(), Approved::Enough);
    });
    assert_eq!(rig.runtime.block_on(asks.outcome()), Outcome::Finished(End::Done));
}
