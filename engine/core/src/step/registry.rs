//! The steps that runbooks can call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::AnyStep;

/// The steps by name.
#[derive(Clone, Default)]
pub struct Registry {
    steps: BTreeMap<Arc<str>, Arc<dyn AnyStep>>,
}

impl Registry {
    /// Returns the registry of the steps listed.
    ///
    /// # Panics
    /// If two steps have one name, or a name is not `noun.verb` (or one word): a mistake in the
    /// list of steps, which a test of it finds.
    pub fn of(steps: impl IntoIterator<Item = Arc<dyn AnyStep>>) -> Self {
        let mut registry = Registry::default();
        for step in steps {
            let name: Arc<str> = step.about().name.into();
            let well_formed = name.split('.').count() <= 2
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_');
            assert!(well_formed, "`{name}` is not a step name such as `secret.create`");
            let doubled = registry.steps.insert(name.clone(), step).is_some();
            assert!(!doubled, "two steps are called `{name}`");
        }
        registry
    }

    /// Returns the step with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn AnyStep>> {
        self.steps.get(name)
    }

    /// Returns all steps, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyStep>> {
        self.steps.values()
    }

    /// Returns the steps whose name is one word, each with its one argument: scripts give it in its
    /// place, as in `note("...")`.
    pub fn words(&self) -> impl Iterator<Item = (&str, String)> {
        let words = self.steps.iter().filter(|(name, _)| !name.contains('.'));
        words.filter_map(|(name, step)| Some((name.as_ref(), only_argument(step.as_ref())?)))
    }

    /// Returns the names of all steps.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.keys().map(AsRef::as_ref)
    }
}

/// Returns the argument of a step that has no other.
fn only_argument(step: &dyn AnyStep) -> Option<String> {
    let schema = step.schemas().0;
    let mut names = schema.get("properties")?.as_object()?.keys();
    names.next().filter(|_| names.len() == 0).cloned()
}
