//! The steps that runbooks can call, and the families that they come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AnyStep, Family, Place};

/// The steps by name.
#[derive(Clone, Default)]
pub struct Registry {
    steps: BTreeMap<Arc<str>, Arc<dyn AnyStep>>,
    families: Vec<Listed>,
}

/// A family, and what of it is in the registry.
#[derive(Clone)]
struct Listed {
    family: Arc<dyn Family>,
    steps: Vec<Arc<str>>,
    place: Option<Arc<dyn Place>>,
}

impl Registry {
    /// Returns the registry of the families listed.
    ///
    /// # Panics
    /// As [`Registry::of`]; and if two families have one name.
    pub fn of_families(families: impl IntoIterator<Item = Arc<dyn Family>>) -> Self {
        let mut registry = Registry::default();
        for family in families {
            let name = family.name();
            let doubled = registry.families.iter().any(|other| other.family.name() == name);
            assert!(!doubled, "two families are called `{name}`");
            let steps: Vec<_> = family.steps().into_iter().map(|step| registry.add(step)).collect();
            let place = family.place();
            // Scripts are searched for `noun::verb` when it is asked where they act.
            let words = steps.iter().any(|step| !step.contains('.'));
            assert!(
                place.is_none() || !words,
                "a step of `{name}` acts somewhere, and is one word"
            );
            registry.families.push(Listed { family, steps, place });
        }
        registry
    }

    /// Returns the registry of steps that belong to no family and act nowhere, as tests have them.
    ///
    /// # Panics
    /// If two steps have one name, or a name is not `noun.verb` (or one word): a mistake in the
    /// list of steps, which a test of it finds.
    pub fn of(steps: impl IntoIterator<Item = Arc<dyn AnyStep>>) -> Self {
        let mut registry = Registry::default();
        for step in steps {
            registry.add(step);
        }
        registry
    }

    fn add(&mut self, step: Arc<dyn AnyStep>) -> Arc<str> {
        let name: Arc<str> = step.about().name.into();
        let well_formed = name.split('.').count() <= 2
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_');
        assert!(well_formed, "`{name}` is not a step name such as `secret.create`");
        let doubled = self.steps.insert(name.clone(), step).is_some();
        assert!(!doubled, "two steps are called `{name}`");
        name
    }

    /// Returns the step with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn AnyStep>> {
        self.steps.get(name)
    }

    /// Returns all steps, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyStep>> {
        self.steps.values()
    }

    /// Returns the families, each with its steps by name.
    pub fn families(&self) -> impl Iterator<Item = (&dyn Family, Vec<&Arc<dyn AnyStep>>)> {
        self.families.iter().map(|listed| {
            let mut names: Vec<&str> = listed.steps.iter().map(AsRef::as_ref).collect();
            names.sort_unstable();
            let steps = names.into_iter().filter_map(|name| self.steps.get(name));
            (listed.family.as_ref(), steps.collect())
        })
    }

    /// Returns the family of a step.
    pub fn family_of(&self, step: &str) -> Option<&dyn Family> {
        Some(self.listed(step)?.family.as_ref())
    }

    fn listed(&self, step: &str) -> Option<&Listed> {
        self.families.iter().find(|listed| listed.steps.iter().any(|name| **name == *step))
    }

    /// Returns where these steps act, once each; nothing if they touch nothing outside the run.
    pub fn places<'a>(&self, steps: impl IntoIterator<Item = &'a str>) -> Vec<&Arc<dyn Place>> {
        let used: Vec<&str> = steps.into_iter().collect();
        let uses = |listed: &&Listed| listed.steps.iter().any(|name| used.contains(&name.as_ref()));
        self.families.iter().filter(uses).filter_map(|listed| listed.place.as_ref()).collect()
    }

    /// Returns where any of the families acts.
    pub fn all_places(&self) -> impl Iterator<Item = &Arc<dyn Place>> {
        self.families.iter().filter_map(|listed| listed.place.as_ref())
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
