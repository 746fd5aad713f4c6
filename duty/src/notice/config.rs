//! What a receiver of notices is told: a `[[notice]]` of `windlass.toml`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::message::Kind;
use crate::Name;

/// A receiver of notices: where it is, and what it is told of.
///
/// ```
/// let text = r#"
///     name = "ops"
///     on = ["stuck", "missed"]
///     webhook = { url = "https://ops.example.com/hook", secret_file = "/etc/windlass/hook" }
/// "#;
/// let receiver: windlass_duty::notice::Config = toml::from_str(text).unwrap();
/// assert_eq!(receiver.name.as_str(), "ops");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Told", into = "Told")]
pub struct Config {
    /// Its name.
    pub name: Name,
    /// What it is told of.
    pub on: Vec<Kind>,
    /// Where it is.
    pub address: Address,
}

/// Where notices go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A signed HTTP request, as Standard Webhooks has it.
    Webhook(Webhook),
    /// An incoming webhook of Slack, or of what understands its messages.
    Slack(Slack),
    /// A mail.
    Mail(Mail),
}

impl Config {
    /// Returns the file with the secret that goes with the receiver, if there is one.
    pub(crate) fn secret_file(&self) -> Option<&Path> {
        match &self.address {
            Address::Webhook(to) => Some(&to.secret_file),
            Address::Slack(to) => Some(&to.url_file),
            Address::Mail(to) => to.password_file.as_deref(),
        }
    }
}

/// A receiver as it is written down.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    name: Name,
    #[serde(default = "what_needs_a_person")]
    on: Vec<Kind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook: Option<Webhook>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slack: Option<Slack>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mail: Option<Mail>,
}

fn what_needs_a_person() -> Vec<Kind> {
    vec![Kind::Failed, Kind::Stuck, Kind::Waiting, Kind::Missed, Kind::Overdue]
}

impl TryFrom<Told> for Config {
    type Error = String;

    fn try_from(told: Told) -> Result<Self, String> {
        let Told { name, on, webhook, slack, mail } = told;
        let addresses =
            [webhook.map(Address::Webhook), slack.map(Address::Slack), mail.map(Address::Mail)];
        let mut given = addresses.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(address), None) => Ok(Config { name, on, address }),
            _ => Err(format!("`{name}` needs exactly one of `webhook`, `slack` and `mail`")),
        }
    }
}

impl From<Config> for Told {
    fn from(config: Config) -> Told {
        let Config { name, on, address } = config;
        let mut told = Told { name, on, webhook: None, slack: None, mail: None };
        match address {
            Address::Webhook(webhook) => told.webhook = Some(webhook),
            Address::Slack(slack) => told.slack = Some(slack),
            Address::Mail(mail) => told.mail = Some(mail),
        }
        told
    }
}

/// A signed HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// The file with the key of the signature: `whsec_` and base64, or any bytes.
    pub secret_file: PathBuf,
    /// Certificates that are trusted besides those of the machine, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// A message to a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The file with the address: whoever knows it can post, so it is a secret.
    pub url_file: PathBuf,
    /// Certificates that are trusted besides those of the machine, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server that takes mail from here.
    pub server: String,
    /// Its port: 587 with `starttls`, 465 with `implicit`, 25 with `none` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Who it is from.
    pub from: Mailbox,
    /// Who gets it.
    pub to: Vec<Mailbox>,
    /// The user at the server, if it asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The file with the user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Certificates that are trusted besides those of the machine, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// It begins in the open and must become TLS before anything is said.
    #[default]
    Starttls,
    /// It is TLS from the beginning.
    Implicit,
    /// It is not protected: for a server on the same machine.
    None,
}

/// An address such as `ops@example.com` or `Ops <ops@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mailbox(lettre::message::Mailbox);

impl Mailbox {
    pub(super) fn mailbox(&self) -> lettre::message::Mailbox {
        self.0.clone()
    }
}

impl TryFrom<String> for Mailbox {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mailbox = text
            .parse()
            .map_err(|e| format!("`{text}` is not an address such as ops@example.com: {e}"))?;
        Ok(Mailbox(mailbox))
    }
}

impl From<Mailbox> for String {
    fn from(mailbox: Mailbox) -> String {
        mailbox.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_without_a_choice_is_told_what_needs_a_person() {
        let text = "name = 'a'\nslack = { url_file = '/x' }\n";
        let config: Config = toml::from_str(text).unwrap();
        assert!(config.on.contains(&Kind::Stuck) && !config.on.contains(&Kind::Finished));
        let again = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&again).unwrap(), config);
    }

    #[test]
    fn a_mistake_is_told_with_what_was_expected() {
        let slack = "slack = { url_file = '/x' }";
        let mail = "mail = { server = 'm', from = 'a@b.c', to = ['nobody'] }";
        let hook = "webhook = { url = 'http://x', secret = 'canary' }";
        let cases = [
            (String::new(), "exactly one of `webhook`, `slack` and `mail`"),
            (format!("{slack}\n{}", hook.replace("secret", "secret_file")), "exactly one of"),
            (mail.to_owned(), "not an address such as ops@example.com"),
            (hook.to_owned(), "unknown field `secret`"),
            (format!("{slack}\non = ['loud']"), "expected one of `failed`"),
        ];
        for (lines, expected) in cases {
            let error = toml::from_str::<Config>(&format!("name = 'a'\n{lines}\n")).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
            assert!(!error.message().contains("canary"), "{error}");
        }
    }
}
