//! An engine over a memory store that can crash, a world that stays, and a clock set by hand.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use windlass_engine::clock::Clock;
use windlass_engine::engine::{Approved, Engine, EngineError, Options, Person, RunHandle};
use windlass_engine::event::{Status, WaitView};
use windlass_engine::id::RunId;
use windlass_engine::journal::{JournalStore, Origin};
use windlass_engine::run::{Outcome, Point, Points};
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_engine::step::{AnyStep, Family, Place, Registry, wait};
use windlass_stores::MemoryStore;

use crate::clock::HandClock;
use crate::vigil::Vigil;
use crate::world::World;

/// 2026-11-21, a Saturday, at noon.
pub const NOON: i64 = 1_795_262_400_000;

pub struct Rig {
    pub world: World,
    pub runtime: Runtime,
    pub store: Arc<MemoryStore>,
    pub points: Option<Points>,
    pub keys: Arc<MemoryKeys>,
    pub clock: Arc<HandClock>,
    pub engine: Engine,
    /// Where its steps act, if it is anywhere.
    pub place: Option<Arc<dyn Place>>,
}

/// A run that is followed.
pub struct Followed {
    pub run: RunId,
    pub outcome: JoinHandle<Outcome>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with_points(None)
    }

    pub fn with_points(points: Option<Points>) -> Self {
        Self::made(points, None)
    }

    /// A rig whose steps act at a place.
    pub fn at(place: Arc<dyn Place>) -> Self {
        Self::made(None, Some(place))
    }

    fn made(points: Option<Points>, place: Option<Arc<dyn Place>>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (store, keys) = (Arc::new(MemoryStore::new()), Arc::new(MemoryKeys::default()));
        let (world, clock) = (World::with(&["old"]), Arc::new(HandClock::at(NOON)));
        let things = Things { world: world.clone(), place: place.clone() };
        let engine = open(&runtime, &store, &keys, &clock, things, points.clone());
        Rig { world, runtime, store, points, keys, clock, engine, place }
    }

    /// The process ends, and another begins: of the writes not synced, the first `kept` are there.
    pub fn restart(&mut self, kept: usize) {
        // What the clock sets going in the first process must not outlive it: it can't record
        // anything any more, and so does nothing.
        self.store.fail_after(0);
        until("the threads of the first process have ended", || run_threads() == 0);
        self.store = Arc::new(self.store.crash(kept));
        self.points = None;
        self.engine = self.engine_over(&self.store);
    }

    /// Another engine, over another store.
    pub fn engine_over(&self, store: &Arc<impl JournalStore + 'static>) -> Engine {
        let things = Things { world: self.world.clone(), place: self.place.clone() };
        open(&self.runtime, store, &self.keys, &self.clock, things, None)
    }

    pub fn start(&self, script: &str) -> Followed {
        let text = format!("//! title = \"waits\"\n{script}");
        let steps = self.engine.steps();
        let runbook = Runbook::compile("waits.rhai", &text, steps).unwrap();
        self.follow(self.engine.start(&runbook, &somebody(), &[], Vec::new()).unwrap())
    }

    pub fn resume(&self, run: &RunId) -> Followed {
        self.follow(self.engine.resume(run, &somebody()).unwrap())
    }

    pub fn follow(&self, handle: RunHandle) -> Followed {
        let run = handle.run.clone();
        Followed { run, outcome: self.runtime.spawn(handle.outcome()) }
    }

    /// Begins a run and returns when it has been parked.
    pub fn waiting(&self, script: &str) -> Followed {
        let followed = self.start(script);
        self.until_put_away(&followed.run);
        followed
    }

    pub fn until_put_away(&self, run: &RunId) {
        until("the run is parked", || self.engine.is_put_away(run));
    }

    pub fn outcome(&self, followed: Followed) -> Outcome {
        until("the run stops", || followed.outcome.is_finished());
        self.runtime.block_on(followed.outcome).unwrap()
    }

    pub fn waits(&self, run: &RunId) -> Vec<WaitView> {
        self.engine.view(run).unwrap().summary.waits
    }

    pub fn status(&self, run: &RunId) -> Status {
        let runs = self.engine.runs(false).unwrap();
        runs.iter().find(|summary| summary.run == *run).unwrap().status
    }

    pub fn approve(&self, run: &RunId, who: &str) -> Result<Approved, EngineError> {
        self.runtime.block_on(self.engine.approve(run, None, &by(who), Some("fine")))
    }

    pub fn deny(&self, run: &RunId, who: &str) -> Result<(), EngineError> {
        self.runtime.block_on(self.engine.deny(run, None, &by(who), "not today"))
    }

    pub fn answer(&self, run: &RunId, field: &str, value: &str) -> Result<(), EngineError> {
        let given = [(field.to_owned(), value.to_owned())];
        self.runtime.block_on(self.engine.answer(run, None, &by("ben"), &given, Vec::new()))
    }

    pub fn error(&self, run: &RunId) -> windlass_engine::step::StepError {
        self.engine.view(run).unwrap().unwinding.unwrap()
    }

    pub fn has(&self, name: &str) -> bool {
        self.world.lock().things.contains_key(name)
    }
}

/// What can be done to things, here or somewhere else.
struct Things {
    world: World,
    place: Option<Arc<dyn Place>>,
}

impl Family for Things {
    fn name(&self) -> &'static str {
        "things"
    }

    fn summary(&self) -> &'static str {
        "Things."
    }

    fn steps(&self) -> Vec<Arc<dyn AnyStep>> {
        self.world.steps().iter().cloned().collect()
    }

    fn place(&self) -> Option<Arc<dyn Place>> {
        self.place.clone()
    }
}

/// What touches nothing outside the run.
struct Vigils;

impl Family for Vigils {
    fn name(&self) -> &'static str {
        "vigils"
    }

    fn summary(&self) -> &'static str {
        "Vigils."
    }

    fn steps(&self) -> Vec<Arc<dyn AnyStep>> {
        vec![wait(Vigil)]
    }
}

fn open(
    runtime: &Runtime,
    store: &Arc<impl JournalStore + 'static>,
    keys: &Arc<MemoryKeys>,
    clock: &Arc<HandClock>,
    things: Things,
    points: Option<Points>,
) -> Engine {
    Engine::open(Options {
        store: store.clone() as Arc<dyn JournalStore>,
        keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(keys.clone())),
        steps: Registry::of_families([Arc::new(things) as Arc<dyn Family>, Arc::new(Vigils)]),
        clock: clock.clone() as Arc<dyn Clock>,
        runtime: runtime.handle().clone(),
        process: somebody(),
        version: "test".to_owned(),
        points,
    })
    .unwrap()
}

pub fn person(user: &str) -> Origin {
    Origin { user: user.to_owned(), host: "here".to_owned(), pid: 1, as_user: None }
}

/// The one who starts runs, and moves them.
pub fn somebody() -> Origin {
    person("ann")
}

pub fn by(user: &str) -> Person {
    Person::at_home(person(user))
}

/// Waits for a condition that nothing tells of.
#[track_caller]
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Threads of this process that drive runs, by their names.
pub fn run_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread may end between the list and the look.
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("run_")).count()
}

/// A number from `/proc/self/status`.
pub fn status_of_process(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The panic of a process that was killed.
pub struct Death;

/// Points at which the process dies when it reaches one for the `nth` time, and a count of them.
pub fn die_at(nth: usize) -> (Points, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = reached.clone();
    let points: Points = Arc::new(move |_: Point, _, _| {
        if count.fetch_add(1, Ordering::SeqCst) >= nth {
            panic_any(Death);
        }
    });
    (points, reached)
}

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
