//! The sealed values of one run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::Secret;
use super::mac::mac;
use super::redact::Redactor;
use crate::id::RunId;

/// Why a sealed value could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No value is kept under this name.
    #[error("this run has no value called `{0}`")]
    Unknown(String),
    /// The bytes don't open: another key, another run, or a damaged journal.
    #[error("the value `{0}` can't be decrypted with this run's key (damaged, or the wrong key)")]
    Damaged(String),
    /// The run's key is gone, as it is after the run has ended.
    #[error("the key of this run is gone, and its values with it")]
    KeyGone,
    /// The operating system gave no random bytes.
    #[error("no randomness from the operating system: {0}")]
    NoRandomness(String),
}

/// The sealed values of one run, and the key that opens them while the run lives.
pub struct SealedValues {
    run: RunId,
    key: Option<Zeroizing<[u8; 32]>>,
    fingerprint_key: Zeroizing<[u8; 32]>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Nonce and ciphertext by name, in base64, as the journal has them.
    sealed: BTreeMap<String, String>,
    /// Names sealed since they were last handed to the journal.
    fresh: Vec<String>,
    /// What takes these values out of texts; nothing, until a text is to be shown.
    redactor: Option<Arc<Redactor>>,
}

impl SealedValues {
    /// Returns an empty set of values for a run.
    pub fn new(
        run: RunId,
        key: Option<Zeroizing<[u8; 32]>>,
        fingerprint_key: Zeroizing<[u8; 32]>,
    ) -> Self {
        SealedValues { run, key, fingerprint_key, inner: Mutex::default() }
    }

