//! The query of a request: its parameters, and the daemon's filters.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::simulated::model::refusal::Refusal;

/// Parameters by name; the first of each counts.
#[derive(Debug, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn read(text: &str) -> Self {
        let mut parameters = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.entry(decoded(key)).or_insert_with(|| decoded(value));
        }
        Query(parameters)
    }

    pub(crate) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub(crate) fn is_set(&self, key: &str) -> bool {
        !["", "0", "no", "false", "none"].contains(&self.get(key).to_ascii_lowercase().as_str())
    }

    /// Returns the filters, if they are among those that are known; none means any.
    pub(crate) fn filters(&self, known: &[&str]) -> Result<Filters, Refusal> {
        let text = self.get("filters");
        let mut filters = BTreeMap::new();
        if !text.is_empty() {
            let value: Value = serde_json::from_str(text).map_err(|_| {
                let first = text.chars().next().unwrap_or(' ');
                Refusal::bad(format!("invalid character '{first}' looking for beginning of value"))
            })?;
            for (key, of) in value.as_object().into_iter().flatten() {
                if !known.is_empty() && !known.contains(&key.as_str()) {
                    return Err(Refusal::bad(format!("Invalid filter '{key}'")));
                }
                // Lists are the old form, maps to true the new one.
                let list = of.as_array().into_iter().flatten().filter_map(Value::as_str);
                let map = of.as_object().into_iter().flatten();
                let map = map.filter(|(_, on)| **on == Value::Bool(true)).map(|(k, _)| k.as_str());
                filters.insert(key.clone(), list.chain(map).map(str::to_owned).collect());
            }
        }
        Ok(Filters(filters))
    }
}

/// What a list is restricted to.
#[derive(Debug, Default)]
pub(crate) struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    pub(crate) fn values(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// True if the text is one of the values, or there are none.
    pub(crate) fn is(&self, key: &str, text: &str) -> bool {
        self.values(key).is_empty() || self.values(key).iter().any(|value| value == text)
    }

    /// True if the text begins with one of the values, or there are none.
    pub(crate) fn begins(&self, key: &str, text: &str) -> bool {
        self.values(key).is_empty() || self.values(key).iter().any(|value| text.starts_with(value))
    }

    /// True if there are all these labels: `key` or `key=value`.
    pub(crate) fn labelled<'a>(&self, key: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.values(key).iter().all(|wanted| match wanted.split_once('=') {
            Some((name, value)) => label(name) == Some(value),
            None => label(wanted).is_some(),
        })
    }
}

/// Decodes `%41` and `+`.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match (bytes[at], hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_filters_are_read_in_both_forms() {
        let text = "version=7&filters=%7B%22name%22%3A%5B%22a%22%5D%2C%22label%22%3A%7B%22x%3Dy%22%3Atrue%7D%7D";
        let query = Query::read(text);
        assert_eq!(query.get("version"), "7");
        let filters = query.filters(&["name", "label"]).unwrap();
        assert!(filters.begins("name", "api") && !filters.begins("name", "web"));
        assert!(filters.labelled("label", |key| (key == "x").then_some("y")));
        assert!(!filters.labelled("label", |_| None));
        assert_eq!(query.filters(&["name"]).unwrap_err().message, "Invalid filter 'label'");
    }
}
