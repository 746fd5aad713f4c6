//! Where one pass is played: what outlives a process that is killed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use windlass_engine::engine::{Engine, EngineError, Options};
use windlass_engine::run::Points;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_engine::step::Registry;
use windlass_lab::simulated::Simulated;
use windlass_stores::MemoryStore;
use windlass_swarm::docker::{Answer, Daemon, Swarm};

use crate::clock::SwarmClock;
use crate::people::operator;

/// A simulated swarm, its clock, and the disk of a process.
pub(crate) struct Stage {
    /// The swarm.
    pub(crate) swarm: Simulated,
    /// Its clock.
    pub(crate) clock: Arc<SwarmClock>,
    store: Mutex<Arc<MemoryStore>>,
    keys: Arc<MemoryKeys>,
    runtime: Handle,
    steps: fn(Swarm) -> Registry,
}

/// The swarm as the daemon that a process asks.
struct Manager(Simulated);

impl Daemon for Manager {
    fn ask(&self, method: &str, target: &str, call: Option<&str>, body: &[u8]) -> Option<Answer> {
        let (status, pieces) = self.0.ask(method, target, call, body)?;
        Some(Answer { status, pieces })
    }
}

impl Stage {
    /// Sets up a copy of a swarm.
    pub(crate) fn of(swarm: &Simulated, runtime: &Handle, steps: fn(Swarm) -> Registry) -> Self {
        let swarm = swarm.fork();
        Stage {
            clock: Arc::new(SwarmClock::of(&swarm)),
            swarm,
            store: Mutex::new(Arc::new(MemoryStore::new())),
            keys: Arc::default(),
            runtime: runtime.clone(),
            steps,
        }
    }

    /// Begins a process: an engine over the disk as it is.
    pub(crate) fn engine(&self, points: Option<Points>) -> Result<Engine, EngineError> {
        self.engine_over(self.store(), self.keys.clone(), points)
    }

    /// Begins a process that remembers nothing and leaves nothing.
    pub(crate) fn bystander(&self) -> Result<Engine, EngineError> {
        self.engine_over(Arc::new(MemoryStore::new()), Arc::default(), None)
    }

    fn engine_over(
        &self,
        store: Arc<MemoryStore>,
        keys: Arc<MemoryKeys>,
        points: Option<Points>,
    ) -> Result<Engine, EngineError> {
        let swarm = Swarm::within(Arc::new(Manager(self.swarm.clone())));
        Engine::open(Options {
            store,
            keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(keys)),
            steps: (self.steps)(swarm),
            clock: self.clock.clone(),
            runtime: self.runtime.clone(),
            process: operator(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            points,
        })
    }

    /// Returns the disk.
    pub(crate) fn store(&self) -> Arc<MemoryStore> {
        self.lock().clone()
    }

    /// Returns the keys of runs.
    pub(crate) fn keys(&self) -> &MemoryKeys {
        &self.keys
    }

    /// Loses what was not synced, but for the first `kept` writes.
    pub(crate) fn crash(&self, kept: usize) {
        let mut store = self.lock();
        *store = Arc::new(store.crash(kept));
    }

    /// Awaits something on this thread.
    pub(crate) fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    fn lock(&self) -> MutexGuard<'_, Arc<MemoryStore>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The panic of a process that is killed.
pub(crate) struct Death;

/// A process that may be killed. Once it is, nothing of it writes any more.
#[derive(Default)]
pub(crate) struct Mortal(AtomicBool);

impl Mortal {
    /// Ends this thread if the process is dead.
    pub(crate) fn check(&self) {
        if self.0.load(Ordering::SeqCst) {
            std::panic::panic_any(Death);
        }
    }

    /// Kills the process.
    pub(crate) fn kill(&self, store: &MemoryStore) {
        self.0.store(true, Ordering::SeqCst);
        store.fail_after(0);
        std::panic::panic_any(Death);
    }

    /// True if it was killed.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Keeps deaths that were asked for out of the output.
pub(crate) fn silence_deaths() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let payload = panic.payload();
            let asked_for = payload.is::<Death>()
                || payload.downcast_ref::<&str>() == Some(&"a scoped thread panicked");
            if !asked_for {
                before(panic);
            }
        }));
    });
}
