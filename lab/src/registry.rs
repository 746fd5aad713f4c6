//! Which labs this machine has: a record in the directory of each.
//!
//! Labs outlive the process that made them, so any process must find them: in the usual place,
//! or wherever the bridges of the running ones point to (see [`network`]).

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::lab::{Lab, LabError};
use crate::network;
use crate::spec::LABS;

const RECORD: &str = "lab.json";

impl Lab {
    /// Returns the lab recorded in a directory, whether or not it still runs.
    ///
    /// # Errors
    /// [`LabError::Record`] if there is none, or it can't be read.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, LabError> {
        let path = root.as_ref().join(RECORD);
        let read = fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice::<Lab>(&bytes)?));
        let mut lab = read.map_err(|source| LabError::Record { path, source })?;
        lab.root = root.as_ref().to_owned();
        Ok(lab)
    }

    /// Writes the record: a reader sees the old or the new one, never half of it.
    pub(crate) fn save(&self) -> Result<(), LabError> {
        let path = self.root.join(RECORD);
        let write = || {
            fs::create_dir_all(&self.root)?;
            let draft = self.root.join("lab.json.new");
            fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
            fs::rename(draft, &path)
        };
        write().map_err(|source| LabError::Record { path: path.clone(), source })
    }

    /// Removes the record, and the directory if nothing else is in it; the last thing that
    /// `down` does. A record that can't be removed is found, and removed, the next time.
    pub(crate) fn forget(&self) {
        for file in ["lab.json.new", RECORD] {
            let _ = fs::remove_file(self.root.join(file));
        }
        let _ = fs::remove_dir(&self.root);
        let _ = fs::remove_dir(LABS);
    }

    /// Claims the directory for as long as the returned file is open; the kernel lets go of it
    /// when the process ends, however it ends.
    pub(crate) fn claim(&self) -> Result<File, LabError> {
        let open = || {
            fs::create_dir_all(&self.root)?;
            File::open(&self.root)
        };
        let failed = |source| LabError::Record { path: self.root.clone(), source };
        let directory = open().map_err(failed)?;
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(directory),
            Err(Errno::WOULDBLOCK) => Err(LabError::AlreadyUp(self.name.clone())),
            Err(error) => Err(failed(error.into())),
        }
    }
}

/// Returns the labs of this machine, by name; also those that were half made or have crashed.
pub fn list() -> Vec<Lab> {
    let known = fs::read_dir(LABS).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut roots: Vec<PathBuf> = known.chain(network::roots()).collect();
    roots.sort();
    roots.dedup();
    let mut labs: Vec<Lab> = roots.iter().filter_map(|root| Lab::open(root).ok()).collect();
    labs.sort_by(|a, b| a.name.cmp(&b.name));
    labs
}

/// Returns the lab with this name, wherever it keeps its data.
///
/// # Errors
/// [`LabError::NoSuchLab`].
pub fn find(name: &str) -> Result<Lab, LabError> {
    let missing = || LabError::NoSuchLab(name.to_owned());
    list().into_iter().find(|lab| lab.name == name).ok_or_else(missing)
}
