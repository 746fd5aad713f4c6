//! The master key, and the key of each run wrapped under it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::keys::{KeyError, KeyStore, write_durably};
use super::{SealedValues, Secret};
use crate::id::RunId;

/// The key under which the keys of runs are wrapped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Returns a key made of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        MasterKey(Zeroizing::new(bytes))
    }

    /// Reads the key from a file.
    ///
    /// # Errors
    /// If the file can't be read, is not a key, or can be read by other users.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { action: "read", path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(io)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(io)?);
        from_hex(text.trim()).map(MasterKey).ok_or_else(|| KeyError::Malformed(path.to_owned()))
    }

    /// Reads the key, or makes a new one if there is no such file.
    ///
    /// # Errors
    /// As [`MasterKey::read`], and if the file can't be made.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        if path.exists() {
            return Self::read(path);
        }
        let key = random_key()?;
        let key = MasterKey(key);
        key.write_new(path)?;
        Ok(key)
    }

    /// Reads the key from 64 hexadecimal digits, if that is what the text is.
    pub fn from_hex(text: &str) -> Option<Self> {
        from_hex(text).map(MasterKey)
    }

    /// Writes the key to a new file that only its owner can read; it is durable on return.
    ///
    /// # Errors
    /// If the file is there already, or can't be written.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        write_durably(path, self.hex().expose())
    }

    fn hex(&self) -> Secret {
        let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
        Secret::new(self.0.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect())
    }

    /// Returns a text by which this key is recognised, and from which it can't be worked out.
    pub fn check(&self) -> String {
        self.derive("windlass key check").iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(super::mac::mac(&self.0, purpose.as_bytes()))
    }
}

/// Keys as a backup holds them.
pub struct KeyCopies {
    /// The master key, as 64 hexadecimal digits.
    pub master: Secret,
    /// The wrapped keys of the runs that have not finished.
    pub runs: Vec<(RunId, Vec<u8>)>,
}

/// The master key together with the keys of the runs.
pub struct Keyring {
    master: MasterKey,
    keys: Box<dyn KeyStore>,
}

impl Keyring {
    /// Returns the keyring.
    pub fn new(master: MasterKey, keys: Box<dyn KeyStore>) -> Self {
        Keyring { master, keys }
    }

