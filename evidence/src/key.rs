//! The key that signs evidence.
//!
//! It is derived from the master key, and kept nowhere: there is no file to lose, to copy or to
//! forget in a backup, and whoever can't read the master key can't sign. The public key is printed
//! by `windlass evidence key` and kept by those who verify, away from the machine.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use windlass_journal::{Archive, text_hash};

/// What the key is for; in the derivation, so it never changes.
const PURPOSE: &str = "evidence signing, ed25519";

/// The key that signs. Its memory is zeroised on drop.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Returns the key that belongs to the journals, of an engine: that of its state directory.
    pub fn of(archive: &impl Archive) -> Self {
        SigningKey::from_bytes(&archive.derived_key(PURPOSE))
    }

    /// Returns the key made of these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(bytes))
    }

    /// Returns the public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message; the signature is 128 hexadecimal digits.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        hex(&self.0.sign(message).to_bytes())
    }
}

/// The key that verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Returns a short name of the key, to say it aloud or to compare at a glance.
    pub fn id(&self) -> String {
        text_hash(self.0.as_bytes()).chars().take(16).collect()
    }

    /// True if the signature is of this message and of this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let bytes = unhex::<64>(signature);
        // Strict: nobody but the holder of the key can make a second signature out of the first.
        bytes.is_some_and(|bytes| {
            self.0.verify_strict(message, &Signature::from_bytes(&bytes)).is_ok()
        })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0.as_bytes()))
    }
}

/// The text is no public key.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a public key: expected the 64 hexadecimal digits that `windlass evidence key` prints"
)]
pub struct BadKey(String);

impl FromStr for PublicKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let key = unhex::<32>(text.trim()).and_then(|b| VerifyingKey::from_bytes(&b).ok());
        key.map(PublicKey).ok_or_else(|| BadKey(text.trim().chars().take(80).collect()))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads lower-case digits only: one text for each value.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 * N || !text.as_bytes().iter().all(digit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_reads_back_what_it_prints() {
        let public = SigningKey::from_bytes(&[7; 32]).public();
        assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
        assert!("beef".parse::<PublicKey>().is_err());
        assert!(public.to_string().to_uppercase().parse::<PublicKey>().is_err());
    }

    #[test]
    fn a_signature_is_of_one_message_and_one_key() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let signature = key.sign(b"message");
        assert!(key.public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"massage", &signature));
        assert!(!SigningKey::from_bytes(&[8; 32]).public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"message", "beef"));
    }
}
