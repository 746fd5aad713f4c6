//! The section `[console]` of `windlass.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

/// The section `[console]` of `windlass.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub listen: Listen,
    /// The certificate chain, a PEM file.
    pub tls_cert: Option<PathBuf>,
    /// The private key that belongs to it, a PEM file.
    pub tls_key: Option<PathBuf>,
    /// Where traces of runs that are over are sent: the base URL of an OTLP receiver over HTTP.
    pub otlp: Option<String>,
    /// Listen where others can reach it without TLS: something in front of it speaks TLS.
    pub allow_remote_without_tls: bool,
    /// A directory whose `*.rhai` files belong to the library, next to the runbooks that come with
    /// windlass: an operator may run them by their names, without the `.rhai`.
    pub runbooks: Option<PathBuf>,
    /// Connections at the same time, of clients that have shown a token. Of one token there may be
    /// half as many. Half as many again may be open on which no token was shown: of more than that,
    /// those that were opened first are closed.
    pub connections_max: usize,
    /// Event streams of one token at the same time; those of all take half of the connections.
    pub streams_per_token_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: Listen::Usual,
            tls_cert: None,
            tls_key: None,
            otlp: None,
            allow_remote_without_tls: false,
            runbooks: None,
            connections_max: 512,
            streams_per_token_max: 32,
        }
    }
}

/// Where requests are listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Listen {
    /// Nobody named an address: at 127.0.0.1:7480 if it is free.
    Usual,
    /// Here and nowhere else.
    At(SocketAddr),
    /// Nothing answers over HTTP.
    Off,
}

impl Listen {
    /// Returns the address, if there is one.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Listen::Usual => Some(SocketAddr::from(([127, 0, 0, 1], 7480))),
            Listen::At(address) => Some(address),
            Listen::Off => None,
        }
    }
}

/// Not a place to listen at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address and a port, such as 127.0.0.1:7480, or `off`, not `{0}`")]
pub struct NoAddress(String);

impl FromStr for Listen {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        match text {
            "off" => Ok(Listen::Off),
            text => text.parse().map(Listen::At).map_err(|_| NoAddress(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Listen {
    type Error = NoAddress;

    fn try_from(text: String) -> Result<Self, NoAddress> {
        text.parse()
    }
}

/// What is wrong in the section `[console]`, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Half of a pair.
    #[error("[console] has `{given}` without `{missing}`: give both files, or neither")]
    HalfOfTls {
        /// What is there.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// Tokens and secret values would travel in the open.
    #[error(
        "[console] would listen on {0} without TLS, where tokens travel in the open: give \
         `tls_cert` and `tls_key`, listen on 127.0.0.1, or, if something in front of it speaks \
         TLS, say `allow_remote_without_tls = true`"
    )]
    InTheOpen(SocketAddr),
    /// Not a URL that traces could be sent to.
    #[error("[console] otlp = \"{0}\" is not the URL of a receiver, such as http://127.0.0.1:4318")]
    Otlp(String),
    /// Nobody could connect.
    #[error("[console] connections_max must be at least 1")]
    NoConnections,
    /// Nobody could watch.
    #[error("[console] streams_per_token_max must be at least 1")]
    NoStreams,
}

impl Config {
    /// Returns what part of the connections neither streams nor one token may take alone.
    pub(crate) fn half_of_connections(&self) -> usize {
        (self.connections_max / 2).max(1)
    }

    /// Says what is wrong before anything is opened.
    ///
    /// # Errors
    /// At the first setting that can't stand.
    pub fn check(&self) -> Result<(), ConfigError> {
        let remote = self.listen.address().filter(|address| !address.ip().is_loopback());
        match (&self.tls_cert, &self.tls_key, remote) {
            (Some(_), None, _) => {
                return Err(ConfigError::HalfOfTls { given: "tls_cert", missing: "tls_key" });
            }
            (None, Some(_), _) => {
                return Err(ConfigError::HalfOfTls { given: "tls_key", missing: "tls_cert" });
            }
            (None, None, Some(remote)) if !self.allow_remote_without_tls => {
                return Err(ConfigError::InTheOpen(remote));
            }
            _ => {}
        }
        if let Some(url) = &self.otlp
            && crate::trace::endpoint(url).is_none()
        {
            return Err(ConfigError::Otlp(url.clone()));
        }
        if self.connections_max == 0 {
            return Err(ConfigError::NoConnections);
        }
        if self.streams_per_token_max == 0 {
            return Err(ConfigError::NoStreams);
        }
        Ok(())
    }
}
