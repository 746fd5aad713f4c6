//! A real swarm, and the commands of an operator.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use windlass_lab::{Lab, LabSpec};

/// A lab of three nodes, taken down when the test ends, however it ends.
pub struct Rig {
    runtime: Runtime,
    lab: Option<Lab>,
}

impl Rig {
    /// Brings a lab up. One for each test process, side by side with others.
    pub fn up() -> Self {
        Self::of(3)
    }

    /// The same, of so many nodes.
    pub fn of(nodes: usize) -> Self {
        static NTH: AtomicU32 = AtomicU32::new(0);
        let nth = NTH.fetch_add(1, Ordering::SeqCst);
        let name = format!("t{}{nth}", std::process::id() % 100_000);
        let runtime = Runtime::new().unwrap();
        let spec = LabSpec::new(&name, nodes);
        let lab = runtime.block_on(windlass_lab::up(&spec, &|_: &str| {}));
        let lab = lab.unwrap_or_else(|e| panic!("failed to {e}"));
        Rig { runtime, lab: Some(lab) }
    }

    pub fn lab(&self) -> &Lab {
        self.lab.as_ref().unwrap()
    }

    /// Stops the manager's daemon, as a reboot does, and starts it again.
    pub fn reboot_manager(&mut self) {
        let lab = self.lab.as_mut().unwrap();
        self.runtime.block_on(async {
            lab.stop_node(0).await.unwrap();
            lab.start_node(0).await.unwrap();
        });
    }

    /// Runs the docker command line against the manager, and returns what it printed.
    pub fn docker(&self, args: &str) -> String {
        self.docker_words(&args.split_whitespace().collect::<Vec<_>>())
    }

    pub fn docker_words(&self, args: &[&str]) -> String {
        self.lab().run(0, args).unwrap_or_else(|e| panic!("failed to {e}"))
    }

    pub fn create_secret(&self, name: &str, value: &str) {
        let mut command = self.lab().docker(0);
        let output = feed(command.args(["secret", "create", name, "-"]), value.as_bytes());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Creates a service of the app and waits until it runs. The swarm watches new tasks for a
    /// second, not for five: what is tested does not depend on it.
    pub fn create_service(&self, name: &str, options: &str) {
        let fixed = "service create --detach --update-monitor 1s --rollback-monitor 1s --name";
        self.docker(&format!("{fixed} {name} {options} {}", windlass_lab::image::APP));
        self.wait_until(&format!("{name} runs"), || self.is_steady(name));
    }

    /// True if as many tasks run as are wanted.
    pub fn is_steady(&self, name: &str) -> bool {
        let shown = self.docker(&format!(
            "service ls --filter name={name} --format {{{{.Name}}}}={{{{.Replicas}}}}"
        ));
        shown.lines().any(|line| {
            let replicas = line.strip_prefix(&format!("{name}="));
            let counts = replicas.and_then(|r| r.split(' ').next()?.split_once('/'));
            counts.is_some_and(|(running, wanted)| running == wanted)
        })
    }

    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(90), "never so: {what}");
            // Docker has no event for what its command line shows.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn inspect(&self, service: &str) -> Value {
        let text = self.docker(&format!("service inspect {service}"));
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }

    /// Returns the secret references of a service, as the swarm has them.
    pub fn refs(&self, service: &str) -> Vec<Value> {
        let inspected = self.inspect(service);
        let refs = &inspected["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"];
        refs.as_array().cloned().unwrap_or_default()
    }

    pub fn secret_names(&self) -> Vec<String> {
        let names = self.docker("secret ls --format {{.Name}}");
        let mut names: Vec<String> = names.lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Returns what every running container of a service serves; nothing while one is replaced.
    pub fn served(&self, service: &str) -> Vec<Value> {
        self.lab().served(service).unwrap_or_default()
    }

    /// Returns an operator at this swarm, with a state directory of their own.
    pub fn operator(&self) -> Operator {
        Operator { host: self.lab().docker_host(), state: tempfile::tempdir().unwrap() }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(lab) = self.lab.take()
            && let Err(error) = self.runtime.block_on(lab.down())
        {
            // A panic while panicking would hide the one that the test ended with.
            assert!(std::thread::panicking(), "failed to {error}");
        }
    }
}

/// Somebody who types windlass commands.
pub struct Operator {
    host: String,
    state: TempDir,
}

impl Operator {
    pub fn state(&self) -> &std::path::Path {
        self.state.path()
    }

    pub fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args.split_whitespace());
        command.env("DOCKER_HOST", &self.host).env("WINDLASS_STATE", self.state.path());
        // Logs are one more place where a value must not be.
        command.env_remove("WINDLASS_KILL_AT").env("WINDLASS_LOG", "trace");
        command
    }

    pub fn windlass(&self, args: &str) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Rotates a secret with the runbook named, the value on standard input.
    pub fn rotate(&self, runbook: &str, secret: &str, value: &str, more: &str) -> Output {
        let args = format!("run {runbook} -p secret={secret} --secret value=- {more}");
        feed(&mut self.command(&args), value.as_bytes())
    }

    /// The same, killed at a point.
    pub fn rotate_and_die(&self, secret: &str, value: &str, at: &str) -> Output {
        let args = format!("run rotate-secret-same-name -p secret={secret} --secret value=-");
        feed(self.command(&args).env("WINDLASS_KILL_AT", at), value.as_bytes())
    }

    pub fn json(&self, args: &str) -> Value {
        let output = self.windlass(&format!("{args} --json"));
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{args}: {e}: {}", all(&output)))
    }

    /// Returns the names of all runs.
    pub fn runs(&self) -> Vec<String> {
        let runs = self.json("runs");
        let names =
            runs.as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap().to_owned());
        names.collect()
    }
}

/// Runs a command with something on its standard input.
pub fn feed(command: &mut Command, input: &[u8]) -> Output {
    windlass_lab::feed(command, input).unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything that a command printed.
pub fn all(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| {
        use std::os::unix::process::ExitStatusExt;
        -output.status.signal().unwrap_or(0)
    })
}
