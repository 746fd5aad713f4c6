//! JSON that is kept and seldom looked at.

use serde_json::Value;

/// JSON as text. A run of ten thousand services keeps the arguments and outcomes of sixty thousand
/// calls in memory; as trees they would take ten times the room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed(Box<str>);

impl Packed {
    /// Packs a value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Packed::default(),
            value => Packed(value.to_string().into()),
        }
    }

    /// Returns the value.
    pub fn value(&self) -> Value {
        // What was packed is JSON; nothing at all stands for null.
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// True if this is the value, whatever the order of its fields.
    pub fn is(&self, value: &Value) -> bool {
        *self == Packed::of(value) || self.value() == *value
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for value in [json!(null), json!(""), json!({ "a": [1, { "b": "\u{e9}\n" }] })] {
            let packed = Packed::of(&value);
            assert_eq!(packed.value(), value);
            assert!(packed.is(&value) && !packed.is(&json!(17)));
        }
        let packed = Packed::of(&json!({ "a": 1, "b": 2 }));
        assert!(packed.is(&json!({ "b": 2, "a": 1 })));
    }
}