    /// Seals a value and keeps it under `name`; a value of that name is replaced.
    ///
    /// # Errors
    /// Without a key, or without randomness.
    pub fn seal(&self, name: &str, value: Secret) -> Result<(), SealError> {
        let mut nonce = [0_u8; 24];
        getrandom::fill(&mut nonce).map_err(|e| SealError::NoRandomness(e.to_string()))?;
        let bound = self.bound(name);
        let payload = Payload { msg: value.expose(), aad: &bound };
        let ciphertext = self
            .cipher()?
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| SealError::Damaged(name.to_owned()))?;
        let mut inner = self.lock();
        inner.sealed.insert(name.to_owned(), STANDARD.encode([&nonce[..], &ciphertext].concat()));
        inner.fresh.push(name.to_owned());
        inner.redactor = None;
        Ok(())
    }

    /// Opens a value.
    ///
    /// # Errors
    /// If it is unknown, damaged, or the key is gone.
    pub fn open(&self, name: &str) -> Result<Secret, SealError> {
        let sealed = self.lock().sealed.get(name).cloned();
        self.opened(name, &sealed.ok_or_else(|| SealError::Unknown(name.to_owned()))?)
    }

    fn opened(&self, name: &str, sealed: &str) -> Result<Secret, SealError> {
        let damaged = || SealError::Damaged(name.to_owned());
        let bytes = STANDARD.decode(sealed).map_err(|_| damaged())?;
        let (nonce, ciphertext) = bytes.split_at_checked(24).ok_or_else(damaged)?;
        let payload = Payload { msg: ciphertext, aad: &self.bound(name) };
        let opened = self.cipher()?.decrypt(XNonce::from_slice(nonce), payload);
        opened.map(Secret::new).map_err(|_| damaged())
    }

    /// Takes values over as the journal recorded them.
    pub fn restore(&self, sealed: &BTreeMap<String, String>) {
        let mut inner = self.lock();
        inner.sealed.extend(sealed.iter().map(|(k, v)| (k.clone(), v.clone())));
        inner.redactor = None;
    }

    /// Returns what was sealed since the last time, for the journal to record.
    pub fn take_fresh(&self) -> BTreeMap<String, String> {
        self.take_fresh_if(|_| true)
    }

    /// Returns what was sealed since the last time under one name.
    pub fn take_fresh_of(&self, name: &str) -> BTreeMap<String, String> {
        self.take_fresh_if(|fresh| fresh == name)
    }

    fn take_fresh_if(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let mut inner = self.lock();
        let (taken, left) = std::mem::take(&mut inner.fresh).into_iter().partition(|n| wanted(n));
        inner.fresh = left;
        let taken: Vec<String> = taken;
        taken.into_iter().filter_map(|n| Some((n.clone(), inner.sealed.get(&n)?.clone()))).collect()
    }

    /// Returns a keyed fingerprint (HMAC-SHA256, first 16 bytes, hex) of a value.
    pub fn fingerprint(&self, value: &Secret) -> String {
        let mac = mac(&self.fingerprint_key, value.expose());
        mac.iter().take(16).map(|b| format!("{b:02x}")).collect()
    }

    /// Returns the text with every value of this run replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        self.redactor().redact(text, || self.values(&self.lock()))
    }

    /// As [`SealedValues::redact`] for text written by others, which is withheld whole when a
    /// value of this run is too short to be found in it.
    pub fn redact_foreign(&self, text: &str) -> String {
        if self.redactor().misses() {
            return "(withheld: a secret of this run is too short to be recognised in it)"
                .to_owned();
        }
        self.redact(text)
    }

    /// Returns what takes all values out of texts that are kept by now.
    fn redactor(&self) -> Arc<Redactor> {
        let mut inner = self.lock();
        if let Some(redactor) = &inner.redactor {
            return redactor.clone();
        }
        let redactor = Arc::new(Redactor::of(&self.values(&inner)));
        inner.redactor = Some(redactor.clone());
        redactor
    }

    fn values(&self, inner: &Inner) -> Vec<Secret> {
        inner.sealed.iter().filter_map(|(name, sealed)| self.opened(name, sealed).ok()).collect()
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, SealError> {
        let key = self.key.as_ref().ok_or(SealError::KeyGone)?;
        Ok(XChaCha20Poly1305::new(Key::from_slice(key.as_slice())))
    }

    /// A sealed value is bound to its run and its name, so that it can't be moved to another.
    fn bound(&self, name: &str) -> Vec<u8> {
        format!("windlass sealed value\0{}\0{name}", self.run).into_bytes()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(run: &str, key: u8) -> SealedValues {
        let key = Zeroizing::new([key; 32]);
        SealedValues::new(RunId::from(run), Some(key), Zeroizing::new([9; 32]))
    }

    #[test]
    fn a_sealed_value_opens_in_its_own_run_and_under_its_own_name_only() {
        let run = values("run_a", 1);
        run.seal("value", Secret::new(b"canary".to_vec())).unwrap();
        let recorded = run.take_fresh();
        assert!(!recorded["value"].contains("canary"));
        assert_eq!(run.open("value").unwrap().expose(), b"canary");

        let again = values("run_a", 1);
        again.restore(&recorded);
        assert_eq!(again.open("value").unwrap().expose(), b"canary");

        let other_run = values("run_b", 1);
        other_run.restore(&recorded);
        assert!(matches!(other_run.open("value"), Err(SealError::Damaged(_))));

        let renamed = values("run_a", 1);
        renamed.restore(&BTreeMap::from([("other".to_owned(), recorded["value"].clone())]));
        assert!(matches!(renamed.open("other"), Err(SealError::Damaged(_))));
    }

    #[test]
    fn without_the_key_nothing_opens() {
        let run = SealedValues::new(RunId::from("run_a"), None, Zeroizing::new([9; 32]));
        assert!(matches!(run.seal("v", Secret::new(vec![1])), Err(SealError::KeyGone)));
    }

    /// What finds the values is kept: one that comes later must be found all the same.
    #[test]
    fn a_value_that_is_sealed_or_restored_later_is_taken_out_too() {
        let run = values("run_a", 1);
        run.seal("one", Secret::new(b"canary".to_vec())).unwrap();
        assert_eq!(run.redact("canary, magpie"), "***, magpie");
        run.seal("two", Secret::new(b"magpie".to_vec())).unwrap();
        assert_eq!(run.redact("canary, magpie"), "***, ***");
        let again = values("run_a", 1);
        assert_eq!(again.redact("canary"), "canary");
        again.restore(&run.take_fresh());
        assert_eq!(again.redact("canary, magpie"), "***, ***");
    }

    #[test]
    fn foreign_text_is_withheld_when_a_value_is_too_short_to_find() {
        let run = values("run_a", 1);
        run.seal("pin", Secret::new(b"12".to_vec())).unwrap();
        assert!(run.redact_foreign("error 12").contains("withheld"));
        assert_eq!(run.redact("error 12"), "error 12");
    }
}
