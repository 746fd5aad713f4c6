//! Where the wrapped keys of runs lie: a file each, or memory.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::id::RunId;

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file could not be read or written.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried: "read", "write", "delete".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file does not hold a key.
    #[error("{0} does not hold a master key: expected 64 hexadecimal digits")]
    Malformed(PathBuf),
    /// Others can read the key.
    #[error(
        "{path} can be read by others (mode {mode:o}): run `chmod 600 {path}` and consider it known"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The run's key was wrapped by another master key, or damaged.
    #[error(
        "the key of {0} does not open with this master key (another key file, or a damaged one)"
    )]
    Wrong(RunId),
    /// The operating system gave no random bytes.
    #[error("no randomness from the operating system: {0}")]
    NoRandomness(String),
}

/// Checks that a file with a secret is not open to everybody: nobody but its owner writes to it, and
/// nobody else reads it, unless they are of the group that its owner chose for that.
///
/// # Errors
/// If others may do more, or the file can't be looked at.
pub fn not_for_others(path: &Path) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { action: "read", path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(io)?.mode() & 0o7777;
    if mode & 0o027 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Where the wrapped keys of runs lie.
pub trait KeyStore: Send + Sync {
    /// Keeps the wrapped key of a run; on return it is durable.
    fn put(&self, run: &RunId, wrapped: &[u8]) -> Result<(), KeyError>;
    /// Returns the wrapped key of a run, if it is still there.
    fn get(&self, run: &RunId) -> Result<Option<Vec<u8>>, KeyError>;
    /// Destroys the key of a run; on return it can't be had back. Fine if there is none.
    fn destroy(&self, run: &RunId) -> Result<(), KeyError>;
    /// Returns the runs that have a key.
    fn runs(&self) -> Result<Vec<RunId>, KeyError>;
}

impl<K: KeyStore + ?Sized> KeyStore for std::sync::Arc<K> {
    fn put(&self, run: &RunId, wrapped: &[u8]) -> Result<(), KeyError> {
        (**self).put(run, wrapped)
    }

    fn get(&self, run: &RunId) -> Result<Option<Vec<u8>>, KeyError> {
        (**self).get(run)
    }

    fn destroy(&self, run: &RunId) -> Result<(), KeyError> {
        (**self).destroy(run)
    }

    fn runs(&self) -> Result<Vec<RunId>, KeyError> {
        (**self).runs()
    }
}

/// Writes a new file that only its owner can read; it and its name are durable on return.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { action: "write", path: path.to_owned(), source };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    sync_directory(path).map_err(io)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Wrapped keys as files `<run>.key` in a directory.
#[derive(Debug)]
pub struct FileKeys(PathBuf);

impl FileKeys {
    /// Returns the keys in `directory`, which must exist.
    pub fn at(directory: PathBuf) -> Self {
        FileKeys(directory)
    }

    fn path(&self, run: &RunId) -> PathBuf {
        self.0.join(format!("{run}.key"))
    }
}

impl KeyStore for FileKeys {
    fn put(&self, run: &RunId, wrapped: &[u8]) -> Result<(), KeyError> {
        write_durably(&self.path(run), wrapped)
    }

    fn get(&self, run: &RunId) -> Result<Option<Vec<u8>>, KeyError> {
        let path = self.path(run);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeyError::Io { action: "read", path, source }),
        }
    }

    fn destroy(&self, run: &RunId) -> Result<(), KeyError> {
        let path = self.path(run);
        let overwrite_and_unlink = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
            file.write_all(&vec![0; length])?;
            file.sync_all()?;
            fs::remove_file(&path)?;
            sync_directory(&path)
        };
        match overwrite_and_unlink() {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(KeyError::Io { action: "delete", path: path.clone(), source: e })
            }
            _ => Ok(()),
        }
    }

    fn runs(&self) -> Result<Vec<RunId>, KeyError> {
        let io = |source| KeyError::Io { action: "read", path: self.0.clone(), source };
        let mut runs = Vec::new();
        for file in fs::read_dir(&self.0).map_err(io)? {
            let name = file.map_err(io)?.file_name();
            runs.extend(name.to_str().and_then(|n| n.strip_suffix(".key")).map(RunId::from));
        }
        runs.retain(|run| run.as_str().starts_with("run_"));
        Ok(runs)
    }
}

/// Wrapped keys in memory, for tests and rehearsals.
#[derive(Debug, Default)]
pub struct MemoryKeys(Mutex<HashMap<RunId, Vec<u8>>>);

impl MemoryKeys {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Vec<u8>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl KeyStore for MemoryKeys {
    fn put(&self, run: &RunId, wrapped: &[u8]) -> Result<(), KeyError> {
        self.lock().insert(run.clone(), wrapped.to_vec());
        Ok(())
    }

    fn get(&self, run: &RunId) -> Result<Option<Vec<u8>>, KeyError> {
        Ok(self.lock().get(run).cloned())
    }

    fn destroy(&self, run: &RunId) -> Result<(), KeyError> {
        self.lock().remove(run);
        Ok(())
    }

    fn runs(&self) -> Result<Vec<RunId>, KeyError> {
        Ok(self.lock().keys().cloned().collect())
    }
}
