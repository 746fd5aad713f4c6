//! What the environment and the global options say.

use std::env;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use windlass_desk::people::user_name;
use windlass_engine::journal::Origin;
use windlass_swarm::docker::Environment;

use crate::args::Args;

/// The settings of one invocation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where journals are kept.
    pub state: PathBuf,
    /// The master key, if it does not lie in the state directory.
    pub key: Option<PathBuf>,
    /// Results as JSON.
    pub json: bool,
    /// No colours, no moving lines.
    pub plain: bool,
    /// How the environment names the Docker daemon.
    pub docker: Environment,
    /// True if an option names the daemon: whoever can't heed it must say so.
    pub names_daemon: bool,
    /// This process, for what it does by itself.
    pub process: Origin,
    /// For whom sudo runs this command, as `SUDO_USER` says; nobody, unless the user is root.
    pub sudo_user: Option<String>,
}

impl Settings {
    /// Reads the environment.
    pub fn from_environment(args: &Args) -> Self {
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let uid = rustix::process::getuid();
        let credential = env::var_os("CREDENTIALS_DIRECTORY")
            .map(|directory| PathBuf::from(directory).join("windlass-key"))
            .filter(|path| path.exists());
        Settings {
            state: args.state.clone().or_else(state_of_environment).unwrap_or_else(default_state),
            key: env::var_os("WINDLASS_KEY_FILE").map(PathBuf::from).or(credential),
            json: args.json,
            plain: no_colour || !stderr().is_terminal(),
            docker: docker_environment(args),
            names_daemon: args.host.is_some() || args.context.is_some(),
            process: Origin {
                user: user_name(uid.as_raw()).unwrap_or_else(|_| format!("uid {}", uid.as_raw())),
                host: host(),
                pid: std::process::id(),
                as_user: None,
            },
            sudo_user: env::var("SUDO_USER").ok().filter(|_| uid.is_root()),
        }
    }
}

fn state_of_environment() -> Option<PathBuf> {
    env::var_os("WINDLASS_STATE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// As the XDG specification has it; root keeps its state with the other services.
fn default_state() -> PathBuf {
    if let Some(directory) = env::var_os("XDG_STATE_HOME") {
        return PathBuf::from(directory).join("windlass");
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/windlass");
    }
    let home = env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    home.join(".local/state/windlass")
}

/// As the docker command has it: an option wins over the environment, and `--context` over
/// `DOCKER_HOST`.
fn docker_environment(args: &Args) -> Environment {
    let text = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let home = text("HOME").map(|home| PathBuf::from(home).join(".docker"));
    let host = match &args.context {
        Some(_) => None,
        None => args.host.clone().or_else(|| text("DOCKER_HOST")),
    };
    Environment {
        docker_host: host,
        host_is_from: args.host.is_some().then(|| "--host".to_owned()),
        docker_context: args.context.clone().or_else(|| text("DOCKER_CONTEXT")),
        docker_tls_verify: text("DOCKER_TLS_VERIFY"),
        docker_cert_path: text("DOCKER_CERT_PATH").map(PathBuf::from),
        config_dir: text("DOCKER_CONFIG").map(PathBuf::from).or(home),
    }
}

/// Returns the name of this machine.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
