//! Secret values on their way to a run.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use windlass_engine::secret::Secret;
use zeroize::Zeroizing;

use crate::guard::Peer;
use crate::problem::{Kind, Problem};

/// A secret value, in one of two forms. It may come over TLS, or from the same machine.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretValue {
    /// The value, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    value: Option<Zeroizing<String>>,
    /// The value as base64, for one that is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    base64: Option<Base64>,
}

/// Bytes as base64.
struct Base64(Secret);

impl SecretValue {
    /// Returns the value of a secret, on its way out.
    pub fn of(secret: &Secret) -> Self {
        SecretValue { value: None, base64: Some(Base64(secret.clone())) }
    }

    fn secret(&self) -> Option<Secret> {
        match (&self.value, &self.base64) {
            (Some(text), None) => Some(Secret::new(text.as_bytes().to_vec())),
            (None, Some(Base64(secret))) => Some(secret.clone()),
            _ => None,
        }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(self.0.expose())))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Base64 needs no escapes, so the text is taken from where it was read to.
        let text = <&str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(|_| D::Error::custom("a value is not base64"))?;
        Ok(Base64(Secret::new(bytes)))
    }
}

/// Returns secret values as the engine takes them.
///
/// # Errors
/// If they came in the open, or one is given in no form or in two.
pub(crate) fn secrets(
    given: &BTreeMap<String, SecretValue>,
    peer: Peer,
) -> Result<Vec<(String, Secret)>, Problem> {
    if !given.is_empty() && !peer.is_private() {
        let detail = "a secret value came without TLS, and others may have read it";
        let hint = "Change the value; then send it over TLS, or from that machine.";
        return Err(Kind::IN_THE_OPEN.because(detail).hint(hint));
    }
    let of = |(name, value): (&String, &SecretValue)| {
        let detail = "a secret has either a `value` or a `base64`";
        let secret = value.secret().ok_or_else(|| Kind::UNREADABLE.because(detail))?;
        Ok((name.clone(), secret))
    };
    given.iter().map(of).collect()
}
