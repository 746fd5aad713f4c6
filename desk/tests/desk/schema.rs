//! Values made from a JSON Schema: some that fit, some at the edge, some that don't.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Makes values for the schemas of one document.
pub struct Maker<'a> {
    pub document: &'a Value,
    pub random: Rng,
}

impl Maker<'_> {
    /// Returns a value that fits, or nearly: what a schema can't say is not known here.
    pub fn fitting(&mut self, schema: &Value) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = self.document.pointer(&reference[1..]).unwrap().clone();
            return self.fitting(&schema);
        }
        for ways in ["anyOf", "oneOf"] {
            if let Some(ways) = schema[ways].as_array() {
                let way = ways[self.random.usize(..ways.len())].clone();
                return self.fitting(&way);
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            return values[self.random.usize(..values.len())].clone();
        }
        if schema.get("const").is_some() {
            return schema["const"].clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[self.random.usize(..kinds.len())].clone(),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("object") => self.object(schema),
            Some("array") => {
                let most = schema["maxItems"].as_u64().unwrap_or(3).min(3);
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let items = schema["items"].clone();
                (0..self.random.u64(least..=most.max(least)))
                    .map(|_| self.fitting(&items))
                    .collect()
            }
            Some("string") => self.text(schema).into(),
            Some("integer" | "number") => self.number(schema),
            Some("boolean") => self.random.bool().into(),
            Some("null") => Value::Null,
            _ => [json!(null), json!(7), json!("x"), json!({ "a": [] })][self.random.usize(..4)]
                .clone(),
        }
    }

    /// Returns a value in which something is wrong.
    pub fn broken(&mut self, schema: &Value) -> Value {
        let mut value = self.fitting(schema);
        let odd = [
            json!(null),
            json!(-1),
            json!(1e300),
            json!("\u{0}\u{202e}'\"; --"),
            json!([[]]),
            json!({}),
        ];
        let odd = odd[self.random.usize(..odd.len())].clone();
        let Some(object) = value.as_object_mut().filter(|object| !object.is_empty()) else {
            return odd;
        };
        let names: Vec<String> = object.keys().cloned().collect();
        let name = &names[self.random.usize(..names.len())];
        match self.random.u8(..4) {
            0 => drop(object.remove(name)),
            1 => drop(object.insert(name.clone(), odd)),
            2 => drop(object.insert("no_such_field".to_owned(), odd)),
            _ => return odd,
        }
        value
    }

    fn object(&mut self, schema: &Value) -> Value {
        let mut object = Map::new();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, field) in schema["properties"].as_object().cloned().unwrap_or_default() {
            if required.contains(&json!(name)) || self.random.bool() {
                object.insert(name, self.fitting(&field));
            }
        }
        if schema["additionalProperties"].is_object() && self.random.bool() {
            let value = self.fitting(&schema["additionalProperties"].clone());
            object.insert("n".to_owned(), value);
        }
        object.into()
    }

    fn text(&mut self, schema: &Value) -> String {
        if schema["pattern"].is_string() {
            return ["1", "2", "4.2.1", "99999999999"][self.random.usize(..4)].to_owned();
        }
        let known =
            ["quick", "held", "stuck", "told", "asks", "broken", "//! title = \"T\"\n", "ü", " "];
        let mut text = known[self.random.usize(..known.len())].to_owned();
        let least = schema["minLength"].as_u64().unwrap_or(0);
        let most = schema["maxLength"].as_u64().unwrap_or(5_000);
        match self.random.u8(..6) {
            0 => text = "x".repeat(usize::try_from(least).unwrap()),
            1 => text = "y".repeat(usize::try_from(most).unwrap()),
            2 => text = "z".repeat(usize::try_from(most + 1).unwrap()),
            _ => {}
        }
        text
    }

    fn number(&mut self, schema: &Value) -> Value {
        let least = schema["minimum"].as_f64().unwrap_or(-1.0) as i64;
        let most = schema["maximum"].as_f64().unwrap_or(1e6) as i64;
        [least, most, least - 1, most + 1, 5][self.random.usize(..5)].into()
    }
}
