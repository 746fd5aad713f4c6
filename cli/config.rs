//! `windlass.toml`: what a daemon is told. Each part declares its own section.

use std::path::Path;

use serde::Deserialize;
use windlass_duty::{notice, schedule};

use crate::exit::Exit;
use crate::problem::Problem;

/// Where the file lies if nothing else is said.
pub const PLACE: &str = "/etc/windlass/windlass.toml";

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Runs that start at their times.
    pub schedule: Vec<schedule::Config>,
    /// Who is told.
    pub notice: Vec<notice::Config>,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// If it can't be read, or says what nobody understands: file, line, what was expected.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            wrong(format!("{} can't be read: {e}", path.display()))
                .hint("Name the file with --config FILE.")
        })?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |at| text[..at.start].matches('\n').count() + 1);
            // Not the line itself: what is written there by mistake may be a secret.
            wrong(format!("{}:{line}: {}", path.display(), error.message()))
        })
    }
}

fn wrong(message: String) -> Problem {
    Problem::new("WL0021", Exit::Usage, message)
}
