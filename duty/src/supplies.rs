//! What a schedule needs whenever it comes, and what only the command knows how to get.

use windlass_engine::runbook::{Modules, NoModules};
use windlass_engine::secret::Secret;

/// Where runbooks and secret values come from. The methods block.
pub trait Supplies: Send + Sync + 'static {
    /// Returns name and text of a runbook as it is now.
    ///
    /// # Errors
    /// If there is none: what to tell people.
    fn runbook(&self, name: &str) -> Result<(String, String), String>;

    /// Returns the modules that a runbook can use.
    fn modules(&self, _runbook: &str) -> Box<dyn Modules + '_> {
        Box::new(NoModules)
    }

    /// Returns the value of a secret parameter from its source, `@FILE` or `generate[:LENGTH]`.
    ///
    /// # Errors
    /// If it can't be had: what to tell people. Never a part of the value.
    fn secret(&self, parameter: &str, source: &str) -> Result<Secret, String>;
}
