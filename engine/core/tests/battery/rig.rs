//! An engine over a memory store that can crash, and a world that stays.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};
use windlass_engine::clock::SimClock;
use windlass_engine::engine::{Engine, Options};
use windlass_engine::id::RunId;
use windlass_engine::journal::{End, Journals, Origin};
use windlass_engine::run::{Outcome, Point, Points};
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys, Secret};
use windlass_stores::MemoryStore;

use crate::world::World;

/// A runbook with every kind of call, a branch, and a pivot. It goes from `{old}` to `NEW`.
pub const RUNBOOK: &str = r#"//! title = "battery"
//! locks = ["thing:old"]
let a = thing::make(#{ name: "a" });
if thing::look(#{ name: "a" }) {
    parallel(["x", "y", "z"], 2, |name| {
        let made = thing::make(#{ name: name });
        thing::watch(#{ ms: 5000 });
    });
}
thing::make(#{ name: "tmp" });
thing::destroy(#{ name: "old" });
thing::make(#{ name: "final" });
thing::destroy(#{ name: "tmp" });
"#;

pub const OLD: [&str; 1] = ["old"];
pub const NEW: [&str; 5] = ["a", "final", "x", "y", "z"];

pub struct Rig {
    pub world: World,
    pub runtime: Runtime,
    pub store: Arc<MemoryStore>,
    pub points: Option<Points>,
    /// Outlive the engine, as files do.
    pub keys: Arc<MemoryKeys>,
}

impl Rig {
    pub fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let store = Arc::new(MemoryStore::new());
        Rig { world: World::with(&OLD), runtime, store, points: None, keys: Arc::default() }
    }

    pub fn engine(&self) -> Engine {
        Engine::open(Options {
            store: self.store.clone(),
            keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(self.keys.clone())),
            steps: self.world.steps(),
            clock: Arc::new(SimClock::at(1_000)),
            runtime: self.runtime.handle().clone(),
            process: somebody(),
            version: "test".to_owned(),
            points: self.points.clone(),
        })
        .unwrap()
    }

    pub fn runbook(&self, text: &str) -> Runbook {
        Runbook::compile("battery.rhai", text, &self.world.steps()).unwrap()
    }

    /// Begins a run of `text` and drives it as far as it goes.
    pub fn run(&self, text: &str) -> (RunId, Outcome) {
        self.run_with(text, Vec::new())
    }

    pub fn run_with(&self, text: &str, secrets: Vec<(String, Secret)>) -> (RunId, Outcome) {
        let handle = self.engine().start(&self.runbook(text), &somebody(), &[], secrets).unwrap();
        let run = handle.run.clone();
        (run, self.runtime.block_on(handle.outcome()))
    }

    pub fn resume(&self, run: &RunId) -> Outcome {
        let handle = self.engine().resume(run, &somebody()).unwrap();
        self.runtime.block_on(handle.outcome())
    }

    /// The machine loses power: of the writes not synced, only the first `kept` are on disk.
    pub fn crash(&mut self, kept: usize) {
        self.store = Arc::new(self.store.crash(kept));
    }

    /// The process dies when it reaches a point for the `nth` time (from 0), of whatever kind.
    pub fn die_at(&mut self, nth: usize) -> Arc<AtomicUsize> {
        let reached = Arc::new(AtomicUsize::new(0));
        let count = reached.clone();
        self.points = Some(Arc::new(move |_: Point, _, _| {
            if count.fetch_add(1, Ordering::SeqCst) >= nth {
                // Every thread of the process dies with it.
                panic_any(Death);
            }
        }));
        reached
    }

    pub fn is_all_new(&self) -> bool {
        self.world.names() == NEW
    }

    pub fn is_all_old(&self) -> bool {
        self.world.names() == OLD
    }

    /// The oracle: the run is over, and the world is as that end says.
    pub fn assert_whole(&self, outcome: &Outcome, what: &str) {
        let whole = match outcome {
            Outcome::Finished(End::Done) => self.is_all_new(),
            Outcome::Finished(End::Undone | End::Cancelled) => self.is_all_old(),
            _ => false,
        };
        assert!(whole, "{what}: {outcome:?} with {:?}", self.world.names());
        let open = self.store.summaries(true).unwrap();
        assert!(open.is_empty(), "{what}: locks are still held");
    }
}

/// The panic of a process that was killed.
pub struct Death;

/// Keeps deaths that a test asked for out of its output.
pub fn silence_deaths() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let asked_for = panic.payload().is::<Death>()
                || panic.payload().downcast_ref::<&str>() == Some(&"a scoped thread panicked");
            if !asked_for {
                hook(panic);
            }
        }));
    });
}

/// Whoever asks, where it does not matter who.
pub fn somebody() -> Origin {
    Origin { user: "ada".to_owned(), ..Origin::default() }
}
