//! Names of runs and of calls.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// The name of a run: `run_` and a ULID, so that names sort by the time at which runs began.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Returns a new name for a run that begins at `now`.
    pub fn new(now: Millis, random: u128) -> Self {
        let ulid = ulid::Ulid::from_parts(now.unsigned_abs(), random);
        RunId(format!("run_{ulid}"))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if `text` could be the beginning or the end of this name; people type either.
    pub fn matches(&self, text: &str) -> bool {
        !text.is_empty() && (self.0.starts_with(text) || self.0.ends_with(text))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for RunId {
    fn from(text: &str) -> Self {
        RunId(text.to_owned())
    }
}

/// The place of a call in its run: `3`, or `4.2.1` for the first call of the second branch of the
/// fourth. Counting starts at one. It depends on the script alone, never on timing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CallKey(Vec<u32>);

impl CallKey {
    /// The place of the whole script, of which all calls are children.
    pub const ROOT: CallKey = CallKey(Vec::new());

    /// Returns the key of the `index`th child of this place.
    #[must_use]
    pub fn child(&self, index: u32) -> Self {
        let mut path = self.0.clone();
        path.push(index);
        CallKey(path)
    }

    /// Returns the place that this one is a child of; the root has none.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.0.split_last()?;
        Some(CallKey(parent.to_vec()))
    }

    /// Returns the numbers from the outermost place inward.
    pub fn path(&self) -> &[u32] {
        &self.0
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a call key such as `3` or `4.2.1`.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a call key: expected numbers with dots, such as 3 or 4.2.1")]
pub struct BadCallKey(String);

impl FromStr for CallKey {
    type Err = BadCallKey;

    fn from_str(text: &str) -> Result<Self, BadCallKey> {
        text.split('.')
            .map(|part| part.parse().ok().filter(|n| *n > 0))
            .collect::<Option<Vec<u32>>>()
            .map(CallKey)
            .ok_or_else(|| BadCallKey(text.to_owned()))
    }
}

impl Serialize for CallKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for CallKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CallKey".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"^[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8})*$" })
    }
}

impl<'de> Deserialize<'de> for CallKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_keys_read_back_what_they_print() {
        let key = CallKey::ROOT.child(4).child(2).child(1);
        assert_eq!(key.to_string(), "4.2.1");
        assert_eq!("4.2.1".parse::<CallKey>().unwrap(), key);
        assert!("4..1".parse::<CallKey>().is_err());
        assert!("0".parse::<CallKey>().is_err());
    }

    #[test]
    fn call_keys_sort_by_number_and_not_by_letter() {
        let (two, ten): (CallKey, CallKey) = ("2".parse().unwrap(), "10".parse().unwrap());
        assert!(two < ten);
    }

    #[test]
    fn a_run_is_known_by_either_end_of_its_name() {
        let run = RunId::new(1_700_000_000_000, 42);
        assert!(run.matches("run_01H"));
        assert!(run.matches("1A"));
        assert!(!run.matches(""));
    }
}
