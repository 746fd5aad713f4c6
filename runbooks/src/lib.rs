//! The runbooks that come with windlass, and the modules that they share.
//!
//! A runbook is a file `NAME.rhai` in this directory, a module one in `lib/`; each is named here once.

use windlass_engine::runbook::{Modules, Runbook};
use windlass_engine::script::Shelf;

macro_rules! files {
    ($directory:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!($directory, $name, ".rhai")))),*]
    };
}

/// Name and text of each runbook, as it is written: without the modules that it uses.
pub const RUNBOOKS: &[(&str, &str)] = files!["../": "rotate-secret", "rotate-secret-same-name"];

/// Name and text of each module.
pub const MODULES: &[(&str, &str)] = files!["../lib/": "rotate"];

/// The modules that come with windlass.
pub struct Shipped;

impl Modules for Shipped {
    fn names(&self) -> Vec<String> {
        MODULES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn find(&self, name: &str) -> Result<Option<(Shelf, String)>, String> {
        let found = MODULES.iter().find(|(module, _)| *module == name);
        Ok(found.map(|(_, text)| (Shelf::Shipped, (*text).to_owned())))
    }
}

/// Returns the text of a runbook with the modules that it uses.
pub fn whole(name: &str) -> Option<String> {
    let (name, text) = RUNBOOKS.iter().find(|(runbook, _)| *runbook == name)?;
    Runbook::gather(name, text, &Shipped).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_named_and_every_runbook_is_whole() {
        for (directory, named) in [("", RUNBOOKS), ("/lib", MODULES)] {
            let directory = format!("{}{directory}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(directory).unwrap();
            let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut files: Vec<String> =
                files.filter_map(|file| Some(file.strip_suffix(".rhai")?.to_owned())).collect();
            files.sort();
            assert_eq!(files, named.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }
        for (name, text) in RUNBOOKS {
            let whole = whole(name).unwrap();
            assert!(whole.starts_with(text) && whole.contains("\n//# module rotate: shipped\n"));
            assert_eq!(Runbook::gather(name, &whole, &Shipped).unwrap(), whole, "the same again");
        }
    }
}
