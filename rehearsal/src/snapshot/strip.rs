//! Hiding what must stay in the swarm.

use serde_json::{Map, Value};
use windlass_lab::simulated::Snapshot;

use super::labels::Chosen;
use super::phrases;
use super::places::{LEFT_OUT, NETWORK, NODE, OBJECT, PHRASED, SERVICE, TASK, TASK_SPEC};

/// What stands for a hidden text.
pub const HIDDEN: &str = "***";

/// Hides every text of a snapshot whose place is on no list.
pub fn strip(snapshot: &mut Snapshot) {
    let chosen = Chosen::by(snapshot.services.iter().chain(&snapshot.tasks));
    let each = |objects: &mut Vec<Value>, texts: &[&str], task_spec: &str, node: bool| {
        let sieve = Sieve { texts, task_spec, chosen: &chosen, node };
        objects.iter_mut().for_each(|object| sieve.value(object, ""));
    };
    each(&mut snapshot.nodes, NODE, NOWHERE, true);
    each(&mut snapshot.secrets, OBJECT, NOWHERE, false);
    each(&mut snapshot.configs, OBJECT, NOWHERE, false);
    each(&mut snapshot.networks, NETWORK, NOWHERE, false);
    each(&mut snapshot.services, SERVICE, "Spec.TaskTemplate.", false);
    each(&mut snapshot.tasks, TASK, "Spec.", false);
}

/// For objects that hold no spec of a task.
const NOWHERE: &str = "\0";

/// What stays of one kind of object.
struct Sieve<'a> {
    texts: &'a [&'a str],
    /// Where the spec of a task begins.
    task_spec: &'a str,
    chosen: &'a Chosen,
    node: bool,
}

impl Sieve<'_> {
    fn value(&self, value: &mut Value, place: &str) {
        match value {
            Value::Object(map) => self.object(map, place),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, place)),
            Value::String(text) if PHRASED.contains(&place) => *text = phrases::kept(text),
            Value::String(text) if !self.keeps(place) => HIDDEN.clone_into(text),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&self, map: &mut Map<String, Value>, place: &str) {
        map.retain(|key, _| !LEFT_OUT.contains(&key.as_str()));
        for (key, value) in map.iter_mut() {
            let inner = match (place, key.as_str()) {
                ("", "PreviousSpec") => "Spec".to_owned(),
                ("", key) => key.to_owned(),
                (place, key) => format!("{place}.{key}"),
            };
            match (key.as_str(), value) {
                ("Labels", Value::Object(labels)) => self.labels(labels),
                ("Env", Value::Array(lines)) => lines.iter_mut().for_each(name_only),
                ("Test", Value::Array(words)) if self.keeps(&inner) => health_check(words),
                (_, value) => self.value(value, &inner),
            }
        }
    }

    fn keeps(&self, place: &str) -> bool {
        let in_task = |place: &str| TASK_SPEC.contains(&place);
        self.texts.contains(&place) || place.strip_prefix(self.task_spec).is_some_and(in_task)
    }

    fn labels(&self, labels: &mut Map<String, Value>) {
        for (label, value) in labels {
            if !self.chosen.keeps(label, self.node) {
                *value = HIDDEN.into();
            }
        }
    }
}

/// `NAME=value` becomes `NAME`. A line without `=` may be a value that somebody put into the wrong
/// place.
fn name_only(line: &mut Value) {
    let name = line.as_str().and_then(|line| line.split_once('=')).map(|(name, _)| name);
    *line = name.unwrap_or(HIDDEN).into();
}

/// Whether there is a health check, and of which kind, matters; its words don't.
fn health_check(words: &mut [Value]) {
    for (index, word) in words.iter_mut().enumerate() {
        let kind = matches!(word.as_str(), Some("NONE" | "CMD" | "CMD-SHELL"));
        if !(index == 0 && kind) {
            *word = HIDDEN.into();
        }
    }
}
