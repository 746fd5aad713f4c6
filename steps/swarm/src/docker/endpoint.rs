//! Where the Docker daemon is: the same rules as those of the `docker` command.
//!
//! | asked first to last | example |
//! |---|---|
//! | `--context` or `--host`; not both | `windlass --context production plan ...` |
//! | `DOCKER_HOST` | `ssh://ops@manager-1` |
//! | `DOCKER_CONTEXT` | `production` |
//! | `currentContext` in `config.json` | `docker context use production` |
//! | the default | `unix:///var/run/docker.sock` |
//!
//! A context lies in `contexts/meta/<sha256 of its name>/meta.json`, its TLS files in
//! `contexts/tls/<the same>/docker/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What the process was told about Docker. The caller reads the environment; the library doesn't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `--host`, or else `DOCKER_HOST`; neither, if `--context` is given.
    pub docker_host: Option<String>,
    /// Who said so, for error messages, if it was not `DOCKER_HOST`.
    pub host_is_from: Option<String>,
    /// `--context`, or else `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_TLS_VERIFY`; any text that is not empty counts as yes.
    pub docker_tls_verify: Option<String>,
    /// `DOCKER_CERT_PATH`.
    pub docker_cert_path: Option<PathBuf>,
    /// `DOCKER_CONFIG`, or else `$HOME/.docker`.
    pub config_dir: Option<PathBuf>,
}

/// The daemon to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `unix:///path`, `tcp://host:port` or `ssh://user@host`.
    pub host: String,
    /// The files for TLS, for a `tcp://` host that wants it.
    pub tls: Option<Tls>,
    /// Who said so, for error messages: "DOCKER_HOST", "the context production", "the default".
    pub origin: String,
}

/// Files in PEM form that TLS to a daemon needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate authority of the daemon.
    pub ca: PathBuf,
    /// Our certificate.
    pub cert: PathBuf,
    /// Our private key.
    pub key: PathBuf,
}

/// Why no endpoint could be worked out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// A file of the Docker configuration could not be read or understood.
    #[error("read the Docker configuration {path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no such context.
    #[error("find the Docker context `{0}`: there is none of that name; see `docker context ls`")]
    NoContext(String),
    /// The address is of no kind that we speak.
    #[error("use the Docker host `{host}` ({origin}): expected unix://, tcp:// or ssh://")]
    Scheme {
        /// The address.
        host: String,
        /// Who said so.
        origin: String,
    },
    /// TLS is wanted and a file is missing.
    #[error("use TLS with {host}: {missing} is missing")]
    TlsFile {
        /// The address.
        host: String,
        /// The file.
        missing: PathBuf,
    },
}

/// Where the daemon is when nobody says otherwise.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

impl Endpoint {
    /// Works out the daemon to talk to.
    ///
    /// # Errors
    /// If a named context does not exist, a configuration file is damaged, or TLS files lack.
    pub fn resolve(environment: &Environment) -> Result<Self, EndpointError> {
        if let Some(host) = given(environment.docker_host.as_ref()) {
            let tls = match given(environment.docker_tls_verify.as_ref()) {
                Some(_) if !host.starts_with("unix://") && !host.starts_with("ssh://") => {
                    let dir = environment.docker_cert_path.as_ref();
                    let dir = dir.or(environment.config_dir.as_ref());
                    Some(Tls::in_dir(dir.map_or(Path::new("."), |d| d), host))
                }
                _ => None,
            };
            let origin = environment.host_is_from.as_deref().unwrap_or("DOCKER_HOST");
            return Endpoint::new(host, tls.transpose()?, origin);
        }
        let context = match given(environment.docker_context.as_ref()) {
            Some(name) => Some(name.clone()),
            None => current_context(environment.config_dir.as_deref())?,
        };
        match (context, &environment.config_dir) {
            (Some(name), _) if name == "default" => Self::the_default(),
            (Some(name), Some(dir)) => from_context(dir, &name),
            (Some(name), None) => Err(EndpointError::NoContext(name)),
            (None, _) => Self::the_default(),
        }
    }

    /// Returns an endpoint at this address.
    ///
    /// # Errors
    /// If it is none of unix, tcp, http, https, ssh.
    pub fn new(host: &str, tls: Option<Tls>, origin: &str) -> Result<Self, EndpointError> {
        let known = ["unix://", "tcp://", "http://", "https://", "ssh://"];
        if !known.iter().any(|scheme| host.starts_with(scheme)) {
            return Err(EndpointError::Scheme { host: host.to_owned(), origin: origin.to_owned() });
        }
        let default_port = if tls.is_some() { 2376 } else { 2375 };
        Ok(Endpoint { host: with_port(host, default_port), tls, origin: origin.to_owned() })
    }

    fn the_default() -> Result<Self, EndpointError> {
        Endpoint::new(DEFAULT_HOST, None, "the default")
    }
}

impl Tls {
    fn in_dir(dir: &Path, host: &str) -> Result<Self, EndpointError> {
        let file = |name: &str| {
            let path = dir.join(name);
            match path.is_file() {
                true => Ok(path),
                false => Err(EndpointError::TlsFile { host: host.to_owned(), missing: path }),
            }
        };
        Ok(Tls { ca: file("ca.pem")?, cert: file("cert.pem")?, key: file("key.pem")? })
    }
}

