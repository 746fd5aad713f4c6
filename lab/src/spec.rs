//! What kind of lab is wanted, and whether this machine can name it.
//!
//! The limits come from the kernel: the name becomes part of interface names (15 characters at
//! most) and the directory part of socket paths (107 at most) and of mount options (where
//! commas and colons separate).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where labs keep their data unless told otherwise; one directory for each lab.
pub(crate) const LABS: &str = "/var/lib/windlass-lab";

/// The longest directory whose sockets still fit: `ROOT/NODE/exec/containerd/...` needs the rest.
const ROOT_LENGTH_MAX: usize = 48;

/// A lab to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabSpec {
    /// What the lab is called on this machine: 1 to 8 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// How many nodes: 1 to 32.
    pub nodes: usize,
    /// How many of them are managers; the first ones. At least 1; 3 survive the loss of one.
    pub managers: usize,
    /// The directory for the lab's data; made by `up` and removed by `down`.
    pub root: PathBuf,
    /// Where `dockerd` and what it needs are, if not where this machine has them: a directory of
    /// programs, or one into which a distribution's packages were unpacked.
    pub engine: Option<PathBuf>,
}

impl Default for LabSpec {
    fn default() -> Self {
        Self::new("lab", 3)
    }
}

/// A lab that can't be made as described.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecError {
    /// The name has a wrong length or characters that can't be part of an interface name.
    #[error(
        "use the lab name `{0}`: a name has 1 to 8 of a-z, 0-9 and -, and begins with a letter"
    )]
    Name(String),
    /// Too many or too few nodes.
    #[error("make a lab of {0} nodes: choose 1 to 32, for example `--nodes 3`")]
    Nodes(usize),
    /// No manager, or more managers than nodes.
    #[error("make {managers} of {nodes} nodes managers: choose 1 to {nodes}, best 1, 3 or 5")]
    Managers {
        /// Managers asked for.
        managers: usize,
        /// Nodes asked for.
        nodes: usize,
    },
    /// The directory can't hold a lab.
    #[error(
        "use the directory {0}: it must be absolute, outside /run and /etc, at most 48 characters \
         long, of letters, digits and `._/-`"
    )]
    Root(PathBuf),
    /// There is no engine in the directory.
    #[error(
        "use the engine in {0}: there must be `dockerd` and `containerd` in it, or in usr/sbin and \
         usr/bin below; the path must be absolute, and outside /run and /etc"
    )]
    Engine(PathBuf),
}

impl LabSpec {
    /// Returns a lab with one manager, in the directory where [`find`](crate::find) looks first.
    pub fn new(name: &str, nodes: usize) -> Self {
        let root = Path::new(LABS).join(name);
        Self { name: name.to_owned(), nodes, managers: 1, root, engine: None }
    }

    /// Checks the limits.
    ///
    /// # Errors
    /// The first limit that the lab breaks; each says what to choose instead.
    pub fn validate(&self) -> Result<(), SpecError> {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let named = self.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !named || self.name.len() > 8 || !self.name.chars().all(letter) {
            return Err(SpecError::Name(self.name.clone()));
        }
        if !(1..=32).contains(&self.nodes) {
            return Err(SpecError::Nodes(self.nodes));
        }
        if !(1..=self.nodes).contains(&self.managers) {
            return Err(SpecError::Managers { managers: self.managers, nodes: self.nodes });
        }
        let text = self.root.to_string_lossy();
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c));
        // A node has its own /run and /etc, so a lab inside them would be out of its sight.
        let hidden = ["/run", "/var/run", "/etc"].iter().any(|own| self.root.starts_with(own));
        let direct = !self.root.components().any(|part| part.as_os_str() == "..");
        if !self.root.is_absolute() || !plain || hidden || !direct || text.len() > ROOT_LENGTH_MAX {
            return Err(SpecError::Root(self.root.clone()));
        }
        match &self.engine {
            Some(engine) if !is_engine(engine) => Err(SpecError::Engine(engine.clone())),
            _ => Ok(()),
        }
    }
}

/// Returns the directories of an engine in which its programs may be.
pub(crate) fn programs(engine: &Path) -> Vec<PathBuf> {
    let parts = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "usr/libexec/docker"];
    let below = parts.into_iter().map(|part| engine.join(part));
    std::iter::once(engine.to_owned()).chain(below).collect()
}

fn is_engine(engine: &Path) -> bool {
    let has = |program| programs(engine).iter().any(|part| part.join(program).is_file());
    // A node has its own /run and /etc.
    let hidden = ["/run", "/var/run", "/etc"].iter().any(|own| engine.starts_with(own));
    engine.is_absolute() && !hidden && has("dockerd") && has("containerd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked() {
        let good = LabSpec::new("lab", 3);
        assert_eq!(good.validate(), Ok(()));
        for name in ["", "Lab", "1lab", "-lab", "ninechars", "a_b", "a b"] {
            let spec = LabSpec { name: name.into(), ..good.clone() };
            assert_eq!(spec.validate(), Err(SpecError::Name(name.into())), "{name}");
        }
        for nodes in [0, 33] {
            let spec = LabSpec { nodes, ..good.clone() };
            assert_eq!(spec.validate(), Err(SpecError::Nodes(nodes)));
        }
        for managers in [0, 4] {
            let spec = LabSpec { managers, ..good.clone() };
            assert_eq!(spec.validate(), Err(SpecError::Managers { managers, nodes: 3 }));
        }
        for root in ["lab", "/run/lab", "/etc/x", "/a/../run/x", "/a,b", &"/long".repeat(10)] {
            let spec = LabSpec { root: root.into(), ..good.clone() };
            assert_eq!(spec.validate(), Err(SpecError::Root(root.into())), "{root}");
        }
    }

    #[test]
    fn an_engine_is_looked_for_where_bundles_and_packages_have_it() {
        let place = tempfile::tempdir().unwrap();
        let with = |engine: &Path| LabSpec { engine: Some(engine.into()), ..LabSpec::default() };
        let missing = Err(SpecError::Engine(place.path().into()));
        assert_eq!(with(place.path()).validate(), missing);
        std::fs::create_dir_all(place.path().join("usr/sbin")).unwrap();
        std::fs::write(place.path().join("usr/sbin/dockerd"), "").unwrap();
        assert_eq!(with(place.path()).validate(), missing);
        std::fs::write(place.path().join("containerd"), "").unwrap();
        assert_eq!(with(place.path()).validate(), Ok(()));
        assert!(with(Path::new("docker")).validate().is_err());
    }
}
