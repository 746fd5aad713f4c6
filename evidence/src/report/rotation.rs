//! The first lines of a change record about a secret: which was it, which is it, who uses it.

use std::collections::HashSet;

use serde_json::Value;
use windlass_journal::Call;
use windlass_journal::CallStatus;
use windlass_journal::id::CallKey;
use windlass_journal::step::Kind;

use super::facts::{text, thing};
use super::{Rotation, Service};

/// What a rotation of a secret consists of; a change of anything else is named beside it.
const NOUNS: [&str; 4] = ["secret", "service", "config", "note"];

/// Returns what a run did to secrets, if it was about secrets.
pub(super) fn rotation(calls: &[(&CallKey, &Call)], services: &[Service]) -> Option<Rotation> {
    let applied = |step: &'static str| {
        let of_it = calls.iter().filter(move |(_, call)| call.step == step);
        of_it.filter(|(_, call)| call.status == CallStatus::Applied)
    };
    let created: Vec<Value> = applied("secret.create").map(|(_, c)| c.output.value()).collect();
    let removed: Vec<Value> = applied("secret.remove").map(|(_, c)| c.args.value()).collect();
    let about_secrets = calls.iter().any(|(_, call)| call.step.starts_with("secret.c"));
    if !about_secrets && services.iter().all(|service| service.secrets.is_empty()) {
        return None;
    }
    let ids = |things: &[Value]| -> HashSet<String> {
        things.iter().filter_map(|thing| Some(thing["id"].as_str()?.to_owned())).collect()
    };
    let (made, gone) = (ids(&created), ids(&removed));
    // One that came and went within the run is neither old nor new.
    let those = |things: &[Value], other: &HashSet<String>| -> Vec<String> {
        let those =
            things.iter().filter(|thing| !other.contains(thing["id"].as_str().unwrap_or("")));
        those.map(thing).collect()
    };
    let found = calls.iter().find(|(_, call)| call.step == "secret.find");
    let window = calls.iter().find(|(_, call)| call.step == "service.observe");
    let others = calls.iter().filter(|(_, call)| {
        let noun = call.step.split('.').next().unwrap_or_default();
        call.kind != Kind::Read && call.kind != Kind::Wait && !NOUNS.contains(&noun)
    });
    Some(Rotation {
        current: found.map(|(_, call)| text(&call.output.value())),
        new: those(&created, &gone),
        removed: those(&removed, &made),
        services: services.iter().map(|service| service.name.clone()).collect(),
        window: window.map(|(_, call)| text(&call.args.value()["window"])),
        others: others.map(|(key, _)| (*key).clone()).collect(),
    })
}
