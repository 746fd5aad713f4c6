//! A simulated swarm, a state directory, and a daemon that can be killed.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use windlass_engine::clock::{Clock, SystemClock};
use windlass_lab::simulated::{Fault, Flow, On, Served, Simulated, SimulatedSpec, What};

const NO_LEADER: &str = "The swarm does not have a leader.";

/// Longer than anything here takes, even on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Rig {
    home: TempDir,
    swarm: Simulated,
    daemon: Option<Child>,
    said: Arc<Mutex<Vec<String>>>,
    /// The disk that was made for the state.
    disk: Option<PathBuf>,
    _served: Served,
    _flow: Flow,
    _runtime: Runtime,
}

impl Rig {
    pub fn up(speed: f64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let entered = runtime.enter();
        let start = SystemClock.now();
        let spec = SimulatedSpec { nodes: 3, services: 100, start, ..SimulatedSpec::default() };
        let swarm = Simulated::new(&spec);
        let served = runtime.block_on(swarm.serve(&home.path().join("docker.sock"))).unwrap();
        let flow = swarm.flow(speed);
        drop(entered);
        let (daemon, said, disk) = (None, Arc::default(), None);
        Rig { home, swarm, daemon, said, disk, _served: served, _flow: flow, _runtime: runtime }
    }

    /// From now on some changes are refused for a while, and some answers are lost.
    pub fn trouble(&self, random: &mut fastrand::Rng) {
        let on = |nth, times| On { changing: Some(true), nth, times, ..On::default() };
        let refuse = What::Refuse { status: 503, message: NO_LEADER.to_owned() };
        self.swarm.set_faults(vec![
            Fault { on: on(random.u32(1..4), random.u32(1..3)), what: refuse },
            Fault { on: on(random.u32(1..4), 1), what: What::LoseAnswer },
            Fault { on: on(random.u32(1..4), 1), what: What::LoseRequest },
        ]);
    }

    /// From now on all goes well.
    pub fn calm(&self) {
        self.swarm.set_faults(Vec::new());
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("WINDLASS_STATE", self.home.path().join("state"));
        command.env("DOCKER_HOST", format!("unix://{}/docker.sock", self.home.path().display()));
        command
    }

    /// Begins a daemon, and returns when it has taken every run up.
    pub fn daemon(&mut self) {
        self.daemon_at("127.0.0.1:0");
    }

    /// The same, and it answers there.
    pub fn daemon_at(&mut self, address: &str) {
        let mut daemon =
            self.command(&["serve", "--listen", address]).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(daemon.stderr.take().unwrap()).lines();
        let serves = said.any(|line| line.unwrap().contains("serves"));
        assert!(serves, "the daemon does not begin");
        // Its log goes on; a pipe that nobody reads would hold it up.
        let log = self.said.clone();
        std::thread::spawn(move || {
            said.map_while(Result::ok).for_each(|line| log.lock().unwrap().push(line));
        });
        self.daemon = Some(daemon);
    }

    /// What the daemon has said since it serves.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// True if the daemon that was begun has not ended.
    pub fn is_the_same_process(&mut self) -> bool {
        self.daemon.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    /// Puts the state on a disk of its own of this size, and returns where that is.
    pub fn on_a_disk_of(&mut self, size: &str) -> PathBuf {
        let state = self.home.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let options = format!("size={size},mode=0700");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "windlass-test"])
            .arg(&state)
            .status();
        assert!(mount.unwrap().success(), "this test makes a disk of its own, and needs root");
        self.disk = Some(state.clone());
        state
    }

    pub fn kill(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// Hands a run to the daemon, and lets go of it.
    pub fn begin(&self, args: &[&str]) {
        assert!(self.try_begin(args), "{args:?}");
    }

    /// The same; false if it is not taken.
    pub fn try_begin(&self, args: &[&str]) -> bool {
        self.command(&[&["run", "--detach"], args].concat()).status().unwrap().success()
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn json(&self, args: &[&str]) -> Option<Value> {
        let output = self.command(args).arg("--json").stdout(Stdio::piped()).output().unwrap();
        serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())
    }

    pub fn runs(&self, open: bool) -> Vec<Value> {
        let args: &[&str] = if open { &["runs", "--open"] } else { &["runs"] };
        let mut runs = None;
        until("the runs are listed", || {
            runs = self.json(args);
            runs.is_some()
        });
        runs.unwrap().as_array().unwrap().clone()
    }

    pub fn journal(&self, run: &str) -> Vec<Value> {
        let output = self.command(&["log", run, "--json"]).stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Approves one of the runs that ask. False if none does, or nobody took it.
    pub fn approve_one(&self) -> bool {
        let asks = |run: &Value| run["waits"].to_string().contains("go on with");
        let Some(run) = self.runs(true).into_iter().find(asks) else { return false };
        let approve = ["approve", run["run"].as_str().unwrap()];
        self.command(&approve).status().unwrap().success()
    }

    /// Returns the swarm as it is.
    pub fn look(&self) -> Value {
        let output = self.command(&["snapshot"]).stdout(Stdio::piped()).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns the names of secrets that a rotation may take without meeting another.
    pub fn rotatable(&self) -> Vec<String> {
        let world = self.look();
        let services = world["services"].to_string();
        let names = world["secrets"].as_array().unwrap().iter();
        let names = names.map(|secret| secret["Spec"]["Name"].as_str().unwrap().to_owned());
        let used = |name: &String| services.contains(&format!("\"SecretName\":\"{name}\""));
        names.filter(|name| name.ends_with("_db_password")).filter(used).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        if let Some(disk) = &self.disk {
            let _ = Command::new("umount").arg("--lazy").arg(disk).status();
        }
    }
}

/// Waits for a condition that nothing tells of.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
