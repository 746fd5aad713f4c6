//! The value of a secret, from the seal into a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha224};
use windlass_engine::step::{Context, SealedRef, StepError};
use zeroize::Zeroizing;

/// The most that the swarm takes, in bytes.
const BYTES_MAX: usize = 500 * 1024 - 1;

/// What to do with a newline at the end of a value. A newline that was not there before is a
/// common way to break a login, and so is one that is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Newline {
    /// Store the bytes as they are.
    #[default]
    Keep,
    /// Leave out one newline (or carriage return and newline) at the end.
    Strip,
}

impl Newline {
    fn apply(self, value: &[u8]) -> &[u8] {
        if self == Newline::Keep {
            return value;
        }
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        value.strip_suffix(b"\r").unwrap_or(value)
    }
}

/// Checks the size of a value and returns its fingerprint.
pub(super) fn fingerprint(
    cx: &Context,
    sealed: &SealedRef,
    newline: Newline,
    doing: &str,
) -> Result<String, StepError> {
    let value = match cx.open(sealed) {
        Ok(value) => value,
        // A plan may be made before the value exists.
        Err(_) if cx.assumed().is_some() => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    match newline.apply(value.expose()).len() {
        0 => Err(StepError::permanent("value_empty", format!("{doing}: the value is empty"))),
        size if size > BYTES_MAX => {
            let message =
                format!("{doing}: the value has {size} bytes, and the swarm takes {BYTES_MAX}");
            Err(StepError::permanent("value_too_big", message)
                .hint("Keep large files outside of secrets, and make the key to them the secret."))
        }
        _ => cx.fingerprint(sealed),
    }
}

/// Returns the SHA-224 of a value, without salt, in hexadecimal: what Ansible compares.
pub(super) fn sha224(
    cx: &Context,
    sealed: &SealedRef,
    newline: Newline,
) -> Result<String, StepError> {
    use std::fmt::Write;
    let value = cx.open(sealed)?;
    let hash = Sha224::digest(newline.apply(value.expose()));
    Ok(hash.iter().fold(String::with_capacity(56), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

/// Returns the request body for a secret with this spec and this value.
///
/// The value goes through memory that is wiped: it is encoded straight into the body, which is
/// large enough from the start, so that no copies are left behind as it grows.
pub(super) fn body(
    cx: &Context,
    spec: &Value,
    sealed: &SealedRef,
    newline: Newline,
) -> Result<Zeroizing<Vec<u8>>, StepError> {
    let value = cx.open(sealed)?;
    let value = newline.apply(value.expose());
    let spec = spec.to_string();
    let encoded = base64::encoded_len(value.len(), true).unwrap_or_default();
    let mut body = Zeroizing::new(Vec::with_capacity(spec.len() + encoded + 16));
    // All of the object but its last brace, then the value.
    body.extend_from_slice(spec.strip_suffix('}').unwrap_or_default().as_bytes());
    body.extend_from_slice(b",\"Data\":\"");
    let start = body.len();
    body.resize(start + encoded, 0);
    let written = STANDARD.encode_slice(value, &mut body[start..]);
    written.map_err(|e| StepError::permanent("bug", format!("encode a value: {e}")))?;
    body.extend_from_slice(b"\"}");
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;
    use windlass_engine::clock::SimClock;
    use windlass_engine::id::{CallKey, RunId};
    use windlass_engine::secret::{SealedValues, Secret};
    use windlass_engine::step::Mode;

    fn context(value: &[u8]) -> (Context, SealedRef) {
        let key = Zeroizing::new([1; 32]);
        let sealed = SealedValues::new(RunId::from("run_a"), Some(key), Zeroizing::new([2; 32]));
        sealed.seal("value", Secret::new(value.to_vec())).unwrap();
        let (clock, key) = (Arc::new(SimClock::at(0)), CallKey::default().child(3));
        let cx = Context::detached("run_a", key, Mode::Run, clock, Arc::new(sealed));
        (cx, SealedRef { name: "value".into() })
    }

    #[test]
    fn the_body_holds_the_bytes_as_given_unless_told_otherwise() {
        let (cx, sealed) = context(b"pass word\r\n");
        let spec = json!({ "Name": "db", "Labels": { "a": "}" } });
        for (newline, bytes) in [(Newline::Keep, "pass word\r\n"), (Newline::Strip, "pass word")] {
            let body = body(&cx, &spec, &sealed, newline).unwrap();
            let sent: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(STANDARD.decode(sent["Data"].as_str().unwrap()).unwrap(), bytes.as_bytes());
            assert_eq!((&sent["Name"], &sent["Labels"]["a"]), (&json!("db"), &json!("}")));
        }
    }

    /// What `printf 'pass word' | sha224sum` prints.
    #[test]
    fn the_hash_is_the_one_that_ansible_makes() {
        let (cx, sealed) = context(b"pass word\n");
        let hash = sha224(&cx, &sealed, Newline::Strip).unwrap();
        assert_eq!(hash, "2efbbfe28e68cb621214cd8de1e92a0fdf8d1e70ea10818bf693fa58");
    }

    #[test]
    fn sizes_that_the_swarm_refuses_are_refused_before() {
        let code = |value: &[u8]| {
            let (cx, sealed) = context(value);
            fingerprint(&cx, &sealed, Newline::Strip, "x").map_err(|e| e.code)
        };
        assert_eq!(code(b"\n").unwrap_err(), "value_empty");
        assert_eq!(code(&vec![b'a'; BYTES_MAX + 1]).unwrap_err(), "value_too_big");
        assert_eq!(code(&vec![b'a'; BYTES_MAX]).unwrap().len(), 32);
    }
}
