//! A same-name rotation of 10, 100, 1,000 and 10,000 services on 200 simulated nodes: how many
//! requests, how much time of the engine, and how much memory a service costs.
//!
//! The swarm is simulated in this process, at fifty times the speed of a wall clock; the engine runs
//! in a process of its own (this program again), so that its time and memory are its own.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops where it fails"
)]

mod engine;
mod swarm;

use std::collections::BTreeMap;
use std::process::Command;

use mimalloc::MiMalloc;
use windlass_engine::clock::{Clock, SystemClock};
use windlass_lab::simulated::{Request, Simulated};
use zeroizing_alloc::ZeroAlloc;

/// As the command itself has it (`cli/allocator.rs`).
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const NODES: usize = 200;
const SPEED: f64 = 50.0;

/// Services move to the temporary secret, and back.
const HOPS: usize = 2;

fn main() {
    let given: Vec<String> = std::env::args().collect();
    if let Some(place) = given.iter().position(|arg| arg == "--rotate") {
        return engine::rotate(&given[place + 1..]);
    }
    println!("same-name rotation, 64 services at once, {NODES} nodes, time x {SPEED}");
    println!("  services   calls/hop   of them polls   engine ms/service   peak MiB   wall s");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let costs: Vec<f64> = SIZES.into_iter().map(|size| runtime.block_on(measure(size))).collect();
    // A start costs the same for ten services as for ten thousand, so the smallest is left out.
    let per_service = &costs[1..];
    let (least, most) = per_service
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, most), cost| (least.min(*cost), most.max(*cost)));
    println!(
        "  engine time per service, most against least from 100 services on: {:.2}",
        most / least
    );
}

/// Rotates the secret of `size` services, prints a line, and returns the engine's time a service.
async fn measure(size: usize) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let swarm = Simulated::from_snapshot(&swarm::snapshot(NODES, size), 1);
    swarm.advance_to(swarm.now() + 60_000);
    let _served = swarm.serve(&socket).await.unwrap();
    let (wall, began) = (SystemClock.now(), swarm.now());
    let _flow = swarm.flow(SPEED);
    let given = [
        socket.display().to_string(),
        directory.path().join("state").display().to_string(),
        wall.to_string(),
        began.to_string(),
        SPEED.to_string(),
    ];
    let mut engine = Command::new(std::env::current_exe().unwrap());
    engine.arg("--rotate").args(given);
    let output = tokio::task::spawn_blocking(move || engine.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{size} services: {said}");
    let took: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();

    let hops = (size * HOPS) as f64;
    let requests = swarm.requests();
    let polls = requests.iter().filter(|r| r.target.starts_with("/tasks")).count();
    let cost = took["cpu_ms"].as_f64().unwrap() / size as f64;
    println!(
        "  {size:>8}   {:>9.2}   {:>13.2}   {cost:>17.2}   {:>8.1}   {:>6.1}",
        requests.len() as f64 / hops,
        polls as f64 / hops,
        took["peak_kib"].as_f64().unwrap() / 1024.0,
        (SystemClock.now() - wall) as f64 / 1000.0,
    );
    if std::env::var_os("WINDLASS_BENCH_REQUESTS").is_some() {
        by_kind(&requests).iter().for_each(|(kind, count)| println!("    {count:>8} {kind}"));
    }
    cost
}

fn by_kind(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for request in requests {
        let path = request.target.split('?').next().unwrap_or_default();
        let kind = path.split('/').nth(1).unwrap_or_default();
        let one = if path.matches('/').count() > 1 { "/one" } else { "" };
        *kinds.entry(format!("{} /{kind}{one}", request.method)).or_insert(0) += 1;
    }
    kinds
}
