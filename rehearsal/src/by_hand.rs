//! What a person does by hand about a stuck run, as its message says.

use windlass_engine::id::CallKey;
use windlass_engine::journal::{Body, Entry};
use windlass_lab::simulated::{Edit, World};

use crate::oracle::references;

/// Returns what a person does by hand before trying again, as the message says.
pub(crate) fn by_hand(key: &CallKey, code: &str, entries: &[Entry], world: &World) -> Vec<Edit> {
    let args = entries.iter().find_map(|entry| match &entry.body {
        Body::Intended { key: of, head, .. } if of == key => Some(&head.args),
        _ => None,
    });
    let Some(args) = args else { return Vec::new() };
    let Some(service) = args["service"]["name"].as_str().map(str::to_owned) else {
        return Vec::new();
    };
    let goal = [&args["secret"], &args["from"]].into_iter().find_map(|s| s["name"].as_str());
    let now = world.services.iter().find(|s| s.name == service).map(|s| references(&s.spec));
    match (code, goal, now) {
        ("update_paused" | "old_tasks", ..) => vec![Edit::ForceUpdate { service }],
        ("rolled_back", Some(goal), Some(now)) => {
            let others = others(entries, &service, goal);
            let from = now.iter().map(|(_, name)| name).find(|name| others.contains(name)).cloned();
            let to = goal.to_owned();
            from.into_iter()
                .map(|from| Edit::SecretRefs { service: service.clone(), from, to: to.clone() })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the secrets between which and this one the run switches the service.
fn others(entries: &[Entry], service: &str, secret: &str) -> Vec<String> {
    let other = |entry: &Entry| {
        let Body::Intended { head, .. } = &entry.body else { return None };
        let name = |what: &str| head.args[what]["name"].as_str();
        if head.step != "service.switch_secret" || name("service") != Some(service) {
            return None;
        }
        match (name("from"), name("to")) {
            (Some(from), Some(to)) if to == secret => Some(from.to_owned()),
            (Some(from), Some(to)) if from == secret => Some(to.to_owned()),
            _ => None,
        }
    };
    entries.iter().filter_map(other).collect()
}
