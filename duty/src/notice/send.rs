//! Handing one notice to one receiver.

use std::path::Path;
use std::time::Duration;

use windlass_engine::clock::Millis;
use windlass_engine::secret::Secret;

use super::config::{Address, Config};
use super::message::Notice;
use super::{http, mail, slack, webhook};

/// How long a receiver may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Why a receiver did not take a notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What happened, for people. Never a secret, nor an address that is one.
    pub message: String,
    /// True if nobody answered: then the next notice need not be tried either.
    pub unreachable: bool,
    /// How long the receiver asks to be left alone, in milliseconds.
    pub leave_alone_ms: Option<Millis>,
}

impl Refusal {
    /// Nobody answered, or not in time.
    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Refusal { message: message.into(), unreachable: true, leave_alone_ms: None }
    }

    /// The receiver, or what we know of it, does not fit.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Refusal { message: message.into(), unreachable: false, leave_alone_ms: None }
    }
}

/// Hands a notice to a receiver, and returns what it answered.
///
/// # Errors
/// If it did not take the notice.
pub async fn send(to: &Config, notice: &Notice, now: Millis) -> Result<String, Refusal> {
    let sending = async {
        match &to.address {
            Address::Webhook(address) => webhook::send(address, notice, now).await,
            Address::Slack(address) => slack::send(address, notice).await,
            Address::Mail(address) => mail::send(address, notice).await,
        }
    };
    let late = || Refusal::unreachable(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, sending).await.unwrap_or_else(|_| Err(late()))
}

/// Posts JSON that is no notice to an address, and returns what was answered.
///
/// # Errors
/// If it was not taken.
pub async fn post(url: &str, body: Vec<u8>) -> Result<String, Refusal> {
    let late = || Refusal::unreachable(format!("no answer within {} s", PATIENCE.as_secs()));
    let posting = tokio::time::timeout(PATIENCE, http::post(url, &[], body, None));
    posting.await.unwrap_or_else(|_| Err(late()))
}

/// Reads a secret from its file, without the newline that editors leave at the end.
pub(super) fn read_secret(path: &Path) -> Result<Secret, Refusal> {
    let bytes = std::fs::read(path);
    let bytes =
        bytes.map_err(|e| Refusal::refused(format!("{} can't be read: {e}", path.display())))?;
    let secret = Secret::new(bytes);
    let end = secret.expose().trim_ascii_end().len();
    if end == 0 {
        return Err(Refusal::refused(format!("{} is empty", path.display())));
    }
    Ok(Secret::new(secret.expose()[..end].to_vec()))
}
