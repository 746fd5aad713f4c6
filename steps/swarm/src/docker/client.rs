//! The one place that names bollard: it carries bytes to the daemon and back.
//!
//! One within this process is asked without it ([`super::within`]).
//!
//! Bollard knows every way to a daemon (socket, TCP, TLS, ssh), but its typed calls lose fields.
//! So one of its calls that returns plain bytes is made, and a request modifier puts our method,
//! path and body in the place of its own. Every request opens its own connection, except over ssh.

use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker, body_full};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use windlass_engine::step::current_call;

use super::endpoint::Endpoint;
use super::error::DockerError;
use super::within::{self, Daemon};

/// How long the daemon may take to begin its answer. Its own limit for swarm requests is 20 s, and
/// the engine gives most attempts 30 s: between the two, our error is the one that people read.
const ANSWER_SECONDS: u64 = 25;

/// An answer longer than this is not one of ours: 10,000 services take about 60 MiB.
const ANSWER_BYTES_MAX: usize = 512 << 20;

/// Names the run and the call that a request belongs to, for logs and proxies on the way.
const CALL_HEADER: &str = "windlass-call";

/// A way to one daemon.
pub(super) enum Client {
    /// By a socket of one kind or another.
    Out(Docker, Endpoint),
    /// In this process.
    Within(Arc<dyn Daemon>),
}

impl Client {
    /// Prepares the way to the daemon; no connection is made yet.
    pub(super) fn open(endpoint: &Endpoint) -> Result<Self, DockerError> {
        let host = endpoint.host.as_str();
        let version = API_DEFAULT_VERSION;
        let docker = match &endpoint.tls {
            Some(tls) => {
                let (key, cert, ca) = (&tls.key, &tls.cert, &tls.ca);
                Docker::connect_with_ssl(host, key, cert, ca, ANSWER_SECONDS, version)
            }
            None if host.starts_with("unix://") => {
                Docker::connect_with_unix(host, ANSWER_SECONDS, version)
            }
            None if host.starts_with("ssh://") => {
                Docker::connect_with_ssh(host, ANSWER_SECONDS, version, None)
            }
            None => Docker::connect_with_http(host, ANSWER_SECONDS, version),
        };
        let docker = docker.map_err(|error| unreachable_at(endpoint, &error))?;
        Ok(Client::Out(docker, endpoint.clone()))
    }

    /// Sends a request and returns the answer as it comes.
    ///
    /// `target` is path and query, percent-encoded. The body is dropped, and thereby wiped if its
    /// owner wipes itself, as soon as it has been sent.
    pub(super) fn stream(
        &self,
        method: &'static str,
        target: &str,
        body: Bytes,
    ) -> BoxStream<'static, Result<Bytes, DockerError>> {
        let target = target.to_owned();
        let (docker, endpoint) = match self {
            Client::Out(docker, endpoint) => (docker, endpoint.clone()),
            Client::Within(daemon) => {
                return within::stream(daemon.clone(), method, target, current_call(), body);
            }
        };
        let caller = current_call().and_then(|call| call.parse().ok());
        let redirect = move |mut request: BollardRequest| {
            if let Some(call) = caller.clone() {
                request.headers_mut().insert(CALL_HEADER, call);
            }
            redirected(request, method, &target, body.clone())
        };
        let docker = docker.clone().with_request_modifier(redirect);
        // The name is a placeholder: `redirected` replaces the whole request.
        let answer = docker.export_image("placeholder");
        Box::pin(answer.map(move |item| item.map_err(|error| told(&endpoint, error))))
    }

    /// Sends a request and returns the whole answer.
    pub(super) async fn call(
        &self,
        method: &'static str,
        target: &str,
        body: Bytes,
    ) -> Result<Bytes, DockerError> {
        let collect = async {
            let mut stream = self.stream(method, target, body);
            let mut answer = BytesMut::new();
            while let Some(piece) = stream.next().await {
                answer.extend_from_slice(&piece?);
                if answer.len() > ANSWER_BYTES_MAX {
                    let reason = format!("it is longer than {ANSWER_BYTES_MAX} bytes");
                    return Err(DockerError::Malformed { reason });
                }
            }
            Ok(answer.freeze())
        };
        let seconds = ANSWER_SECONDS * 2;
        tokio::time::timeout(Duration::from_secs(seconds), collect)
            .await
            .unwrap_or(Err(DockerError::TimedOut { seconds }))
    }
}

/// Returns the request with our method, target and body. Its scheme and authority stay: they are
/// how the transports know where to connect.
fn redirected(
    mut request: BollardRequest,
    method: &str,
    target: &str,
    body: Bytes,
) -> BollardRequest {
    let uri = request.uri();
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map_or("localhost", |a| a.as_str());
    // Both parse: the method is one of ours and the target is percent-encoded. Were they not to,
    // the placeholder would be asked for, which reads and finds nothing.
    if let (Ok(uri), Ok(method)) =
        (format!("{scheme}://{authority}{target}").parse(), method.parse())
    {
        *request.uri_mut() = uri;
        *request.method_mut() = method;
        *request.body_mut() = body_full(body);
    }
    request
}

fn unreachable_at(endpoint: &Endpoint, error: &dyn std::error::Error) -> DockerError {
    DockerError::Unreachable {
        host: endpoint.host.clone(),
        origin: endpoint.origin.clone(),
        reason: innermost(error),
    }
}

fn told(endpoint: &Endpoint, error: Error) -> DockerError {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            DockerError::refused(status_code, &message)
        }
        Error::RequestTimeoutError => DockerError::TimedOut { seconds: ANSWER_SECONDS },
        Error::HyperLegacyError { ref err } if err.is_connect() => unreachable_at(endpoint, err),
        Error::SocketNotFoundError(_) => unreachable_at(endpoint, &error),
        other => DockerError::Lost { reason: innermost(&other) },
    }
}

/// Returns the cause behind the wrappings: "No such file or directory", not "client error".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