fn given(text: Option<&String>) -> Option<&String> {
    text.filter(|t| !t.is_empty())
}

/// Docker lets people leave the port of a `tcp://` address out.
fn with_port(host: &str, port: u16) -> String {
    let Some(rest) = host.strip_prefix("tcp://") else {
        return host.to_owned();
    };
    let authority = rest.trim_end_matches('/');
    let after_brackets = authority.rsplit(']').next().unwrap_or(authority);
    if after_brackets.contains(':') {
        format!("tcp://{authority}")
    } else {
        format!("tcp://{authority}:{port}")
    }
}

fn read_json(path: &Path) -> Result<Option<Value>, EndpointError> {
    let problem = |reason: String| EndpointError::Config { path: path.to_owned(), reason };
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| problem(e.to_string())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(problem(e.to_string())),
    }
}

fn current_context(config_dir: Option<&Path>) -> Result<Option<String>, EndpointError> {
    let Some(dir) = config_dir else {
        return Ok(None);
    };
    let config = read_json(&dir.join("config.json"))?.unwrap_or_default();
    let name = config["currentContext"].as_str().filter(|n| !n.is_empty());
    Ok(name.map(str::to_owned))
}

fn from_context(config_dir: &Path, name: &str) -> Result<Endpoint, EndpointError> {
    let hash: String = Sha256::digest(name.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let contexts = config_dir.join("contexts");
    let path = contexts.join("meta").join(&hash).join("meta.json");
    let meta = read_json(&path)?.ok_or_else(|| EndpointError::NoContext(name.to_owned()))?;
    let docker = &meta["Endpoints"]["docker"];
    let host = docker["Host"].as_str().unwrap_or(DEFAULT_HOST);
    if docker["SkipTLSVerify"].as_bool() == Some(true) && host.starts_with("tcp://") {
        let reason = "it skips the verification of TLS, which windlass does not do".to_owned();
        return Err(EndpointError::Config { path, reason });
    }
    let tls_dir = contexts.join("tls").join(&hash).join("docker");
    let tls = match tls_dir.is_dir() && !host.starts_with("unix://") && !host.starts_with("ssh://")
    {
        true => Some(Tls::in_dir(&tls_dir, host)?),
        false => None,
    };
    Endpoint::new(host, tls, &format!("the context {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(dir: &Path) -> Environment {
        Environment { config_dir: Some(dir.to_owned()), ..Environment::default() }
    }

    fn write(dir: &Path, path: &str, text: &str) {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The sha256 of "production".
    const HASH: &str = "ab8e18ef4ebebeddc0b3152ce9c9006e14fc05242e3fc9ce32246ea6a9543074";

    fn with_context(dir: &Path, host: &str) {
        let meta =
            format!(r#"{{"Name":"production","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
        write(dir, &format!("contexts/meta/{HASH}/meta.json"), &meta);
    }

    #[test]
    fn without_any_word_the_socket_of_the_machine_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(&environment(dir.path())).unwrap();
        assert_eq!(endpoint.host, DEFAULT_HOST);
        assert_eq!(Endpoint::resolve(&Environment::default()).unwrap(), endpoint);
    }

    #[test]
    fn docker_host_wins_over_contexts() {
        let dir = tempfile::tempdir().unwrap();
        with_context(dir.path(), "ssh://ops@manager-1");
        let mut environment = environment(dir.path());
        environment.docker_context = Some("production".into());
        let endpoint = Endpoint::resolve(&environment).unwrap();
        assert_eq!(endpoint.host, "ssh://ops@manager-1");
        assert_eq!(endpoint.origin, "the context production");
        environment.docker_host = Some("tcp://10.0.0.1".into());
        let endpoint = Endpoint::resolve(&environment).unwrap();
        assert_eq!(endpoint.host, "tcp://10.0.0.1:2375");
    }

    #[test]
    fn the_current_context_is_read_with_its_tls_files() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "config.json", r#"{"currentContext":"production"}"#);
        with_context(dir.path(), "tcp://10.0.0.1:2376");
        for file in ["ca.pem", "cert.pem", "key.pem"] {
            write(dir.path(), &format!("contexts/tls/{HASH}/docker/{file}"), "x");
        }
        let endpoint = Endpoint::resolve(&environment(dir.path())).unwrap();
        assert!(endpoint.tls.unwrap().ca.ends_with("docker/ca.pem"));
    }

    #[test]
    fn mistakes_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut environment = environment(dir.path());
        environment.docker_context = Some("nope".into());
        let error = Endpoint::resolve(&environment).unwrap_err();
        assert_eq!(error, EndpointError::NoContext("nope".into()));
        environment.docker_host = Some("fd://".into());
        let error = Endpoint::resolve(&environment).unwrap_err().to_string();
        assert!(error.contains("DOCKER_HOST"), "{error}");
        environment.docker_host = Some("tcp://m:2376".into());
        environment.docker_tls_verify = Some("1".into());
        let error = Endpoint::resolve(&environment).unwrap_err().to_string();
        assert!(error.contains("ca.pem is missing"), "{error}");
        write(dir.path(), "config.json", "{");
        environment.docker_host = None;
        environment.docker_context = None;
        let error = Endpoint::resolve(&environment).unwrap_err().to_string();
        assert!(error.contains("config.json"), "{error}");
    }
}
