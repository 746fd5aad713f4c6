//! The section `[console]` of `windlass.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// The section `[console]` of `windlass.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
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
    /// Connections at the same time; those above wait for one to close.
    pub connections_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 7480)),
            tls_cert: None,
            tls_key: None,
            otlp: None,
            allow_remote_without_tls: false,
            runbooks: None,
            connections_max: 512,
        }
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
}

impl Config {
    /// Says what is wrong before anything is opened.
    ///
    /// # Errors
    /// At the first setting that can't stand.
    pub fn check(&self) -> Result<(), ConfigError> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => {
                return Err(ConfigError::HalfOfTls { given: "tls_cert", missing: "tls_key" });
            }
            (None, Some(_)) => {
                return Err(ConfigError::HalfOfTls { given: "tls_key", missing: "tls_cert" });
            }
            (None, None) if !self.listen.ip().is_loopback() && !self.allow_remote_without_tls => {
                return Err(ConfigError::InTheOpen(self.listen));
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
        Ok(())
    }
}
