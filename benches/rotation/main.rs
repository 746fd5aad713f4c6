//! A same-name rotation of six services with two replicas each: windlass against the shell script
//! that operators use today (`s0.sh`, as published), on the same lab, in one run.
//!
//! While windlass rotates, a client asks the application all the time. A request is lost if a node
//! accepted it and gave no whole answer, or if no node accepted it.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops where it fails"
)]

mod client;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use client::Client;
use windlass_lab::{Lab, LabSpec, image};

const SERVICES: usize = 6;
const SCRIPT: &str = include_str!("s0.sh");

fn main() {
    let missing: Vec<&str> = ["jq", "docker"].into_iter().filter(|p| which(p).is_none()).collect();
    assert!(missing.is_empty(), "the script needs {missing:?}: apt-get install jq docker.io");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let spec = LabSpec::new("bench", 3);
    let lab = runtime.block_on(windlass_lab::up(&spec, &|_: &str| {})).unwrap();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| measure(&lab)));
    runtime.block_on(lab.down()).unwrap();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

fn measure(lab: &Lab) {
    deploy(lab);
    println!("same-name rotation, {SERVICES} services x 2 replicas, three nodes");

    let client = Client::asking(lab);
    let began = Instant::now();
    let output = windlass(lab);
    let ours = began.elapsed();
    let asked = client.stop();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    wait_for_value(lab, "the new value");
    println!("  windlass, parallel=6        {:>7.1} s", ours.as_secs_f64());

    let began = Instant::now();
    let output = script(lab);
    let theirs = began.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("  the shell script            {:>7.1} s", theirs.as_secs_f64());
    println!("  times as fast               {:>7.1}", theirs.as_secs_f64() / ours.as_secs_f64());
    println!("  requests while windlass ran {:>7}", asked.answered + asked.lost.len());
    println!("  of them lost                {:>7}", asked.lost.len());
    asked.lost.iter().take(5).for_each(|why| println!("    {why}"));
}

/// Six services; the first has a port that is asked all the time, and starts new tasks first.
fn deploy(lab: &Lab) {
    let create = ["secret", "create", "db_password", "-"];
    lab.run_with_input(0, &create, b"the old value").unwrap();
    for n in 0..SERVICES {
        let name = format!("app{n}");
        let mut words = vec!["service", "create", "--detach", "--name", &name, "--replicas", "2"];
        words.extend(["--secret", "db_password"]);
        if n == 0 {
            words.extend(["--update-order", "start-first"]);
            words.extend(["--publish", "published=8080,target=8080,mode=host"]);
            words.extend(["--health-cmd", image::HEALTHCHECK[1], "--health-interval", "1s"]);
        }
        words.push(image::APP);
        lab.run(0, &words).unwrap();
    }
    wait_for_value(lab, "the old value");
}

fn wait_for_value(lab: &Lab, value: &str) {
    let wanted = image::fingerprint(value.as_bytes());
    for n in 0..SERVICES {
        let began = Instant::now();
        loop {
            let answers = lab.served(&format!("app{n}")).unwrap_or_default();
            let right = answers.iter().all(|a| {
                a.as_object()
                    .is_some_and(|o| o.values().all(|f| f["fingerprint"] == wanted.as_str()))
            });
            if answers.len() == 2 && right {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "app{n} does not serve {value}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn windlass(lab: &Lab) -> std::process::Output {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    command.args([
        "run",
        "rotate-secret-same-name",
        "-p",
        "secret=db_password",
        "-p",
        "parallel=6",
    ]);
    command.args(["--secret", "value=-"]);
    command.env("DOCKER_HOST", lab.docker_host()).env("WINDLASS_STATE", state.path());
    windlass_lab::feed(&mut command, b"the new value").unwrap()
}

fn script(lab: &Lab) -> std::process::Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s0.sh");
    std::fs::write(&path, SCRIPT).unwrap();
    let mut command = Command::new("bash");
    command.arg(path).args(["db_password", "another value"]).env("DOCKER_HOST", lab.docker_host());
    command.stdin(Stdio::null()).output().unwrap()
}

fn which(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|d| d.join(program)).find(|p| p.is_file())
}
