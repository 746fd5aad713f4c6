//! The process that rotates, and says what it took.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Runtime;
use windlass_basic::BasicSteps;
use windlass_engine::clock::{Clock, Millis, SystemClock};
use windlass_engine::engine::{Engine, Options};
use windlass_engine::journal::{End, Origin};
use windlass_engine::run::Outcome;
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{FileKeys, Keyring, MasterKey, Secret};
use windlass_engine::step::{Family, Registry};
use windlass_stores::SledStore;
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::{Endpoint, Swarm};

use crate::swarm::SECRET;

/// A clock that goes as fast as the swarm's.
struct Fast {
    wall: Millis,
    began: Millis,
    speed: f64,
}

#[async_trait]
impl Clock for Fast {
    fn now(&self) -> Millis {
        let passed = (SystemClock.now() - self.wall) as f64 * self.speed;
        self.began + passed as Millis
    }

    async fn sleep_until(&self, deadline: Millis) {
        let left = (deadline - self.now()).max(0) as f64 / self.speed;
        tokio::time::sleep(Duration::from_secs_f64(left / 1000.0)).await;
    }
}

/// Rotates; `given` is socket, state directory, two moments of the clocks, and the speed.
pub fn rotate(given: &[String]) {
    let [socket, state, wall, began, speed, ..] = given else { panic!("{given:?}") };
    let clock = Fast {
        wall: wall.parse().unwrap(),
        began: began.parse().unwrap(),
        speed: speed.parse().unwrap(),
    };
    let runtime = Runtime::new().unwrap();
    let engine = open(socket, Path::new(state), clock, &runtime);
    let text = windlass_runbooks::whole("rotate-secret-same-name").unwrap();
    let runbook = Runbook::compile("rotate", &text, engine.steps()).unwrap();
    let params = [("secret", SECRET), ("parallel", "64")];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let secrets = vec![("value".to_owned(), Secret::new(b"the new value".to_vec()))];
    let handle = engine.start(&runbook, &somebody(), &params, secrets).unwrap();
    let run = handle.run.clone();
    let outcome = runtime.block_on(handle.outcome());
    let view = engine.view(&run).unwrap();
    assert_eq!(outcome, Outcome::Finished(End::Done), "{:?} {:?}", view.stuck, view.unwinding);
    println!("{}", serde_json::json!({ "cpu_ms": cpu_ms(), "peak_kib": peak_kib() }));
}

fn open(socket: &str, state: &Path, clock: Fast, runtime: &Runtime) -> Engine {
    std::fs::create_dir_all(state).unwrap();
    let endpoint = Endpoint::new(&format!("unix://{socket}"), None, "a bench").unwrap();
    let keys = FileKeys::at(state.join("keys"));
    std::fs::create_dir_all(state.join("keys")).unwrap();
    Engine::open(Options {
        store: Arc::new(SledStore::open(&state.join("store")).unwrap()),
        keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(keys)),
        steps: Registry::of_families([
            Arc::new(BasicSteps) as Arc<dyn Family>,
            Arc::new(SwarmSteps::over(Swarm::connect(&endpoint))),
        ]),
        clock: Arc::new(clock),
        runtime: runtime.handle().clone(),
        process: somebody(),
        version: "bench".to_owned(),
        points: None,
    })
    .unwrap()
}

/// Returns the processor time of this process, in milliseconds (`proc(5)`: in hundredths).
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2).map(|t| t.parse::<u64>().unwrap());
    ticks.sum::<u64>() * 10
}

/// Returns the most memory that this process has had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Whoever asks, where it does not matter who.
fn somebody() -> Origin {
    Origin { user: "ada".to_owned(), ..Origin::default() }
}
