//! An engine on disk with steps that do nothing, so that what is measured is the recording.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use windlass_engine::clock::SystemClock;
use windlass_engine::engine::{Engine, Options};
use windlass_engine::journal::{Journals, Origin};
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{FileKeys, Keyring, MasterKey};
use windlass_engine::step::{
    About, ChangeStep, Context, Prepared, Probe, Registry, StepError, change,
};
use windlass_stores::SledStore;

/// When each call took effect.
pub type Times = Arc<Mutex<Vec<Instant>>>;

/// A change that changes nothing, and notes when.
pub struct Notch(pub Times);

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    n: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Turned {
    n: u64,
}

#[async_trait]
impl ChangeStep for Notch {
    type Args = Args;
    type Base = ();
    type Output = Turned;

    fn about(&self) -> About {
        About {
            name: "drum.notch".into(),
            summary: "Bench.".into(),
            reads: "".into(),
            changes: "".into(),
            undo: "".into(),
            example: "".into(),
        }
    }

    async fn prepare(&self, _: &Context, args: &Args) -> Result<Prepared<(), Turned>, StepError> {
        Ok(Prepared::new((), Turned { n: args.n }, format!("turn to notch {}", args.n)))
    }

    async fn apply(&self, _: &Context, args: &Args, (): &()) -> Result<Turned, StepError> {
        self.0.lock().unwrap().push(Instant::now());
        Ok(Turned { n: args.n })
    }

    async fn probe(&self, _: &Context, _: &Args, (): &()) -> Result<Probe<Turned>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Args, (): &(), _: &Turned) -> Result<(), StepError> {
        Ok(())
    }
}

/// An engine over a store in a directory.
pub struct Rig {
    pub engine: Engine,
    pub store: Arc<SledStore>,
    pub times: Times,
    pub runtime: Runtime,
    steps: Registry,
}

impl Rig {
    pub fn open(directory: &Path) -> Self {
        let (keys, store) = (directory.join("keys"), directory.join("store"));
        std::fs::create_dir_all(&keys).unwrap();
        let store = Arc::new(SledStore::open(&store).unwrap());
        let times = Times::default();
        let steps = Registry::of([change(Notch(times.clone()))]);
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let engine = Engine::open(Options {
            store: store.clone(),
            keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(FileKeys::at(keys))),
            steps: steps.clone(),
            clock: Arc::new(SystemClock),
            runtime: runtime.handle().clone(),
            process: somebody(),
            version: "bench".to_owned(),
            points: None,
        })
        .unwrap();
        Rig { engine, store, times, runtime, steps }
    }

    /// Returns a runbook that makes a number of calls, one after the other.
    pub fn runbook(&self, calls: usize) -> Runbook {
        let text =
            format!("//! title = \"bench\"\nfor n in 0..{calls} {{ drum::notch(#{{ n: n }}); }}\n");
        Runbook::compile("bench.rhai", &text, &self.steps).unwrap()
    }

    /// Makes several runs of the same number of calls at once, and returns the seconds that they
    /// took from the first effect to the last, with the bytes that a call records.
    pub fn run(&self, runs: usize, calls: usize) -> (f64, usize) {
        let runbook = self.runbook(calls);
        self.times.lock().unwrap().clear();
        let handles: Vec<_> = (0..runs)
            .map(|_| self.engine.start(&runbook, &somebody(), &[], Vec::new()).unwrap())
            .collect();
        let mut last = None;
        for handle in handles {
            last = Some(handle.run.clone());
            self.runtime.block_on(handle.outcome());
        }
        let times = self.times.lock().unwrap();
        let seconds = (*times.last().unwrap() - times[0]).as_secs_f64();
        let records = self.store.read(&last.unwrap()).unwrap();
        (seconds, records.iter().map(Vec::len).sum::<usize>() / calls)
    }
}

/// Returns the middle of some figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Whoever asks, where it does not matter who.
pub fn somebody() -> Origin {
    Origin { user: "ada".to_owned(), ..Origin::default() }
}
