//! What a daemon costs: idle, with 200 runs that wait, and how soon it has taken 1,000 open runs up.
//!
//! The state is made here, with the engine; then `windlass serve` is begun over it, as it is shipped.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops where it fails"
)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use windlass_basic::BasicSteps;
use windlass_engine::clock::SystemClock;
use windlass_engine::engine::{Engine, Options};
use windlass_engine::journal::Origin;
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{FileKeys, Keyring, MasterKey};
use windlass_engine::step::{Family, Registry};
use windlass_stores::SledStore;
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::{Endpoint, Swarm};

const WAITS: &str = "//! title = \"waits\"\napprove(#{ text: \"go on?\", deadline: \"24h\" });\n";

/// Put away at some call of many, it is interrupted and not waiting.
const WORKS: &str =
    "//! title = \"works\"\nfor n in 0..200 { secret::generate(#{ length: 20 }); }\n";

fn main() {
    println!("  open runs   of them waiting   ready after ms   resident MiB");
    for (waiting, working) in [(0, 0), (200, 0), (1_000, 0), (900, 100)] {
        let state = tempfile::tempdir().unwrap();
        let interrupted = fill(state.path(), waiting, working);
        let began = Instant::now();
        let (mut daemon, ready) = serve(state.path(), waiting + interrupted);
        let after = (ready - began).as_millis();
        // What is driven is done within seconds, and then the memory is that of a daemon at rest.
        std::thread::sleep(Duration::from_secs(3));
        let open = waiting + interrupted;
        println!("  {open:>9}   {waiting:>15}   {after:>14}   {:>12.1}", resident(daemon.id()));
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }
}

/// Makes a state with so many runs that wait, and some that are interrupted; returns how many.
fn fill(state: &Path, waiting: usize, working: usize) -> usize {
    let runtime = Runtime::new().unwrap();
    let engine = open(state, &runtime);
    let compiled = |text| Runbook::compile("bench", text, engine.steps()).unwrap();
    let (waits, works) = (compiled(WAITS), compiled(WORKS));
    engine.drive_at_most(16);
    let begun: Vec<_> = (0..waiting)
        .map(|_| engine.start(&waits, &somebody(), &[], Vec::new()).unwrap().run)
        .collect();
    while !begun.iter().all(|run| engine.is_put_away(run)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..working {
        engine.start(&works, &somebody(), &[], Vec::new()).unwrap();
    }
    engine.park_all();
    runtime.block_on(engine.idle());
    engine.runs(true).unwrap().len() - waiting
}

fn open(state: &Path, runtime: &Runtime) -> Engine {
    let private = |name: &str| {
        let directory = state.join(name);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).unwrap();
        directory
    };
    let endpoint = Endpoint::new("unix:///nowhere", None, "a bench").unwrap();
    let master = MasterKey::read_or_create(&state.join("master.key")).unwrap();
    Engine::open(Options {
        store: Arc::new(SledStore::open(&private("journal")).unwrap()),
        keyring: Keyring::new(master, Box::new(FileKeys::at(private("keys")))),
        steps: Registry::of_families([
            Arc::new(BasicSteps) as Arc<dyn Family>,
            Arc::new(SwarmSteps::over(Swarm::connect(&endpoint))),
        ]),
        clock: Arc::new(SystemClock),
        runtime: runtime.handle().clone(),
        process: somebody(),
        version: "bench".to_owned(),
        points: None,
    })
    .unwrap()
}

/// Begins a daemon, and returns it with the moment at which it had taken so many runs up.
fn serve(state: &Path, open: usize) -> (Child, Instant) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("WINDLASS_STATE", state)
        .env("DOCKER_HOST", "unix:///nowhere");
    let mut daemon = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::new(daemon.stderr.take().unwrap()).lines();
    let words = match open {
        0 => "serves".to_owned(),
        open => format!("{open} open runs are resumed"),
    };
    assert!(said.any(|line| line.unwrap().contains(&words)), "never `{words}`");
    let ready = Instant::now();
    std::thread::spawn(move || said.for_each(drop));
    (daemon, ready)
}

/// Returns how much memory a process has, in MiB.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Whoever asks, where it does not matter who.
fn somebody() -> Origin {
    Origin { user: "ada".to_owned(), ..Origin::default() }
}
