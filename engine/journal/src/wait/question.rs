//! `ask(#{ text, fields, roles, deadline })`: answers of a person, each of a kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::parameter::{self, Kind as ParameterKind, Parameter, ParameterError, well_formed};
use crate::step::Span;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What it is about.
    #[serde(default)]
    pub text: Option<String>,
    /// The fields of the answer, declared as the parameters of a runbook are.
    pub fields: BTreeMap<String, Parameter>,
    /// Who may answer; whoever asks the engine in their name checks this.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How long to wait for an answer; for ever, without one.
    #[serde(default)]
    pub deadline: Option<Span>,
}

impl Question {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.fields.is_empty() {
            return Err("`fields` has at least one field".to_owned());
        }
        for (name, field) in &self.fields {
            well_formed(name, field).map_err(|problem| format!("field `{name}`: {problem}"))?;
        }
        Ok(())
    }

    /// Returns what it is about; the names of its fields, if the runbook does not say.
    pub fn text(&self) -> String {
        let names = || self.fields.keys().cloned().collect::<Vec<_>>().join(", ");
        self.text.clone().unwrap_or_else(names)
    }

    /// Returns the answer that texts make. Secret fields come separately: `sealed` has their names.
    ///
    /// # Errors
    /// If a field is unknown, missing, not of its kind, or a secret in the open.
    pub fn values(
        &self,
        given: &[(String, String)],
        sealed: &[String],
    ) -> Result<Map<String, Value>, ParameterError> {
        let fields: Vec<(String, Parameter)> =
            self.fields.iter().map(|(n, p)| (n.clone(), p.clone())).collect();
        parameter::values(&fields, given, sealed)
    }

    /// Returns an answer of the right kinds, for plans.
    pub(super) fn assumed(&self) -> Value {
        let value = |(name, field): (&String, &Parameter)| {
            let default = field.default_value(name).ok().flatten();
            let value = match field.kind {
                ParameterKind::Secret => Some(json!({ "$sealed": PLANNED_SECRET })),
                _ => default.or_else(|| field.parse(name, &example(field)).ok()),
            };
            (name.clone(), value.unwrap_or_default())
        };
        Value::Object(self.fields.iter().map(value).collect())
    }
}

/// Returns something that a field takes, for plans and rehearsals.
pub fn example(field: &Parameter) -> String {
    match field.kind {
        ParameterKind::String | ParameterKind::Secret => "example".to_owned(),
        ParameterKind::Int => field.min.or(field.max).unwrap_or(0).to_string(),
        ParameterKind::Bool => "false".to_owned(),
        ParameterKind::Duration => "0s".to_owned(),
        ParameterKind::Size => "0".to_owned(),
        ParameterKind::Enum => field.values.first().cloned().unwrap_or_default(),
        ParameterKind::List => String::new(),
    }
}

/// Under this name a plan keeps what stands in for a secret that nobody has given yet.
pub const PLANNED_SECRET: &str = "an answer that is not known yet";

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        let fields = json!({ "fields": {
            "replicas": { "type": "int", "help": "How many?", "min": 1, "max": 9 },
            "how": { "type": "enum", "help": "How?", "values": ["slow", "fast"], "default": "slow" },
            "token": { "type": "secret", "help": "The token" },
        } });
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn answers_are_typed_and_secrets_are_references() {
        let given = |n: &str| [("replicas".to_owned(), n.to_owned())];
        let values = question().values(&given("3"), &["token".to_owned()]).unwrap();
        let expected = json!({ "replicas": 3, "how": "slow", "token": { "$sealed": "token" } });
        assert_eq!(Value::Object(values), expected);
        let wrong = |n: &str, sealed: &[String]| {
            question().values(&given(n), sealed).map(drop).unwrap_err().to_string()
        };
        assert!(wrong("12", &["token".to_owned()]).contains("from 1 to 9"));
        assert!(wrong("3", &[]).contains("`token` is missing"));
        assert_eq!(question().assumed()["replicas"], 1);
    }
}
