//! Handing one notice to one receiver.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
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
    /// What happened, for people on this machine. Never a secret of ours; but it names files, and
    /// quotes the receiver, which may repeat the address at which it was asked.
    pub message: String,
    /// What happened, for everybody.
    pub trouble: Trouble,
    /// True if nobody answered: then the next notice need not be tried either.
    pub unreachable: bool,
    /// How long the receiver asks to be left alone, in milliseconds.
    pub leave_alone_ms: Option<Millis>,
}

impl Refusal {
    /// Nobody answered, or not in time.
    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        let trouble = Trouble::Unreachable;
        Refusal { message: message.into(), trouble, unreachable: true, leave_alone_ms: None }
    }

    /// What we know of the receiver can't be used.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        let trouble = Trouble::Unusable;
        Refusal { message: message.into(), trouble, unreachable: false, leave_alone_ms: None }
    }
}

/// What keeps a notice from its receiver, in words that are all our own: they hold no address, no
/// name of a file, and nothing that the receiver said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Nobody answered, or not in time.
    Unreachable,
    /// It answered, with a status of HTTP or SMTP that is no yes.
    Answered(u16),
    /// What is known of it can't be used: its address, or a file that goes with it.
    Unusable,
    /// It is not in the configuration any more.
    Gone,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Unreachable => f.write_str("the receiver does not answer"),
            Trouble::Answered(status) => write!(f, "the receiver answered {status}"),
            Trouble::Unusable => {
                f.write_str("the receiver's address, or a file that goes with it, can't be used")
            }
            Trouble::Gone => f.write_str("windlass.toml names no such receiver any more"),
        }
    }
}

/// Hands a notice to a receiver, and returns what it answered.
///
/// # Errors
/// If it did not take the notice.
pub async fn send(to: &Config, notice: &Notice, now: Millis) -> Result<String, Refusal> {
    let notice = &notice.fit_to_show();
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
