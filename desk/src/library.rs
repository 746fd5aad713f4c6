//! The runbooks that people name, and what only the command knows of them.

use windlass_engine::runbook::{Modules, NoModules};

/// Where runbooks come from. The methods block, and read again each time: a file may change.
pub trait Library: Send + Sync + 'static {
    /// Returns the names of all runbooks, in the order in which people should read them.
    fn names(&self) -> Vec<String>;

    /// Returns the text of a runbook; nothing, if there is none of this name. A name that comes over
    /// HTTP is never taken for a path of the machine.
    fn text(&self, name: &str) -> Option<String>;

    /// Returns the modules that a runbook of the library can use, or a text that is not in it.
    fn modules(&self, _name: Option<&str>) -> Box<dyn Modules + '_> {
        Box::new(NoModules)
    }
}
