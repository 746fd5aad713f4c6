//! The library of the HTTP interface: runbooks that come with windlass, and those of a directory.

use std::path::PathBuf;

use windlass_desk::Library;
use windlass_engine::runbook::Modules;
use windlass_runbooks::RUNBOOKS;

use crate::modules::Found;

/// The runbooks that can be named over HTTP.
pub struct Shelf {
    /// Its `*.rhai` files are runbooks too.
    pub directory: Option<PathBuf>,
}

impl Library for Shelf {
    fn names(&self) -> Vec<String> {
        let mut own: Vec<String> = self
            .directory
            .iter()
            .filter_map(|directory| match std::fs::read_dir(directory) {
                Ok(files) => Some(files),
                Err(error) => {
                    let directory = directory.display();
                    tracing::error!(%directory, %error, "the runbooks can't be listed");
                    None
                }
            })
            .flatten()
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter_map(|file| Some(file.strip_suffix(".rhai")?.to_owned()))
            .filter(|name| is_name(name) && RUNBOOKS.iter().all(|(shipped, _)| shipped != name))
            .collect();
        own.sort();
        RUNBOOKS.iter().map(|(name, _)| (*name).to_owned()).chain(own).collect()
    }

    fn text(&self, name: &str) -> Option<String> {
        if let Some((_, text)) = RUNBOOKS.iter().find(|(shipped, _)| *shipped == name) {
            return Some((*text).to_owned());
        }
        // A name and never a path: nothing else of this machine is read over HTTP.
        let file = self.directory.as_ref().filter(|_| is_name(name))?.join(format!("{name}.rhai"));
        match std::fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(file = %file.display(), %error, "a runbook can't be read");
                None
            }
        }
    }

    fn modules(&self, name: Option<&str>) -> Box<dyn Modules + '_> {
        match name.is_some_and(|name| RUNBOOKS.iter().any(|(shipped, _)| *shipped == name)) {
            true => Box::new(Found::under(None)),
            false => Box::new(Found::under(self.directory.as_deref())),
        }
    }
}

fn is_name(name: &str) -> bool {
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_runbooks_use_shipped_modules_and_others_those_of_the_directory_first() {
        let directory = tempfile::tempdir().unwrap();
        let lib = directory.path().join("lib");
        std::fs::create_dir(&lib).unwrap();
        std::fs::write(lib.join("rotate.rhai"), "fn own() {}\n").unwrap();
        std::fs::write(directory.path().join("mine.rhai"), "//! title = \"Mine\"\n").unwrap();
        let shelf = Shelf { directory: Some(directory.path().to_owned()) };
        assert_eq!(shelf.names(), ["rotate-secret", "rotate-secret-same-name", "mine"]);
        let found = |name| shelf.modules(name).find("rotate").unwrap().unwrap().1;
        assert_eq!(
            (found(Some("mine")), found(None)),
            ("fn own() {}\n".into(), "fn own() {}\n".into())
        );
        assert!(found(Some("rotate-secret")).contains("fn retire"));
        assert!(Shelf { directory: None }.modules(None).find("rotate").unwrap().is_some());
    }
}
