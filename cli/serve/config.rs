//! `windlass.toml`: what the daemon is told once for all.

use std::path::Path;

use serde::Deserialize;
use windlass_engine::step::Span;

use crate::exit::Exit;
use crate::problem::Problem;

/// Read if it is there and no other file is named.
const USUAL: &str = "/etc/windlass/windlass.toml";

/// The whole file. Every section may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The daemon itself.
    pub serve: Serve,
}

/// `[serve]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Serve {
    /// How many runs are driven at once; the others queue.
    pub runs: usize,
    /// How long a stop waits for calls that have begun.
    pub patience: Span,
}

impl Default for Serve {
    fn default() -> Self {
        Serve { runs: 8, patience: Span(std::time::Duration::from_secs(60)) }
    }
}

impl Config {
    /// Reads the file that is named, or the usual one if there is one.
    ///
    /// # Errors
    /// If it can't be read, or something in it is not what it should be: which line, and what was
    /// expected.
    pub fn read(named: Option<&Path>) -> Result<Self, Problem> {
        let usual = Path::new(USUAL);
        let Some(path) = named.or_else(|| usual.exists().then_some(usual)) else {
            return Ok(Config::default());
        };
        let wrong = |what: String| {
            Problem::new("WL0019", Exit::Usage, format!("{}: {what}", path.display()))
                .hint("`windlass explain WL0019` shows what the file can hold.")
        };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Config = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|at| text[..at.start].matches('\n').count() + 1);
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{line}{}", error.message())
        })?;
        if config.serve.runs == 0 {
            return Err("[serve] runs: at least 1".to_owned());
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_by_line() {
        assert_eq!(Config::parse("").unwrap().serve.runs, 8);
        let config = Config::parse("[serve]\nruns = 3\npatience = \"5s\"\n").unwrap();
        assert_eq!((config.serve.runs, config.serve.patience.0.as_secs()), (3, 5));
        for (text, words) in [
            ("[serve]\n\nrunz = 3\n", ["line 3", "unknown field `runz`"]),
            ("[serve]\nruns = \"many\"\n", ["line 2", "invalid type"]),
            ("[serve\n", ["line 1", ""]),
            ("[serve]\nruns = 0\n", ["runs", "at least 1"]),
            ("[serve]\npatience = \"soon\"\n", ["line 2", "soon"]),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
