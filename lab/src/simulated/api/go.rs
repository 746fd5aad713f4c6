//! Bodies as Go's `encoding/json` reads them into the daemon's types.
//!
//! Go matches names whatever their case, takes the last of several, and refuses values of another
//! type, with the name of the field and its type. So each body goes through this once; what comes
//! out has the daemon's own names, and values of the right kinds. Fields that are not known stay
//! as they are: a newer swarm may know them.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::simulated::model::refusal::Refusal;

/// A type of Go, as far as it matters for reading it.
#[derive(Debug)]
pub(crate) enum Go {
    /// A text, or a type that is one.
    Text(&'static str),
    Bool,
    /// A whole number by the name of its type, between two bounds.
    Whole(&'static str, i128, i128),
    Float,
    /// Base64 in a text.
    Bytes,
    List(&'static str, &'static Go),
    Map(&'static Go),
    Struct(&'static Struct),
}

/// A struct: its name with the package, and its fields.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [(&'static str, Go)],
}

impl Go {
    fn name(&self) -> &'static str {
        match self {
            Go::Text(name) | Go::Whole(name, ..) | Go::List(name, _) => name,
            Go::Bool => "bool",
            Go::Float => "float32",
            Go::Bytes => "[]uint8",
            Go::Map(_) => "map[string]string",
            Go::Struct(of) => of.name,
        }
    }
}

/// Reads a body into a type. What follows the first value is not looked at.
pub(crate) fn read(body: &[u8], into: &'static Struct) -> Result<Value, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::bad("got EOF while reading request body"));
    }
    let value = Value::deserialize(&mut serde_json::Deserializer::from_slice(body))
        .map_err(|error| Refusal::bad(syntax(&error, body)))?;
    if value.is_null() {
        return Ok(Value::Object(Map::new()));
    }
    let mut out = Value::Null;
    let mut path = Path { of: None, fields: Vec::new() };
    decode(&mut out, value, &Go::Struct(into), &mut path).map_err(Refusal::bad)?;
    Ok(out)
}

/// Where in the body something is: the innermost struct, and the fields on the way.
struct Path {
    of: Option<&'static str>,
    fields: Vec<&'static str>,
}

impl Path {
    fn mismatch(&self, value: &Value, go: &Go) -> String {
        let found = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if matches!(go, Go::Whole(..)) => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let name = go.name();
        match self.of {
            None => format!("json: cannot unmarshal {found} into Go value of type {name}"),
            Some(of) => format!(
                "json: cannot unmarshal {found} into Go struct field {}.{} of type {name}",
                of.rsplit('.').next().unwrap_or(of),
                self.fields.join(".")
            ),
        }
    }
}

/// Puts a value into what may be there already: structs and maps that come twice are merged.
fn decode(out: &mut Value, value: Value, go: &Go, path: &mut Path) -> Result<(), String> {
    match (go, value) {
        (_, Value::Null) => {}
        (Go::Text(_) | Go::Bytes, value @ Value::String(_))
        | (Go::Bool, value @ Value::Bool(_))
        | (Go::Float, value @ Value::Number(_)) => *out = value,
        (Go::Whole(_, least, most), Value::Number(number)) => {
            let whole = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
            if !whole.is_some_and(|whole| (*least..=*most).contains(&whole)) {
                return Err(path.mismatch(&Value::Number(number), go));
            }
            *out = Value::Number(number);
        }
        (Go::List(_, each), Value::Array(list)) => {
            let item = |item| {
                let mut out = zero(each);
                decode(&mut out, item, each, path).map(|()| out)
            };
            *out = list.into_iter().map(item).collect::<Result<Vec<Value>, _>>()?.into();
        }
        (Go::Map(each), Value::Object(map)) => {
            for (key, value) in map {
                let mut entry = zero(each);
                decode(&mut entry, value, each, path)?;
                object(out).insert(key, entry);
            }
            object(out);
        }
        (Go::Struct(of), Value::Object(map)) => {
            object(out);
            let outer = path.of.replace(of.name);
            for (key, value) in map {
                let Some((name, go)) = field(of, &key) else {
                    object(out).insert(key, value);
                    continue;
                };
                path.fields.push(name);
                let entry = object(out).entry(*name).or_insert(Value::Null);
                decode(entry, value, go, path)?;
                path.fields.pop();
            }
            path.of = outer;
        }
        (go, value) => return Err(path.mismatch(&value, go)),
    }
    Ok(())
}

/// What is in a list or a map where the body says null.
fn zero(go: &Go) -> Value {
    if matches!(go, Go::Text(_)) { Value::from("") } else { Value::Null }
}

/// Returns the field of a name: as it is written, or else in any case.
fn field(of: &Struct, key: &str) -> Option<&'static (&'static str, Go)> {
    let exact = of.fields.iter().find(|(name, _)| *name == key);
    exact.or_else(|| of.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)))
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made one above"),
    }
}

