//! Parameters: what a runbook must be told.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::shown::{forbidden, in_one_line};

/// A parameter as its runbook declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What kind of value it takes.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it is, for people.
    pub help: String,
    /// What it is if nothing is given; without this it is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The values that an enum can have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The smallest integer allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The largest integer allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// A run gives what this names another name, so that the next run would not find it, unless this
    /// other parameter is true: a schedule must set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves_unless: Option<String>,
}

/// The kinds of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ParameterKind")]
pub enum Kind {
    /// Any text.
    String,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// A length of time such as `90s`, `5m`, `24h`.
    Duration,
    /// A number of bytes such as `512`, `10KiB`, `1GiB`.
    Size,
    /// One of the values listed.
    Enum,
    /// Several texts, separated by commas.
    List,
    /// A secret value; it is never given on the command line.
    Secret,
}

impl Kind {
    /// Returns the kind as runbooks spell it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Int => "int",
            Kind::Bool => "bool",
            Kind::Duration => "duration",
            Kind::Size => "size",
            Kind::Enum => "enum",
            Kind::List => "list",
            Kind::Secret => "secret",
        }
    }
}

/// Why a value does not fit a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The runbook has no such parameter.
    #[error("there is no parameter `{name}`; this runbook takes {known}")]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// A required one was not given.
    #[error("the parameter `{name}` is missing: {help}")]
    Missing {
        /// Its name.
        name: String,
        /// What it is.
        help: String,
        /// True if it is a secret, which is given in another way.
        secret: bool,
    },
    /// The value is not of the kind.
    #[error("`{name}` must be {expected}, and `{}` is not", in_one_line(.given))]
    Mismatch {
        /// Its name.
        name: String,
        /// What it takes.
        expected: String,
        /// What was given.
        given: String,
    },
    /// A secret was given in the open.
    #[error("`{name}` is a secret and can't be given as an argument, where others can read it")]
    SecretInTheOpen {
        /// Its name.
        name: String,
    },
}

impl Parameter {
    /// Stands for one whose declaration can't be read.
    pub fn unknown() -> Self {
        Parameter {
            kind: Kind::String,
            help: String::new(),
            default: None,
            values: Vec::new(),
            min: None,
            max: None,
            moves_unless: None,
        }
    }

    /// Returns the value that a text stands for.
    ///
    /// # Errors
    /// If it is not of the parameter's kind.
    pub fn parse(&self, name: &str, text: &str) -> Result<Value, ParameterError> {
        let text = text.trim();
        if self.kind != Kind::Secret && forbidden(text).is_some() {
            return Err(ParameterError::Mismatch {
                name: name.to_owned(),
                expected: format!("{}, without control characters", self.expected()),
                given: text.to_owned(),
            });
        }
        let parsed = match self.kind {
            Kind::String => Some(Value::from(text)),
            Kind::Int => text.parse().ok().filter(|n| self.in_range(*n)).map(Value::from),
            Kind::Bool => text.parse::<bool>().ok().map(Value::from),
            Kind::Duration => humantime::parse_duration(text).ok().map(|_| Value::from(text)),
            Kind::Size => size(text).map(Value::from),
            Kind::Enum => self.values.iter().any(|v| v == text).then(|| Value::from(text)),
            Kind::List => Some(Value::from_iter(
                text.split(',').map(str::trim).filter(|item| !item.is_empty()),
            )),
            Kind::Secret => {
                return Err(ParameterError::SecretInTheOpen { name: name.to_owned() });
            }
        };
        parsed.ok_or_else(|| ParameterError::Mismatch {
            name: name.to_owned(),
            expected: self.expected(),
            given: text.to_owned(),
        })
    }

    /// Returns the default, read in the same way as a value that is given.
    ///
    /// # Errors
    /// If it is not of the parameter's kind.
    pub fn default_value(&self, name: &str) -> Result<Option<Value>, ParameterError> {
        let text = match &self.default {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
            }
            Some(other) => other.to_string(),
        };
        self.parse(name, &text).map(Some)
    }

    /// Returns what it takes, for people: "a whole number from 1 to 64".
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::String => "a text".to_owned(),
            Kind::Int => match (self.min, self.max) {
                (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
                (Some(min), None) => format!("a whole number from {min} on"),
                (None, Some(max)) => format!("a whole number up to {max}"),
                (None, None) => "a whole number".to_owned(),
            },
            Kind::Bool => "true or false".to_owned(),
            Kind::Duration => "a duration such as 90s, 5m or 24h".to_owned(),
            Kind::Size => "a size such as 512, 10KiB or 1GiB".to_owned(),
            Kind::Enum => format!("one of {}", self.values.join(", ")),
            Kind::List => "texts with commas between them".to_owned(),
            Kind::Secret => "a secret value".to_owned(),
        }
    }

    fn in_range(&self, number: i64) -> bool {
        self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
    }
}

fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: u64 = digits.parse().ok()?;
    let unit: u64 = match text[digits.len()..].trim() {
        "" | "B" => 1,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        "TiB" | "T" => 1 << 40,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Checks a declaration: its name, and what goes with its kind.
///
/// # Errors
/// In words, if it can't stand.
pub fn well_formed(name: &str, parameter: &Parameter) -> Result<(), String> {
    let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !word {
        return Err("a name has letters, digits and `_`, and begins with a letter".to_owned());
    }
    if parameter.kind == Kind::Enum && parameter.values.is_empty() {
        return Err("an enum needs its `values`".to_owned());
    }
    if parameter.kind == Kind::Secret && parameter.default.is_some() {
        return Err("a secret can't have a default: it would be in the runbook's text".to_owned());
    }
    parameter.default_value(name).map(drop).map_err(|error| error.to_string())
}

/// Returns the values of all public parameters: those given as texts, and defaults.
///
/// # Errors
/// If one is unknown, missing, not of its kind, or a secret. Secrets come separately: their names
/// are in `sealed`.
pub fn values(
    params: &[(String, Parameter)],
    given: &[(String, String)],
    sealed: &[String],
) -> Result<Map<String, Value>, ParameterError> {
    let names = given.iter().map(|(name, _)| name).chain(sealed);
    for name in names {
        if params.iter().all(|(known, _)| known != name) {
            let known: Vec<&str> = params.iter().map(|(n, _)| n.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(ParameterError::Unknown { name: name.clone(), known });
        }
    }
    let mut values = Map::new();
    for (name, parameter) in params {
        let text = given.iter().rev().find(|(n, _)| n == name).map(|(_, text)| text);
        let value = match (parameter.kind, text) {
            (Kind::Secret, None) if sealed.contains(name) => {
                Some(serde_json::json!({ "$sealed": name }))
            }
            (Kind::Secret, None) => None,
            (_, Some(text)) => Some(parameter.parse(name, text)?),
            (_, None) => parameter.default_value(name)?,
        };
        let value = value.ok_or_else(|| ParameterError::Missing {
            name: name.clone(),
            help: parameter.help.clone(),
            secret: parameter.kind == Kind::Secret,
        })?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameter(kind: Kind) -> Parameter {
        Parameter {
            kind,
            help: String::new(),
            default: None,
            values: vec!["a".into(), "b".into()],
            min: Some(1),
            max: Some(64),
            moves_unless: None,
        }
    }

    #[test]
    fn values_are_read_by_kind() {
        for (kind, text, value) in [
            (Kind::String, "x y", json!("x y")),
            (Kind::Int, "64", json!(64)),
            (Kind::Bool, "true", json!(true)),
            (Kind::Duration, "90s", json!("90s")),
            (Kind::Size, "10KiB", json!(10_240)),
            (Kind::Enum, "b", json!("b")),
            (Kind::List, "a, b,", json!(["a", "b"])),
        ] {
            assert_eq!(parameter(kind).parse("p", text).unwrap(), value);
        }
    }

    #[test]
    fn what_does_not_fit_says_what_would() {
        for (kind, text, says) in [
            (Kind::Int, "65", "a whole number from 1 to 64"),
            (Kind::Int, "four", "a whole number"),
            (Kind::Bool, "yes", "true or false"),
            (Kind::Duration, "90", "a duration such as 90s"),
            (Kind::Size, "10 bananas", "a size such as 512"),
            (Kind::Enum, "c", "one of a, b"),
        ] {
            let error = parameter(kind).parse("p", text).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains(text), "{error}");
        }
    }

    /// What an approver read could be written over by a parameter.
    #[test]
    fn no_value_controls_a_terminal_but_it_may_have_lines() {
        for text in ["a\u{1b}[2Jb", "a\rb", "a\u{9b}b", "a\0b"] {
            for kind in [Kind::String, Kind::List] {
                let error = parameter(kind).parse("p", text).unwrap_err().to_string();
                assert!(error.contains("control characters"), "{error}");
                assert!(!error.chars().any(crate::event::shown::is_hidden), "{error}");
            }
        }
        assert_eq!(parameter(Kind::String).parse("p", "a\n\tb").unwrap(), json!("a\n\tb"));
    }

    #[test]
    fn a_secret_is_not_taken_in_the_open_and_not_repeated() {
        let error = parameter(Kind::Secret).parse("p", "canary").unwrap_err().to_string();
        assert!(error.contains("secret") && !error.contains("canary"));
    }
}
