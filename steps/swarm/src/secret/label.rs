//! The labels by which a secret is known to be ours. They are hints for people and for probes; the
//! truth is in the journal.

use std::collections::BTreeMap;

use serde_json::Value;
use windlass_engine::mutant::{self, Mutant};
use windlass_engine::step::Context;

/// All our labels begin with this.
pub(super) const PREFIX: &str = "io.windlass.";
/// The run that made it.
pub(super) const RUN: &str = "io.windlass.run";
/// The call that made it.
pub(super) const CALL: &str = "io.windlass.call";
/// A keyed fingerprint of its value.
pub(super) const MAC: &str = "io.windlass.mac";

/// Returns the labels of a secret that came from elsewhere, without ours.
pub(super) fn theirs(secret: &Value) -> BTreeMap<String, String> {
    let labels = secret["Spec"]["Labels"].as_object();
    labels
        .into_iter()
        .flatten()
        .filter(|(key, _)| !key.starts_with(PREFIX))
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// Adds our labels.
pub(super) fn ours(cx: &Context, mac: &str) -> [(String, String); 3] {
    [
        (RUN.to_owned(), cx.run().to_string()),
        (CALL.to_owned(), cx.key().to_string()),
        (MAC.to_owned(), mac.to_owned()),
    ]
}

/// True if this call of this run made the secret, out of this value.
pub(super) fn is_ours(cx: &Context, mac: &str, secret: &Value) -> bool {
    let labels = &secret["Spec"]["Labels"];
    mutant::is(Mutant::AnyNameIsOurs)
        || ours(cx, mac).iter().all(|(key, value)| labels[key] == *value)
}

/// Returns the run that made a secret, if a run of windlass did.
pub(super) fn run_of(secret: &Value) -> Option<&str> {
    secret["Spec"]["Labels"][RUN].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_of_others_are_copied_and_ours_are_not() {
        let labels = json!({ "com.docker.stack.namespace": "shop", RUN: "run_a", MAC: "x" });
        let secret = json!({ "Spec": { "Labels": labels } });
        let copied: Vec<_> = theirs(&secret).into_keys().collect();
        assert_eq!(copied, ["com.docker.stack.namespace"]);
        assert_eq!(run_of(&secret), Some("run_a"));
        assert!(theirs(&json!({ "Spec": { "Labels": null } })).is_empty());
    }
}
