//! Argument types that more than one step uses.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, written as in `"90s"`, `"5m"` or `"24h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(pub Duration);

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map(Span).map_err(|e| {
            serde::de::Error::custom(format!("`{text}` is not a duration such as \"90s\": {e}"))
        })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration" })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// A sealed value: the name of a secret of this run, never the secret itself.
///
/// Steps turn it into the value when they are called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct SealedRef {
    /// The name under which the run keeps the value.
    #[serde(rename = "$sealed")]
    pub name: String,
}

/// What is no sealed value may be a secret in clear, put there by mistake: it is not repeated.
impl<'de> Deserialize<'de> for SealedRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let fields = value.as_object().filter(|fields| fields.len() == 1);
        let name = fields.and_then(|fields| fields.get("$sealed")?.as_str());
        name.map(|name| SealedRef { name: name.to_owned() }).ok_or_else(|| {
            serde::de::Error::custom(
                "a secret value is expected: a parameter of type secret, or what secret.generate \
                 returned",
            )
        })
    }
}

impl JsonSchema for SealedRef {
    fn schema_name() -> Cow<'static, str> {
        "secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "format": "secret" })
    }

    fn inline_schema() -> bool {
        true
    }
}
