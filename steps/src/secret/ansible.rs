//! The labels by which Ansible's module `community.docker.docker_secret` knows its secrets.
//!
//! | label | what it is | what a successor gets |
//! |---|---|---|
//! | `ansible_key` | the SHA-224 of the value, without salt | that of the new value, or none if asked |
//! | `ansible_version` | with `rolling_versions`: the number at the end of the name | the number in the new name |
//!
//! Copied as they are, they would be wrong: a playbook with the new value would take the secret for
//! an old one and fail to replace it, and one with the old value would find nothing to do.
//!
//! Source: `plugins/modules/docker_secret.py` of community.docker 4.8.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The label that holds a hash of the value.
pub(super) const KEY: &str = "ansible_key";

/// The label that counts rolling versions.
const VERSION: &str = "ansible_version";

/// What stands for the hash where it must not be: in outputs, and so in journals.
const HIDDEN: &str = "(not shown)";

/// What to do with Ansible's hash of the value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnsibleKey {
    /// Write the hash of the new value, if the secret that is copied has such a label. Whoever can
    /// inspect secrets can try guesses against it.
    #[default]
    Update,
    /// Leave the label out. Playbooks then warn, and do not see when the value changes.
    Drop,
}

/// True if Ansible made this secret, as its labels tell.
pub(super) fn manages(secret: &Value) -> bool {
    secret["Spec"]["Labels"][KEY].is_string()
}

/// Takes the hash of the old value out of the labels for a secret of the name `successor`, and
/// counts its rolling version on. Returns true if there was a hash.
pub(super) fn renew(labels: &mut BTreeMap<String, String>, successor: &str) -> bool {
    let digits = successor.rsplit_once("_v").map(|(_, digits)| digits);
    let number = digits.and_then(|digits| digits.parse::<u64>().ok());
    if let (Some(version), Some(number)) = (labels.get_mut(VERSION), number) {
        *version = number.to_string();
    }
    labels.remove(KEY).is_some()
}

/// Hides the hash of the value.
pub(super) fn hide(labels: &mut BTreeMap<String, String>) {
    if let Some(key) = labels.get_mut(KEY) {
        HIDDEN.clone_into(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_successor_has_no_hash_of_the_old_value_and_the_number_of_its_own_name() {
        for (successor, version) in
            [("db_v2", "2"), ("db_v12", "12"), ("db_v1.tmp", "1"), ("db", "1")]
        {
            let mut of = labels(&[(KEY, "abc"), (VERSION, "1"), ("team", "a")]);
            assert!(renew(&mut of, successor));
            assert_eq!(of, labels(&[(VERSION, version), ("team", "a")]), "{successor}");
        }
    }

    #[test]
    fn secrets_that_ansible_did_not_make_are_left_as_they_are() {
        let mut of = labels(&[("team", "a")]);
        assert!(!renew(&mut of, "db_v2"));
        hide(&mut of);
        assert_eq!(of, labels(&[("team", "a")]));
        assert!(!manages(&json!({ "Spec": { "Labels": { "team": "a" } } })));
        assert!(manages(&json!({ "Spec": { "Labels": { "ansible_key": "abc" } } })));
    }
}
