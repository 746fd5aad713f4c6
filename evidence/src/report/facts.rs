//! JSON as short facts.
//!
//! Steps differ, and later ones will too: what a call read and returned is shown by the shape of its
//! JSON. An object with an ID and a name is one thing, a sealed value is its name, and what is long
//! is cut.

use serde_json::Value;

use super::Fact;

/// Characters of a fact.
const VALUE_MAX: usize = 160;

/// Things of a list that are named; of the others the number is told.
const LISTED_MAX: usize = 12;

/// Returns what a JSON value says, in the order of its fields; `noun` is what it is if it has none.
pub(super) fn facts(noun: &str, value: &Value) -> Vec<Fact> {
    match value {
        Value::Null => Vec::new(),
        Value::Object(fields) if !is_thing(value) && sealed(value).is_none() => {
            let shown = fields.iter().filter(|(_, value)| !is_empty(value));
            shown.map(|(name, value)| Fact { name: said(name), value: text(value) }).collect()
        }
        value => vec![Fact { name: noun.to_owned(), value: text(value) }],
    }
}

/// Returns a value in words.
pub(super) fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let mut words: Vec<String> = list.iter().take(LISTED_MAX).map(name).collect();
            if list.len() > LISTED_MAX {
                words.push(format!("and {} more", list.len() - LISTED_MAX));
            }
            words.join(", ")
        }
        Value::Object(fields) => match sealed(value) {
            Some(name) => format!("the sealed value `{name}`"),
            None if is_thing(value) => thing(value),
            None => {
                let fields = fields.iter().filter(|(_, value)| !is_empty(value));
                let words: Vec<String> = fields
                    .map(|(name, value)| format!("{}: {}", said(name), text(value)))
                    .collect();
                words.join("; ")
            }
        },
    };
    cut(&text)
}

/// Returns the name of the sealed value that is referred to.
pub(super) fn sealed(value: &Value) -> Option<&str> {
    value.get("$sealed").and_then(Value::as_str)
}

/// An object of the swarm, with the ID that decides.
pub(super) fn thing(value: &Value) -> String {
    let field = |name: &str| value[name].as_str().unwrap_or("?");
    format!("{} ({})", field("name"), field("id"))
}

fn is_thing(value: &Value) -> bool {
    value["id"].is_string() && value["name"].is_string()
}

fn name(value: &Value) -> String {
    match value["name"].as_str() {
        Some(name) => name.to_owned(),
        None => text(value),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn said(name: &str) -> String {
    name.replace('_', " ")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_told_by_its_shape() {
        let told = |value: Value| {
            facts("secret", &value)
                .into_iter()
                .map(|f| format!("{}={}", f.name, f.value))
                .collect::<Vec<_>>()
        };
        let value = json!({
            "api": "1.41", "old_one": { "id": "x1", "name": "db", "labels": {} }, "none": null,
            "value": { "$sealed": "call 3" }, "services": [{ "name": "a" }, { "name": "b" }],
            "ready": true, "deep": { "a": 1, "b": [] },
        });
        let expected = [
            "api=1.41",
            "old one=db (x1)",
            "value=the sealed value `call 3`",
            "services=a, b",
            "ready=yes",
            "deep=a: 1",
        ];
        assert_eq!(told(value), expected);
        assert_eq!(told(json!("db_v2")), ["secret=db_v2"]);
        assert_eq!(told(json!({ "id": "1", "name": "db" })), ["secret=db (1)"]);
        assert!(told(json!(null)).is_empty());
    }

    #[test]
    fn what_is_long_is_cut_at_a_character() {
        assert_eq!(text(&json!("ü".repeat(500))).chars().count(), VALUE_MAX + 3);
        let many: Vec<Value> = (0..100).map(|n| json!({ "name": format!("s{n}") })).collect();
        assert!(text(&json!(many)).ends_with("s11, and 88 more"));
    }
}
