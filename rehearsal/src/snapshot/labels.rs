//! The labels whose values a snapshot keeps.

use std::collections::BTreeSet;

use serde_json::Value;

/// Labels that say to whom an object belongs, and who acts on it.
const KEPT: &[&str] = &["com.docker.stack.namespace", "swarm.cronjob.", "io.windlass."];

/// Names of labels of nodes by which services choose where to run.
#[derive(Debug, Default)]
pub(super) struct Chosen(BTreeSet<String>);

impl Chosen {
    /// Finds them in the constraints and preferences of services and tasks.
    pub(super) fn by<'a>(objects: impl Iterator<Item = &'a Value>) -> Self {
        let mut chosen = Chosen::default();
        for object in objects {
            for spec in ["/Spec/TaskTemplate", "/PreviousSpec/TaskTemplate", "/Spec"] {
                if let Some(placement) = object.pointer(&format!("{spec}/Placement")) {
                    chosen.add(placement);
                }
            }
        }
        chosen
    }

    fn add(&mut self, placement: &Value) {
        let list = |key: &str| placement[key].as_array().into_iter().flatten();
        let spreads = list("Preferences").map(|p| &p["Spread"]["SpreadDescriptor"]);
        for text in list("Constraints").chain(spreads) {
            let text = text.as_str().unwrap_or_default();
            let key = text.split(['=', '!']).next().unwrap_or_default().trim();
            let label =
                key.strip_prefix("node.labels.").or_else(|| key.strip_prefix("engine.labels."));
            self.0.extend(label.map(str::to_owned));
        }
    }

    /// True if the value of this label stays; those by which services choose only at nodes.
    pub(super) fn keeps(&self, label: &str, at_a_node: bool) -> bool {
        let kept = |known: &str| match known.ends_with('.') {
            true => label.starts_with(known),
            false => label == known,
        };
        KEPT.iter().any(|known| kept(known)) || (at_a_node && self.0.contains(label))
    }
}
