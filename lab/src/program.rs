//! Running the system's programs (`ip`, `iptables`, `nsenter` ...) and saying well what failed.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

/// Where administrators' programs live; often not in the `PATH` of a shell opened with `su`.
pub(crate) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A system program that could not be run or said no.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The program is not installed, or could not be started.
    #[error("start `{command}`: {source}; `windlass lab up --install` installs what is missing")]
    Start {
        /// The command line.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program ended with an error.
    #[error("run `{command}`: {message}")]
    Failed {
        /// The command line.
        command: String,
        /// What the program wrote to its standard error, or its exit status if it was silent.
        message: String,
    },
}

impl ProgramError {
    /// Returns what the program wrote to its standard error; empty if it never ran.
    pub(crate) fn message(&self) -> &str {
        match self {
            ProgramError::Start { .. } => "",
            ProgramError::Failed { message, .. } => message,
        }
    }
}

/// Returns the absolute path of a program, looking in `PATH` and in the system's directories.
pub(crate) fn locate(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(env::split_paths(SYSTEM_PATH))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Returns a command for `program`, with its absolute path where one is known.
pub(crate) fn command(program: &str) -> Command {
    Command::new(locate(program).unwrap_or_else(|| program.into()))
}

/// Runs a program to its end and returns what it wrote to its standard output.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> Result<String, ProgramError> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let output = command(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| ProgramError::Start { command: shown(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let message = if stderr.is_empty() { output.status.to_string() } else { stderr };
    Err(ProgramError::Failed { command: shown(), message })
}
