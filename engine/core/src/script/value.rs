//! Between script values and JSON.

use rhai::{Array, Dynamic, Map};
use serde_json::{Number, Value};

use crate::step::SealedRef;

/// What a script holds in place of a secret value: a name. It can be passed to a step and nothing
/// else; the value is not in the script's memory at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed(pub(super) SealedRef);

/// Returns the JSON of a script value.
///
/// # Errors
/// What a value is that has no JSON form, such as a function.
pub(super) fn to_json(value: &Dynamic) -> Result<Value, String> {
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Ok(number) = value.as_int() {
        return Ok(Value::from(number));
    }
    if let Ok(number) = value.as_float() {
        return Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| "not a number".to_owned());
    }
    if let Some(sealed) = value.clone().try_cast::<Sealed>() {
        return serde_json::to_value(sealed.0).map_err(|e| e.to_string());
    }
    if let Ok(text) = value.clone().into_string() {
        return Ok(Value::String(text));
    }
    if let Some(array) = value.clone().try_cast::<Array>() {
        return array.iter().map(to_json).collect::<Result<_, _>>().map(Value::Array);
    }
    if let Some(map) = value.clone().try_cast::<Map>() {
        let fields = map.iter().map(|(name, v)| Ok((name.to_string(), to_json(v)?)));
        return fields.collect::<Result<_, String>>().map(Value::Object);
    }
    Err(format!("a value of type {} can't be given to a step", value.type_name()))
}

/// Returns the script value of some JSON.
pub(super) fn from_json(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => integer.into(),
            (None, Some(float)) => float.into(),
            (None, None) => Dynamic::UNIT,
        },
        Value::String(text) => text.clone().into(),
        Value::Array(items) => items.iter().map(from_json).collect::<Array>().into(),
        Value::Object(fields) => match serde_json::from_value::<SealedRef>(value.clone()) {
            Ok(sealed) => Dynamic::from(Sealed(sealed)),
            Err(_) => fields
                .iter()
                .map(|(name, v)| (name.as_str().into(), from_json(v)))
                .collect::<Map>()
                .into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_survives_the_way_through_a_script() {
        let value = json!({ "a": [1, 2.5, true, null, "x"], "b": { "$sealed": "value" } });
        assert_eq!(to_json(&from_json(&value)).unwrap(), value);
    }

    #[test]
    fn a_sealed_reference_becomes_an_opaque_value() {
        assert!(from_json(&json!({ "$sealed": "value" })).is::<Sealed>());
    }

    #[test]
    fn a_function_has_no_json_form() {
        let function = Dynamic::from(rhai::FnPtr::new("f").unwrap());
        assert!(to_json(&function).unwrap_err().contains("can't be given to a step"));
    }
}
