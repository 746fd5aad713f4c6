//! What stays of the daemon's words about tasks and updates.
//!
//! An error may hold paths, hosts and words of a command line, so it is not kept as it is. What is
//! kept is put together from the phrases below, which are Docker's own, and from numbers.

use super::strip::HIDDEN;

/// Docker's words for why a task does not run, and for what becomes of an update.
const PHRASES: &[&str] = &[
    "No such image",
    "pull access denied",
    "manifest unknown",
    "invalid mount config",
    "bind source path does not exist",
    "starting container failed",
    "container create failed",
    "OCI runtime create failed",
    "unable to find user",
    "unable to find group",
    "executable file not found in $PATH",
    "no such file or directory",
    "permission denied",
    "exec format error",
    "is a directory",
    "not a directory",
    "read-only file system",
    "no space left on device",
    "cannot allocate memory",
    "unhealthy container",
    "unable to get secret from secret store",
    "unable to get config from config store",
    "network sandbox join failed",
    "could not find an available, non-overlapping",
    "port is already allocated",
    "address already in use",
    "context deadline exceeded",
    "context canceled",
    "assigned node no longer meets constraints",
    "node is missing network attachments",
    "insufficient resources",
    "scheduling constraints not satisfied",
    "missing plugin",
    "unsupported platform",
    "host-mode port already in use",
    "max replicas per node limit exceed",
    "not available for new tasks",
    "cannot fulfill requested volumes",
    "no suitable node",
    "update in progress",
    "update completed",
    "update paused",
    "update rolled back",
    "rollback in progress",
    "rollback completed",
    "rollback paused",
    "manually requested rollback",
    "due to failure or early termination of task",
];

/// Messages that are kept whole: the states of a task in the daemon's words.
const WHOLE: &[&str] = &[
    "created",
    "pending task scheduling",
    "scheduler assigned task to node",
    "scheduler confirmed task can run on preassigned node",
    "assigned",
    "accepted",
    "preparing",
    "prepared",
    "starting",
    "started",
    "finished",
    "shutdown",
    "heartbeat failure",
];

/// Returns what stays of a text: the phrases in it, in their order, or nothing of it.
pub(super) fn kept(text: &str) -> String {
    if WHOLE.contains(&text) {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let phrase = |phrase: &&'static str| {
        let at = lower.find(&phrase.to_ascii_lowercase())?;
        Some((at, format!("{phrase}{}", nodes(&text[at + phrase.len()..]))))
    };
    let mut found: Vec<(usize, String)> = PHRASES.iter().filter_map(phrase).collect();
    found.extend(exit(text));
    found.sort();
    let found: Vec<String> = found.into_iter().map(|(_, phrase)| phrase).collect();
    match &found[..] {
        [] => HIDDEN.to_owned(),
        [first, rest @ ..] if first == "no suitable node" && !rest.is_empty() => {
            format!("{first} ({})", rest.join("; "))
        }
        found => found.join(": "),
    }
}

/// Returns `task: non-zero exit (N)` and where it is.
fn exit(text: &str) -> Option<(usize, String)> {
    let (before, after) = text.split_once("non-zero exit (")?;
    let code: u32 = after.split_once(')')?.0.parse().ok()?;
    Some((before.len(), format!("task: non-zero exit ({code})")))
}

/// Returns ` on N nodes` if a text begins so.
fn nodes(text: &str) -> String {
    let number = text.strip_prefix(" on ").and_then(|text| text.split_once(" node"));
    match number.and_then(|(number, _)| number.parse::<u32>().ok()) {
        Some(1) => " on 1 node".to_owned(),
        Some(number) => format!(" on {number} nodes"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dockers_own_words_and_numbers_stay() {
        let cases = [
            ("started", "started"),
            ("No such image: reg.example/shop/api:1.4", "No such image"),
            (
                "invalid mount config for type \"bind\": bind source path does not exist: /srv/c4n4ry",
                "invalid mount config: bind source path does not exist",
            ),
            (
                "starting container failed: unable to find user c4n4ry: no matching entries in passwd file",
                "starting container failed: unable to find user",
            ),
            (
                "starting container failed: failed to create shim task: OCI runtime create failed: \
                 runc create failed: unable to start container process: exec: \"/c4n4ry\": stat \
                 /c4n4ry: no such file or directory: unknown",
                "starting container failed: OCI runtime create failed: no such file or directory",
            ),
            ("task: non-zero exit (3)", "task: non-zero exit (3)"),
            (
                "task: non-zero exit (137): dockerexec: unhealthy container",
                "task: non-zero exit (137): unhealthy container",
            ),
            (
                "no suitable node (scheduling constraints not satisfied on 2 nodes; missing plugin on 1 node)",
                "no suitable node (scheduling constraints not satisfied on 2 nodes; missing plugin on 1 node)",
            ),
            ("no suitable node", "no suitable node"),
            (
                "update paused due to failure or early termination of task c4n4ry",
                "update paused: due to failure or early termination of task",
            ),
            ("non-zero exit (c4n4ry)", HIDDEN),
            ("c4n4ry", HIDDEN),
            ("", HIDDEN),
        ];
        for (text, stays) in cases {
            assert_eq!(kept(text), stays, "{text}");
        }
    }
}
