//! The steps that runbooks can call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::AnyStep;

/// The steps by name.
#[derive(Clone, Default)]
pub struct Registry {
    steps: BTreeMap<&'static str, Arc<dyn AnyStep>>,
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
            let name = step.about().name;
            let well_formed = name.split('.').count() <= 2
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_');
            assert!(well_formed, "`{name}` is not a step name such as `secret.create`");
            assert!(registry.steps.insert(name, step).is_none(), "two steps are called `{name}`");
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

    /// Returns the names of all steps.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.steps.keys().copied()
    }
}
