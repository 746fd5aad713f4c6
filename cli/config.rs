//! `windlass.toml`: what a daemon is told. Each part declares its own section.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use windlass_duty::{notice, schedule};
use windlass_engine::step::Span;

use crate::exit::Exit;
use crate::problem::Problem;

/// Where the file lies if nothing else is said.
pub const PLACE: &str = "/etc/windlass/windlass.toml";

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The daemon itself.
    pub serve: Serve,
    /// Runs that start at their times.
    pub schedule: Vec<schedule::Config>,
    /// Who is told.
    pub notice: Vec<notice::Config>,
    /// What answers over HTTP.
    pub console: windlass_desk::Config,
    /// How long the audit keeps what was asked.
    pub audit: windlass_desk::Retention,
    /// Where the heads of journals go.
    pub evidence: windlass_duty::publish::Config,
}

/// `[serve]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// How many runs are driven at once; the others queue.
    pub runs: std::num::NonZeroUsize,
    /// How long a stop waits for calls that have begun.
    pub patience: Span,
    /// Whose members may ask over the socket of the state directory.
    pub group: Option<String>,
}

impl Default for Serve {
    fn default() -> Self {
        let runs = std::num::NonZeroUsize::MIN.saturating_add(7);
        Serve { runs, patience: Span(Duration::from_secs(60)), group: None }
    }
}

impl Config {
    /// Reads the file that is named, or the one in its usual place if there is one.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn find(named: Option<&Path>) -> Result<Self, Problem> {
        let usual = Path::new(PLACE);
        match named.or_else(|| usual.exists().then_some(usual)) {
            Some(path) => Self::read(path),
            None => Ok(Config::default()),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// If it can't be read, or says what nobody understands: file, line, what was expected.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            wrong(format!("{} can't be read: {e}", path.display()))
                .hint("Name the file with --config FILE.")
        })?;
        let config: Config = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |at| text[..at.start].matches('\n').count() + 1);
            // Not the line itself: what is written there by mistake may be a secret.
            wrong(format!("{}:{line}: {}", path.display(), error.message()))
        })?;
        let console = config.console.check();
        console.map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        Ok(config)
    }
}

fn wrong(message: String) -> Problem {
    Problem::new("WL0021", Exit::Usage, message)
}
