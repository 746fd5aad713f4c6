//! What somebody else does in a pass, and what of it must still be there at the end.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use windlass_lab::simulated::{Edit, Fault, What, World};

use super::Player;
use crate::oracle::FOREIGN;
use crate::report::MomentKind;
use crate::story::in_words;
use crate::variant::Strike;

impl Player<'_> {
    /// Lets others do what they do while the process is dead: once, after its first death.
    pub(super) fn let_others_work(&mut self) {
        let meanwhile = self.variant.strikes.iter().filter_map(|strike| match strike {
            Strike::Meanwhile(edit) if self.processes == 1 => Some(edit),
            _ => None,
        });
        for edit in meanwhile {
            let now = self.stage.swarm.now();
            let text = match self.stage.swarm.edit(edit) {
                Ok(()) => {
                    self.meanwhile.push(edit.clone());
                    in_words(edit)
                }
                // Another fault of this pass may be in their way.
                Err(refusal) => format!("{}: refused: {refusal}", in_words(edit)),
            };
            self.story.tell(now, MomentKind::Fault, &text);
        }
    }

    /// Returns how many foreign marks each service must still bear, as far as others got to it.
    pub(super) fn foreign(&self, struck: &[usize]) -> BTreeMap<String, usize> {
        let faults = self.variant.strikes.iter().filter_map(|strike| match strike {
            Strike::Request(fault) => Some(fault),
            _ => None,
        });
        let with_requests = faults.zip(struck).filter_map(|(fault, times)| match (fault, times) {
            (Fault { what: What::Edit(edit), .. }, 1..) => Some(edit),
            _ => None,
        });
        let mut marks = BTreeMap::new();
        for edit in with_requests.chain(&self.meanwhile) {
            if let Edit::Env { service, line } = edit
                && line.contains(FOREIGN)
            {
                *marks.entry(service.clone()).or_insert(0) += 1;
            }
        }
        let removed = self.removed();
        marks.retain(|service: &String, _| !removed.contains(&service.as_str()));
        marks
    }

    /// Returns the services that others have removed.
    pub(super) fn removed(&self) -> Vec<&str> {
        fn name(edit: &Edit) -> Option<&str> {
            match edit {
                Edit::RemoveService { name } => Some(name),
                _ => None,
            }
        }
        self.meanwhile.iter().filter_map(name).collect()
    }

    /// Returns which secrets of others the run has taken for its own, or taken away.
    pub(super) fn usurped(&self, world: &World) -> Vec<String> {
        if self.remedied.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let lost = |edit: &Edit| {
            let Edit::CreateSecret { name, value } = edit else { return None };
            let there = world.secrets.iter().any(|s| s.name == *name && s.data == value.as_bytes());
            (!there).then(|| format!("somebody else's secret {name} is gone"))
        };
        self.meanwhile.iter().filter_map(lost).collect()
    }
}
