//! What a schedule is told: a `[[schedule]]` of `windlass.toml`, or the words of `schedule add`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::step::Span;

use super::calendar::{Expression, Zone};
use crate::Name;

/// How far back a missed time is caught up with if nothing is said.
const MISSED_WINDOW: Span = Span(Duration::from_secs(24 * 3600));

/// A schedule.
///
/// ```
/// let text = r#"
///     name = "nightly"
///     runbook = "rotate-secret"
///     params = { secret = "db_v1", parallel = 2 }
///     secrets = { value = "generate:32" }
///     cron = "30 2 * * *"
///     zone = "Europe/Berlin"
///     missed = "one"
///     missed_window = "6h"
///     overlap = "queue"
///     jitter = "5m"
///     alarm_after = "3d"
/// "#;
/// let schedule: windlass_duty::schedule::Config = toml::from_str(text).unwrap();
/// assert_eq!(schedule.zone.to_string(), "Europe/Berlin");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its name.
    pub name: Name,
    /// The runbook: a name from `windlass runbooks`, or an absolute path. It is read whenever the
    /// schedule comes, so that an upgrade is used.
    pub runbook: Program,
    /// Public parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Word>,
    /// Where secret parameters come from: `@FILE` or `generate[:LENGTH]`. Never the value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Source>,
    /// What to do with a newline at the end of a secret that is read from a file.
    #[serde(default)]
    pub newline: Newline,
    /// When it comes.
    pub cron: Expression,
    /// Where the clock hangs that `cron` speaks of.
    pub zone: Zone,
    /// What becomes of times that came while no daemon was running.
    #[serde(default)]
    pub missed: Missed,
    /// How old a missed time may be and still be run late.
    #[serde(default = "missed_window")]
    pub missed_window: Span,
    /// What happens if the last run has not finished.
    #[serde(default)]
    pub overlap: Overlap,
    /// Runs start up to this much later, each time by another amount.
    #[serde(default)]
    pub jitter: Span,
    /// True if it does not come.
    #[serde(default)]
    pub paused: bool,
    /// Without a run that ended done for this long, somebody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_after: Option<Span>,
}

fn missed_window() -> Span {
    MISSED_WINDOW
}

impl Config {
    /// Returns the public parameters as a run takes them.
    pub fn given(&self) -> Vec<(String, String)> {
        self.params.iter().map(|(name, word)| (name.clone(), word.0.clone())).collect()
    }
}

/// What to do with a newline at the end of a secret that is read from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Newline {
    /// The bytes stay as they are.
    #[default]
    Keep,
    /// One newline is taken off.
    Strip,
}

/// What becomes of times that came while no daemon was running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// They are recorded, and that is all.
    #[default]
    Skip,
    /// The latest of them is caught up with: one run, however many were missed.
    One,
    /// Each of them is caught up with, one after the other.
    All,
}

/// What happens if the last run has not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// This time is left out.
    #[default]
    Skip,
    /// One run waits; a further one is left out.
    Queue,
    /// The run that has not finished is cancelled, and the new one starts when it has been undone.
    Replace,
}

/// The name or the path of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Program(String);

impl Program {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Program {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_path = text.contains('/') || text.ends_with(".rhai");
        if text.is_empty() || is_path && !text.starts_with('/') {
            // A daemon has a working directory of its own.
            return Err(format!(
                "`{text}` is not a runbook: expected a name from `windlass runbooks`, or a path from / on"
            ));
        }
        Ok(Program(text))
    }
}

impl From<Program> for String {
    fn from(program: Program) -> String {
        program.0
    }
}

/// The value of a public parameter: a text, a number, `true` or `false`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Scalar", into = "String")]
pub struct Word(pub String);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, a whole number, true or false")]
enum Scalar {
    Text(String),
    Int(i64),
    Bool(bool),
}

impl From<Scalar> for Word {
    fn from(scalar: Scalar) -> Self {
        Word(match scalar {
            Scalar::Text(text) => text,
            Scalar::Int(number) => number.to_string(),
            Scalar::Bool(yes) => yes.to_string(),
        })
    }
}

impl From<Word> for String {
    fn from(word: Word) -> String {
        word.0
    }
}

/// Where a secret value comes from whenever the schedule comes: `@FILE`, or `generate[:LENGTH]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source(String);

impl Source {
    /// Returns the source as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the file, if it is one.
    pub(super) fn file(&self) -> Option<&str> {
        self.0.strip_prefix('@')
    }
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let generated = text == "generate" || text.starts_with("generate:");
        if generated || text.starts_with("@/") {
            return Ok(Source(text));
        }
        // The text may be the secret itself: it is not repeated.
        Err("a secret parameter names its source: expected @/PATH or generate[:LENGTH]".to_owned())
    }
}

impl From<Source> for String {
    fn from(source: Source) -> String {
        source.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = 'a'\nrunbook = 'r'\ncron = '0 1 * * *'\nzone = 'UTC'\n";

    #[test]
    fn what_is_not_said_has_a_stated_default() {
        let config: Config = toml::from_str(LEAST).unwrap();
        assert_eq!((config.missed, config.overlap), (Missed::Skip, Overlap::Skip));
        assert_eq!(config.missed_window, MISSED_WINDOW);
        assert!(config.alarm_after.is_none() && !config.paused);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_was_expected() {
        let cases = [
            ("colour = 1", "unknown field `colour`"),
            ("jitter = '5 parsecs'", "not a duration such as"),
            ("missed = 'two'", "expected one of `skip`, `one`, `all`"),
            ("params = { a = 1.5 }", "a text, a whole number, true or false"),
            ("secrets = { value = 'canary' }", "expected @/PATH or generate"),
        ];
        for (line, expected) in cases {
            let error = toml::from_str::<Config>(&format!("{LEAST}{line}")).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("line 5") && text.contains(expected), "{text}");
            let message = error.message();
            assert!(!message.contains("canary"), "{message}");
        }
        let error = toml::from_str::<Config>(&LEAST.replace("'r'", "'./r.rhai'")).unwrap_err();
        assert!(error.to_string().contains("a path from / on"), "{error}");
    }
}
