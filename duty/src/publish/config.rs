//! The section `[evidence]` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Error;
use windlass_engine::step::Span;

/// The section `[evidence]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the heads of journals go: `"syslog"`, or the address of a webhook. Nowhere, if left out.
    #[serde(default)]
    pub publish: Option<PublishTo>,
    /// How often the heads of runs that have not finished go there; that of a run that ends goes at once.
    #[serde(default = "quarter_of_an_hour")]
    pub every: Span,
    /// The socket of syslog.
    #[serde(default = "dev_log")]
    pub syslog: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Config { publish: None, every: quarter_of_an_hour(), syslog: dev_log() }
    }
}

fn quarter_of_an_hour() -> Span {
    Span(Duration::from_secs(15 * 60))
}

fn dev_log() -> PathBuf {
    PathBuf::from("/dev/log")
}

/// Where heads go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishTo {
    /// The syslog of this machine, which is to send it on to another.
    Syslog,
    /// A webhook, by its address.
    Webhook(String),
}

impl<'de> Deserialize<'de> for PublishTo {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "syslog" => Ok(PublishTo::Syslog),
            url if url.starts_with("https://") || url.starts_with("http://") => {
                Ok(PublishTo::Webhook(text))
            }
            _ => Err(D::Error::custom(format!(
                "`{text}` is no place to publish to: expected \"syslog\", or an address that begins with https://"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_publish_to_is_syslog_or_an_address() {
        let read = |text: &str| toml::from_str::<Config>(text);
        assert_eq!(read("").unwrap(), Config::default());
        assert_eq!(read("publish = \"syslog\"").unwrap().publish, Some(PublishTo::Syslog));
        let url = "https://audit.example/heads";
        let config = read(&format!("publish = \"{url}\"\nevery = \"1m\"")).unwrap();
        assert_eq!(config.publish, Some(PublishTo::Webhook(url.to_owned())));
        assert_eq!(config.every, Span(Duration::from_secs(60)));
        let error = read("publish = \"ftp://x\"").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("expected \"syslog\""), "{error}");
        assert!(read("publsh = \"syslog\"").unwrap_err().to_string().contains("unknown field"));
    }
}
