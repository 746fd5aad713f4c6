//! The opaque type that holds a secret value.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A secret value: bytes exactly as given, never shown. All clones share them, and the last one that
/// is dropped wipes them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Secret(Arc::new(Zeroizing::new(bytes)))
    }

    /// Returns the value as text, if it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Returns the bytes. Name it where you use it: this is the one way out.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A secret value as a text in JSON, where it must be: `#[serde(with = "as_text")]`.
pub mod as_text {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Error, Serializer};

    use super::Secret;

    /// Writes the value.
    ///
    /// # Errors
    /// If it is not text.
    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        let text = secret.text().ok_or_else(|| S::Error::custom("a secret value is not text"))?;
        serializer.serialize_str(text)
    }

    /// Reads the value.
    ///
    /// # Errors
    /// If there is not text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        // The text is taken over as it is: no copy of it is left.
        String::deserialize(deserializer).map(|text| Secret::new(text.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let secret = Secret::new(b"canary".to_vec());
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.expose(), b"canary");
    }

    #[test]
    fn clones_of_a_secret_are_no_copies_of_its_bytes() {
        let secret = Secret::new(b"canary".to_vec());
        assert_eq!(secret.clone().expose().as_ptr(), secret.expose().as_ptr());
    }

    #[test]
    fn a_secret_is_a_text_in_json_where_it_is_one() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Line {
            #[serde(with = "as_text")]
            value: Secret,
        }
        let line = |bytes: &[u8]| serde_json::to_string(&Line { value: Secret::new(bytes.into()) });
        assert_eq!(line(b"a \"b\"").unwrap(), r#"{"value":"a \"b\""}"#);
        let back: Line = serde_json::from_str(r#"{"value":"a \"b\""}"#).unwrap();
        assert_eq!(back.value.text(), Some("a \"b\""));
        assert!(line(b"\xff").unwrap_err().to_string().contains("not text"));
    }
}
