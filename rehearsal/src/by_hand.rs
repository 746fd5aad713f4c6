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
            let temporary =
                |name: &&String| name.starts_with(goal) || goal.starts_with(name.as_str());
            let from = now.iter().map(|(_, name)| name).find(temporary).cloned();
            let to = goal.to_owned();
            from.into_iter()
                .map(|from| Edit::SecretRefs { service: service.clone(), from, to: to.clone() })
                .collect()
        }
        _ => Vec::new(),
    }
}
