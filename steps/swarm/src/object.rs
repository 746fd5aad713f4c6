//! How scripts name objects of the swarm.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A secret or a service: its ID, which decides, and its name, which people read.
///
/// Fields beyond these are accepted, so that a script can pass on what `secret.find` or
/// `service.using` returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Object {
    /// The full ID.
    pub id: String,
    /// The name.
    pub name: String,
}

impl Object {
    /// Returns the object that raw JSON of the daemon describes.
    pub fn of(value: &Value) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        Object { id: text(&value["ID"]), name: text(&value["Spec"]["Name"]) }
    }
}

/// Returns names as people list them: "a, b and 3 more".
pub(crate) fn listed<T: AsRef<str>>(names: &[T], at_most: usize) -> String {
    let shown: Vec<&str> = names.iter().take(at_most).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(at_most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns the names of objects as people list them.
pub(crate) fn names(objects: &[Object]) -> String {
    let names: Vec<&str> = objects.iter().map(|o| o.name.as_str()).collect();
    listed(&names, 10)
}
