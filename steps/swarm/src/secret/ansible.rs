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
use windlass_engine::step::{Risk, Severity};

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

/// Returns what people who deploy with Ansible must do, once `successor` is in the place of the
/// secret `origin`, which has these labels.
pub(super) fn risk(
    labels: &BTreeMap<String, String>,
    origin: &str,
    successor: &str,
    key: AnsibleKey,
) -> Option<Risk> {
    if !labels.contains_key(KEY) {
        return None;
    }
    let must = match version_of(successor) {
        _ if origin == successor => {
            "put the new value into the playbook before it runs again, or it fails".to_owned()
        }
        Some(_) if labels.contains_key(VERSION) => {
            "put the new value into the playbook before it runs again, or it makes one more version with the old value".to_owned()
        }
        _ => format!(
            "name {successor} in the playbook, with the new value, before it runs again, or it makes {origin} again with the old value and moves services back to it"
        ),
    };
    let about_key = match key {
        AnsibleKey::Update => {
            "its label ansible_key will hold the unsalted SHA-224 of the new value (`-p ansible_key=drop` leaves it out)"
        }
        AnsibleKey::Drop => {
            "without the label ansible_key, Ansible warns and does not see whether the value is the right one"
        }
    };
    Some(Risk {
        severity: Severity::Caution,
        kind: "ansible".into(),
        about: origin.to_owned(),
        text: format!("Ansible made this secret: {must}; {about_key}"),
    })
}

/// Takes the hash of the old value out of the labels for a secret of the name `successor`, and
/// counts its rolling version on. Returns true if there was a hash.
pub(super) fn renew(labels: &mut BTreeMap<String, String>, successor: &str) -> bool {
    if let (Some(version), Some(number)) = (labels.get_mut(VERSION), version_of(successor)) {
        *version = number.to_string();
    }
    labels.remove(KEY).is_some()
}

/// Returns the number at the end of the name of a rolling version.
fn version_of(name: &str) -> Option<u64> {
    name.rsplit_once("_v").and_then(|(_, digits)| digits.parse().ok())
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
        assert_eq!(risk(&of, "db", "db_v2", AnsibleKey::Update), None);
    }

    #[test]
    fn the_plan_says_what_to_change_in_the_playbook() {
        let told = |of: &[(&str, &str)], origin, successor, key| {
            risk(&labels(of), origin, successor, key).unwrap().text
        };
        let (plain, rolling) = ([(KEY, "abc")], [(KEY, "abc"), (VERSION, "1")]);
        let same = told(&plain, "db", "db", AnsibleKey::Update);
        assert!(same.contains("or it fails") && same.contains("unsalted SHA-224"), "{same}");
        let next = told(&plain, "db", "db_v2", AnsibleKey::Drop);
        assert!(next.contains("name db_v2 in the playbook"), "{next}");
        assert!(next.contains("makes db again") && !next.contains("SHA"), "{next}");
        let version = told(&rolling, "db_v1", "db_v2", AnsibleKey::Update);
        assert!(version.contains("one more version"), "{version}");
    }
}
