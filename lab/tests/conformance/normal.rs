//! Observations without what differs from swarm to swarm: names of nodes, IDs, the case's prefix.

use serde_json::Value;

use crate::place::Place;

/// IDs of swarm objects have this many digits and small letters.
const ID_LENGTH: usize = 25;

/// Returns the observation with placeholders, numbered in the order of appearance.
pub fn normal(place: &Place, observed: &Value) -> Value {
    let mut ids = Vec::new();
    replaced(observed, &mut |text| {
        let mut text = text.replace(&place.prefix, "");
        for (index, node) in place.nodes.iter().enumerate() {
            text = text.replace(&node.name, &format!("node{}", index + 1));
        }
        words(&text, &mut ids)
    })
}

fn replaced(value: &Value, edit: &mut dyn FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(edit(text)),
        Value::Array(list) => list.iter().map(|item| replaced(item, edit)).collect(),
        Value::Object(map) => {
            let pair = |(key, item): (&String, &Value)| (edit(key), replaced(item, edit));
            map.iter().map(pair).collect()
        }
        other => other.clone(),
    }
}

fn words(text: &str, ids: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let length = rest.find(|c| !letters(c)).unwrap_or(rest.len());
        let (word, more) = rest.split_at(length);
        match word.len() {
            ID_LENGTH => {
                let known = ids.iter().position(|id| id == word).unwrap_or_else(|| {
                    ids.push(word.to_owned());
                    ids.len() - 1
                });
                out.push_str(&format!("<id{}>", known + 1));
            }
            64 if word.chars().all(|c| c.is_ascii_hexdigit()) => out.push_str("<hex>"),
            _ => out.push_str(word),
        }
        let next = more.find(letters).unwrap_or(more.len());
        out.push_str(&more[..next]);
        rest = &more[next..];
    }
    out
}

#[test]
fn ids_are_numbered_and_words_stay() {
    let (a, b) = ("a".repeat(ID_LENGTH), "b".repeat(ID_LENGTH));
    let text = format!("secret {a} and {b}, {a}; {} longer than an id", "c".repeat(26));
    let expected = format!("secret <id1> and <id2>, <id1>; {} longer than an id", "c".repeat(26));
    assert_eq!(words(&text, &mut Vec::new()), expected);
}
