//! The command line where no swarm is needed: words, exit codes, the state directory.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod another_swarm;
mod forging;
mod keeping;
mod look;
mod memory;
mod modules;
mod nowhere;
mod one_look;
mod packages;
mod people;
mod rehearse;
mod schedule;
mod serve;
mod start;
mod state;
mod token;
mod transcript;
mod waits;
mod words;

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Somebody at a machine without Docker.
pub(crate) struct Operator {
    pub(crate) home: TempDir,
}

impl Operator {
    pub(crate) fn at_home() -> Self {
        Operator { home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.home.path().join("state")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.home.path()).env("WINDLASS_STATE", self.state());
        command.env("DOCKER_HOST", format!("unix://{}/no.sock", self.home.path().display()));
        command
    }

    pub(crate) fn windlass(&self, args: &str) -> Output {
        self.command(&args.split_whitespace().collect::<Vec<_>>()).output().unwrap()
    }

    /// Writes a file into the home directory and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub(crate) fn all(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr)
}

/// The command ends with this code, and says all of these words.
#[track_caller]
pub(crate) fn assert_says(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{}", all(output));
    for word in words {
        assert!(all(output).contains(word), "no `{word}` in: {}", all(output));
    }
}
