//! The header of a runbook.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::Table;

use windlass_journal::parameter::{values, well_formed};

use super::{Parameter, ParameterError, ParameterKind};

/// What a runbook says of itself before it does anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Header {
    /// One line, for lists.
    pub title: String,
    /// More, for `windlass describe`.
    pub about: String,
    /// The parameters, in the order in which they are declared.
    pub params: Vec<(String, Parameter)>,
    /// Names of locks, with parameters in braces: `secret:{secret}`.
    pub locks: Vec<String>,
    /// Names of the modules whose functions it uses.
    pub uses: Vec<String>,
    /// What holds at every end that the runbook allows, as a sentence and an expression that only
    /// reads. Rehearsals evaluate them.
    pub invariants: Vec<(String, String)>,
}

/// What is wrong in a header, and on which line of the runbook.
#[derive(Debug)]
pub(super) struct HeaderError {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    title: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    params: Table,
    #[serde(default)]
    locks: Vec<String>,
    #[serde(default)]
    uses: Vec<String>,
    #[serde(default)]
    invariants: Table,
}

/// What a module says of itself; it need not say anything.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModuleHeader {
    /// For readers of its file.
    #[serde(default, rename = "about")]
    _about: String,
    /// Names of the modules whose functions it uses.
    #[serde(default)]
    pub(super) uses: Vec<String>,
}

impl ModuleHeader {
    /// Reads the header of a module's text.
    ///
    /// # Errors
    /// If it is no TOML, or not the right TOML.
    pub(super) fn read(text: &str) -> Result<Self, HeaderError> {
        let toml = header_text(text);
        toml::from_str(&toml).map_err(|error| located(&toml, &error))
    }
}

/// The mark of a header line.
const MARK: &str = "//!";

impl Header {
    /// Reads the header of a runbook's text, and says what is wrong in it. Nothing of it is known if
    /// it is no TOML, or not the right TOML.
    pub(super) fn read(text: &str) -> (Option<Self>, Vec<HeaderError>) {
        let toml = header_text(text);
        if toml.trim().is_empty() {
            let problem = format!("a runbook begins with a header: {MARK} title = \"...\"");
            return (None, vec![HeaderError { line: 1, column: 1, problem }]);
        }
        let mut declared: Declared = match toml::from_str(&toml) {
            Ok(declared) => declared,
            Err(error) => return (None, vec![located(&toml, &error)]),
        };
        let mut mistakes = Vec::new();
        let mut wrong = |name: &str, problem: String| {
            mistakes.push(HeaderError { line: line_of(&toml, name), column: 1, problem });
        };
        let mut params = Vec::new();
        for (name, value) in std::mem::take(&mut declared.params) {
            let parameter = Parameter::deserialize(value).map_err(|e| e.message().to_owned());
            let parameter = parameter.and_then(|p| well_formed(&name, &p).map(|()| p));
            // The script may use it all the same: a mistake is told once.
            let parameter = parameter.unwrap_or_else(|problem| {
                wrong(&name, format!("parameter `{name}`: {problem}"));
                Parameter::unknown()
            });
            params.push((name, parameter));
        }
        let mut invariants = Vec::new();
        for (sentence, value) in std::mem::take(&mut declared.invariants) {
            match value.as_str() {
                Some(expression) => invariants.push((sentence, expression.to_owned())),
                None => wrong(
                    &format!("{sentence:?}"),
                    format!("invariant \"{sentence}\": give an expression as a string"),
                ),
            }
        }
        let Declared { title, about, locks, uses, .. } = declared;
        let header = Header { title, about, params, locks, uses, invariants };
        for (name, parameter) in &header.params {
            if let Err(problem) = header.check_moves(parameter) {
                wrong(name, format!("parameter `{name}`: {problem}"));
            }
        }
        for lock in &header.locks {
            if let Err(problem) = header.check_lock(lock) {
                wrong("locks", problem);
            }
        }
        (Some(header), mistakes)
    }

    /// Returns the parameter with this name.
    pub fn param(&self, name: &str) -> Option<&Parameter> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, p)| p)
    }

    /// Returns the values of all public parameters: those given as texts, and defaults.
    ///
    /// # Errors
    /// If one is unknown, missing, not of its kind, or a secret. Secrets come separately: their
    /// names are in `sealed`.
    pub fn values(
        &self,
        given: &[(String, String)],
        sealed: &[String],
    ) -> Result<Map<String, Value>, ParameterError> {
        values(&self.params, given, sealed)
    }

    /// Returns a parameter whose value would fit one run and not the next, and the parameter that
    /// has to be true for it to fit all.
    pub fn moved(&self, values: &Map<String, Value>) -> Option<(&str, &str)> {
        self.params.iter().find_map(|(name, parameter)| {
            let unless = parameter.moves_unless.as_deref()?;
            (values.get(unless) != Some(&Value::Bool(true))).then_some((name.as_str(), unless))
        })
    }

    /// Returns the names of the locks that a run with these parameters takes.
    pub fn locks(&self, values: &Map<String, Value>) -> Vec<String> {
        let fill = |lock: &String| {
            values.iter().fold(lock.clone(), |lock, (name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                lock.replace(&format!("{{{name}}}"), &text)
            })
        };
        self.locks.iter().map(fill).collect()
    }

    /// Returns the line of the runbook that declares something.
    pub(super) fn line_of(text: &str, name: &str) -> usize {
        line_of(&header_text(text), name)
    }

    fn check_moves(&self, parameter: &Parameter) -> Result<(), String> {
        match &parameter.moves_unless {
            Some(unless) if self.param(unless).is_none_or(|p| p.kind != ParameterKind::Bool) => {
                Err(format!("moves_unless: there is no bool parameter `{unless}`"))
            }
            _ => Ok(()),
        }
    }

    fn check_lock(&self, lock: &str) -> Result<(), String> {
        for part in lock.split('{').skip(1) {
            let name = part.split('}').next().unwrap_or_default();
            match self.param(name) {
                None => return Err(format!("lock `{lock}`: there is no parameter `{name}`")),
                Some(p) if p.kind == ParameterKind::Secret => {
                    return Err(format!(
                        "lock `{lock}`: `{name}` is a secret and can't name a lock"
                    ));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Returns the TOML of the header, line for line as in the runbook.
fn header_text(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with(MARK));
    lines
        .map(|line| format!("{}\n", line[MARK.len()..].strip_prefix(' ').unwrap_or(&line[3..])))
        .collect()
}

fn located(toml: &str, error: &toml::de::Error) -> HeaderError {
    let start = error.span().map_or(0, |span| span.start.min(toml.len()));
    let before = &toml[..start];
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    HeaderError {
        line: before.matches('\n').count() + 1,
        column: column + MARK.len() + 2,
        problem: error.message().to_owned(),
    }
}

fn line_of(toml: &str, name: &str) -> usize {
    let starts = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
            || line.strip_prefix("[params.").is_some_and(|rest| rest.starts_with(name))
    };
    toml.lines().position(starts).map_or(1, |n| n + 1)
}
