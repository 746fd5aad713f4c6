//! Asking the containers of a lab what they serve: the proof that a rotation reached them.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::{Lab, ProgramError, image};

impl Lab {
    /// Runs the docker command line against a node, and returns what it printed. Blocks.
    ///
    /// # Errors
    /// If it can't be started, or ends with an error.
    pub fn run(&self, node: usize, args: &[&str]) -> Result<String, ProgramError> {
        let output = self.docker(node).args(args).stdin(Stdio::null()).output();
        printed(&format!("docker {}", args.join(" ")), output)
    }

    /// The same with something on its standard input: the value of a secret, which must not be an
    /// argument. Blocks.
    ///
    /// # Errors
    /// As [`Lab::run`].
    pub fn run_with_input(
        &self,
        node: usize,
        args: &[&str],
        input: &[u8],
    ) -> Result<String, ProgramError> {
        let output = feed(self.docker(node).args(args), input);
        printed(&format!("docker {}", args.join(" ")), output)
    }

    /// Asks every running container of a service of the app for what it read when it started: by
    /// path, the fingerprint, owner and mode of each secret file. Blocks.
    ///
    /// # Errors
    /// If a container does not answer; it may just have been replaced.
    pub fn served(&self, service: &str) -> Result<Vec<Value>, ProgramError> {
        let label = format!("label=com.docker.swarm.service.name={service}");
        let url = format!("http://127.0.0.1:{}/", image::PORT);
        let mut answers = Vec::new();
        for node in 0..self.nodes.len() {
            let containers = self.run(node, &["ps", "--quiet", "--filter", &label])?;
            for id in containers.lines() {
                let ask = ["exec", id, "wget", "-qO-", &url];
                let answer = self.run(node, &ask)?;
                let answer: Value = serde_json::from_str(&answer).map_err(|e| {
                    ProgramError::Failed { command: ask.join(" "), message: e.to_string() }
                })?;
                answers.push(answer["secrets"].clone());
            }
        }
        Ok(answers)
    }
}

/// Runs a command with something on its standard input, to its end. A command that ends before it
/// has read its input is no error: its status says more. Blocks.
///
/// # Errors
/// If it can't be started.
pub fn feed(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        match pipe.write_all(input) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    child.wait_with_output()
}

fn printed(command: &str, output: io::Result<Output>) -> Result<String, ProgramError> {
    let command = || command.to_owned();
    let output = output.map_err(|source| ProgramError::Start { command: command(), source })?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(ProgramError::Failed { command: command(), message });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