fn syntax(error: &serde_json::Error, body: &[u8]) -> String {
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
    let line = lines.get(error.line().saturating_sub(1));
    let byte = line.and_then(|line| line.get(error.column().saturating_sub(1)));
    let found = byte.map_or('?', |byte| char::from(*byte));
    let place = if error.to_string().starts_with("key must be") {
        "beginning of object key string"
    } else {
        "beginning of value"
    };
    format!("invalid character '{found}' looking for {place}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::{SECRET, SERVICE};
    use super::*;

    fn service(body: &str) -> Result<Value, String> {
        read(body.as_bytes(), &SERVICE).map_err(|refusal| refusal.message)
    }

    #[test]
    fn names_are_matched_whatever_their_case_and_the_last_one_counts() {
        let body = r#"{"NAME": "no", "name": "a", "updateconfig": {"parallelism": 3},
            "Labels": {"Ab": "1"}, "labels": {"ab": "2", "none": null},
            "MODE": {"replicated": {"REPLICAS": 5}}, "Mode": {"Replicated": {"Replicas": 2}},
            "tasktemplate": {"containerspec": {"secrets": [{"secretid": "x", "file": {"mode": 292}}]}},
            "Colour": {"Red": 1}}"#;
        let expected = json!({
            "Name": "a", "UpdateConfig": { "Parallelism": 3 },
            "Labels": { "Ab": "1", "ab": "2", "none": "" },
            "Mode": { "Replicated": { "Replicas": 2 } },
            "TaskTemplate": { "ContainerSpec": {
                "Secrets": [{ "SecretID": "x", "File": { "Mode": 292 } }],
            } },
            "Colour": { "Red": 1 },
        });
        assert_eq!(service(body), Ok(expected));
        assert_eq!(service("null"), Ok(json!({})));
        assert_eq!(service("{} and more"), Ok(json!({})));
    }

    #[test]
    fn values_of_another_type_are_refused_in_gos_words() {
        for (body, words) in [
            (
                r#"{"Mode":{"Replicated":{"Replicas":"2"}}}"#,
                "string into Go struct field ReplicatedService.Mode.Replicated.Replicas of type uint64",
            ),
            (
                r#"{"Mode":{"Replicated":{"Replicas":-1}}}"#,
                "number -1 into Go struct field ReplicatedService.Mode.Replicated.Replicas of type uint64",
            ),
            (
                r#"{"Labels":{"a":1}}"#,
                "number into Go struct field ServiceSpec.Labels of type string",
            ),
            (
                r#"{"TaskTemplate":{"ContainerSpec":{"Env":"A"}}}"#,
                "string into Go struct field ContainerSpec.TaskTemplate.ContainerSpec.Env of type []string",
            ),
            (
                r#"{"TaskTemplate":{"Networks":["x"]}}"#,
                "string into Go struct field TaskSpec.TaskTemplate.Networks of type \
                 swarm.NetworkAttachmentConfig",
            ),
            (
                r#"{"TaskTemplate":{"ContainerSpec":{"Secrets":[{"SecretID":5}]}}}"#,
                "number into Go struct field SecretReference.TaskTemplate.ContainerSpec.Secrets.SecretID \
                 of type string",
            ),
            ("[1]", "array into Go value of type swarm.ServiceSpec"),
        ] {
            assert_eq!(service(body), Err(format!("json: cannot unmarshal {words}")), "{body}");
        }
        for (body, words) in [
            ("", "got EOF while reading request body"),
            (r#"{"Name":"#, "unexpected EOF"),
            ("{Name:1}", "invalid character 'N' looking for beginning of object key string"),
        ] {
            assert_eq!(service(body), Err(words.to_owned()), "{body}");
        }
        let refusal = read(br#"{"Data":5}"#, &SECRET).unwrap_err().message;
        assert_eq!(
            refusal,
            "json: cannot unmarshal number into Go struct field SecretSpec.Data of type []uint8"
        );
    }
}
