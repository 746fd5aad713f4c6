//! Where runbooks find the modules that they name: in `lib/` beside them, then among the shipped ones.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use windlass_engine::runbook::Modules;
use windlass_engine::script::Shelf;
use windlass_runbooks::{RUNBOOKS, Shipped};

/// The modules that a runbook can use.
pub struct Found {
    /// The directory that is looked into before the shipped ones.
    lib: Option<PathBuf>,
}

impl Found {
    /// Returns the modules of a runbook: a shipped one uses shipped modules only.
    pub fn beside(runbook: &str) -> Self {
        match RUNBOOKS.iter().any(|(shipped, _)| *shipped == runbook) {
            true => Found { lib: None },
            false => Found::under(Path::new(runbook).parent()),
        }
    }

    /// Returns the modules of the runbooks in a directory.
    pub fn under(directory: Option<&Path>) -> Self {
        Found { lib: directory.map(|directory| directory.join("lib")) }
    }
}

impl Modules for Found {
    fn names(&self) -> Vec<String> {
        let files = self.lib.iter().filter_map(|lib| std::fs::read_dir(lib).ok()).flatten();
        let own = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter_map(|file| Some(file.strip_suffix(".rhai")?.to_owned()));
        own.chain(Shipped.names()).collect()
    }

    fn find(&self, name: &str) -> Result<Option<(Shelf, String)>, String> {
        let Some(file) = self.lib.as_ref().map(|lib| lib.join(format!("{name}.rhai"))) else {
            return Shipped.find(name);
        };
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Some((Shelf::Beside, text))),
            Err(error)
                if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) =>
            {
                Shipped.find(name)
            }
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }
}
