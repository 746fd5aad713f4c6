//! A simulated swarm, a state directory, and a daemon that can be killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes, even on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Rig {
    home: TempDir,
    lab: Child,
    daemon: Option<Child>,
}

impl Rig {
    pub fn up(speed: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("docker.sock");
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(["lab", "up", "--simulated", "--nodes", "3", "--services", "100"]);
        command.args(["--speed", speed, "--socket"]).arg(&socket);
        let mut lab = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // It says where it is when it can be asked.
        let mut said = BufReader::new(lab.stdout.take().unwrap()).lines();
        assert!(said.next().unwrap().unwrap().contains("docker.sock"));
        Rig { home, lab, daemon: None }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("WINDLASS_STATE", self.home.path().join("state")).env("USER", "ann");
        command.env("DOCKER_HOST", format!("unix://{}/docker.sock", self.home.path().display()));
        command
    }

    /// Begins a daemon, and returns when it has taken every run up.
    pub fn daemon(&mut self) {
        let mut daemon = self.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(daemon.stderr.take().unwrap()).lines();
        let serves = said.any(|line| line.unwrap().contains("serves"));
        assert!(serves, "the daemon does not begin");
        // Its log goes on; a pipe that nobody reads would hold it up.
        std::thread::spawn(move || said.for_each(drop));
        self.daemon = Some(daemon);
    }

    pub fn kill(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// Hands a run to the daemon, and lets go of it.
    pub fn begin(&self, args: &[&str]) {
        let before = self.runs(false).len();
        let mut follower = self.command(&[&["run"], args].concat()).spawn().unwrap();
        until("the run is recorded", || {
            assert!(follower.try_wait().unwrap().is_none_or(|ended| ended.success()), "{args:?}");
            self.runs(false).len() > before
        });
        // The run goes on without whoever follows it.
        let _ = follower.kill();
        follower.wait().unwrap();
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
        for child in self.daemon.iter_mut().chain([&mut self.lab]) {
            let _ = child.kill();
            let _ = child.wait();
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