    /// Makes a key for a new run and returns the (still empty) set of its sealed values. The key
    /// is durable before this returns, so a value sealed with it can be opened after a crash.
    ///
    /// # Errors
    /// If the key can't be made or kept.
    pub fn begin(&self, run: &RunId) -> Result<SealedValues, KeyError> {
        let key = random_key()?;
        let mut nonce = [0_u8; 24];
        getrandom::fill(&mut nonce).map_err(|e| KeyError::NoRandomness(e.to_string()))?;
        let bound = bound(run);
        let payload = Payload { msg: key.as_slice(), aad: &bound };
        let wrapped = self
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| KeyError::Wrong(run.clone()))?;
        self.keys.put(run, &[&nonce[..], &wrapped].concat())?;
        Ok(self.values(run, Some(key)))
    }

    /// Returns a set of values under a key that is kept nowhere: for plans.
    ///
    /// # Errors
    /// Without randomness.
    pub fn ephemeral(&self) -> Result<SealedValues, KeyError> {
        Ok(self.values(&RunId::from("plan"), Some(random_key()?)))
    }

    /// Returns the set of sealed values of an earlier run, to be restored from its journal. If its
    /// key has been destroyed they will not open.
    ///
    /// # Errors
    /// If the key was wrapped by another master key.
    pub fn resume(&self, run: &RunId) -> Result<SealedValues, KeyError> {
        let Some(bytes) = self.keys.get(run)? else {
            return Ok(self.values(run, None));
        };
        let wrong = || KeyError::Wrong(run.clone());
        let (nonce, wrapped) = bytes.split_at_checked(24).ok_or_else(wrong)?;
        let payload = Payload { msg: wrapped, aad: &bound(run) };
        let opened = self.cipher().decrypt(XNonce::from_slice(nonce), payload);
        let opened = Zeroizing::new(opened.map_err(|_| wrong())?);
        let key = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| wrong())?;
        Ok(self.values(run, Some(Zeroizing::new(key))))
    }

    /// Destroys the key of a run that has ended.
    ///
    /// # Errors
    /// If the file can't be overwritten or deleted.
    pub fn destroy(&self, run: &RunId) -> Result<(), KeyError> {
        self.keys.destroy(run)
    }

    /// Destroys the keys of runs that are known to be over: a process can die between the end of a
    /// run and the destruction of its key. A key whose run is not known stays: one too many harms
    /// nobody, and one that is gone can't be had back.
    ///
    /// # Errors
    /// If the keys can't be listed, overwritten or deleted.
    pub fn sweep(&self, over: impl Fn(&RunId) -> bool) -> Result<(), KeyError> {
        self.keys.runs()?.iter().filter(|run| over(run)).try_for_each(|run| self.destroy(run))
    }

    /// Returns a key for a purpose of its own, from which neither the master key nor the key for
    /// another purpose can be worked out. It is the same as long as the master key is.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        self.master.derive(&format!("windlass key for {purpose}"))
    }

    /// Returns the master key and the wrapped keys of runs, for a backup that is to hold them.
    ///
    /// # Errors
    /// If the keys can't be read.
    pub fn copy(&self) -> Result<KeyCopies, KeyError> {
        let mut runs = Vec::new();
        for run in self.keys.runs()? {
            // One that is gone by now is of a run that has just ended.
            runs.extend(self.keys.get(&run)?.map(|key| (run, key)));
        }
        Ok(KeyCopies { master: self.master.hex(), runs })
    }

    /// Returns the text by which the master key is recognised.
    pub fn check(&self) -> String {
        self.master.check()
    }

    fn values(&self, run: &RunId, key: Option<Zeroizing<[u8; 32]>>) -> SealedValues {
        SealedValues::new(run.clone(), key, self.master.derive("windlass fingerprint"))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key = self.master.derive("windlass run key wrapping");
        XChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
    }
}

fn bound(run: &RunId) -> Vec<u8> {
    format!("windlass run key\0{run}").into_bytes()
}

fn random_key() -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut key = Zeroizing::new([0_u8; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|e| KeyError::NoRandomness(e.to_string()))?;
    Ok(key)
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = Zeroizing::new([0_u8; 32]);
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{FileKeys, SealError, Secret};

    fn keyring(directory: &Path) -> Keyring {
        let master = MasterKey::read_or_create(&directory.join("master.key")).unwrap();
        Keyring::new(master, Box::new(FileKeys::at(directory.to_owned())))
    }

    #[test]
    fn a_run_key_survives_a_restart_and_not_the_end_of_its_run() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunId::from("run_a");
        let values = keyring(directory.path()).begin(&run).unwrap();
        values.seal("value", Secret::new(b"canary".to_vec())).unwrap();
        let recorded = values.take_fresh();

        let resumed = keyring(directory.path()).resume(&run).unwrap();
        resumed.restore(&recorded);
        assert_eq!(resumed.open("value").unwrap().expose(), b"canary");

        keyring(directory.path()).destroy(&run).unwrap();
        keyring(directory.path()).destroy(&run).unwrap();
        let ended = keyring(directory.path()).resume(&run).unwrap();
        ended.restore(&recorded);
        assert!(matches!(ended.open("value"), Err(SealError::KeyGone)));
    }

    #[test]
    fn another_master_key_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunId::from("run_a");
        let first = keyring(directory.path());
        first.begin(&run).unwrap();
        fs::remove_file(directory.path().join("master.key")).unwrap();
        let second = keyring(directory.path());
        assert_ne!(first.check(), second.check());
        assert!(matches!(second.resume(&run), Err(KeyError::Wrong(_))));
    }

    #[test]
    fn a_master_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::read_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(MasterKey::read(&path), Err(KeyError::Exposed { mode: 0o644, .. })));
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        write_durably(&path, b"hunter2").unwrap();
        assert!(matches!(MasterKey::read(&path), Err(KeyError::Malformed(_))));
    }
}
