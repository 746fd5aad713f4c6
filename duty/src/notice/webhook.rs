//! Signed HTTP requests, as Standard Webhooks has them.
//!
//! | header | what |
//! |---|---|
//! | `webhook-id` | the key of the notice: the same whenever the same notice is sent |
//! | `webhook-timestamp` | when this attempt was made, in seconds since 1970 |
//! | `webhook-signature` | `v1,` and the base64 of the HMAC-SHA-256 of `id.timestamp.body` |

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use windlass_engine::clock::Millis;

use super::config::Webhook;
use super::http;
use super::message::Notice;
use super::send::{Refusal, read_secret};
use crate::schedule::stamp;

/// What the key begins with if it is written as base64.
const ENCODED: &[u8] = b"whsec_";

pub(super) async fn send(to: &Webhook, notice: &Notice, now: Millis) -> Result<String, Refusal> {
    let secret = read_secret(&to.secret_file)?;
    let body = body(notice).to_string().into_bytes();
    let timestamp = (now / 1000).to_string();
    let signature = sign(secret.expose(), &notice.key, &timestamp, &body)?;
    let headers = [
        ("webhook-id", notice.key.clone()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    http::post(&to.url, &headers, body, to.ca_file.as_deref()).await
}

/// Returns the body: what it is about, when, and the rest.
fn body(notice: &Notice) -> Value {
    json!({
        "type": format!("windlass.{}", notice.kind),
        "timestamp": stamp(notice.at),
        "data": {
            "title": notice.title,
            "lines": notice.lines,
            "run": notice.run,
            "runbook": notice.runbook,
            "schedule": notice.schedule,
            "place": notice.place,
        },
    })
}

/// Returns the signature of a request.
fn sign(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Result<String, Refusal> {
    let decoded = secret.strip_prefix(ENCODED).map(|encoded| BASE64_STANDARD.decode(encoded));
    let not_base64 = |_| Refusal::refused("`secret_file`: what follows `whsec_` is not base64");
    let decoded = decoded.transpose().map_err(not_base64)?;
    let key = decoded.as_deref().unwrap_or(secret);
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.map_err(|e| Refusal::refused(format!("`secret_file`: {e}")))?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let signature = sign(
            b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_may_be_any_bytes_but_not_broken_base64() {
        assert!(sign(b"any bytes", "a", "1", b"").is_ok());
        let error = sign(b"whsec_canary!", "a", "1", b"").unwrap_err();
        assert!(error.message.contains("not base64") && !error.message.contains("canary"));
    }
}
