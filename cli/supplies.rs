//! What schedules need whenever they come: runbooks by name or path, and secrets from files.

use windlass_duty::Supplies;
use windlass_engine::runbook::Modules;
use windlass_engine::secret::Secret;

use crate::command::library;
use crate::modules::Found;
use crate::secret_input;

/// The runbooks that come with windlass, and files.
pub struct Files;

impl Supplies for Files {
    fn runbook(&self, name: &str) -> Result<(String, String), String> {
        library::find(name).map_err(|problem| problem.message)
    }

    fn modules(&self, runbook: &str) -> Box<dyn Modules + '_> {
        Box::new(Found::beside(runbook))
    }

    fn secret(&self, parameter: &str, source: &str) -> Result<Secret, String> {
        // A schedule knows no other sources than files and the generator.
        secret_input::from_source(parameter, source).map_err(|problem| problem.message)
    }
}
