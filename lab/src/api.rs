//! The few calls to the Docker Engine API that make a swarm of freshly started daemons.
//!
//! Plain HTTP/1.0 over the Unix socket: the daemon then answers without chunks and closes, so a
//! client is one write and one read. The lab must not depend on the Docker client of the steps,
//! which it exists to test.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Joining a swarm waits for its managers; anything longer than this is a daemon that hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A daemon of the lab that did not answer, or answered no.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing listens on the socket, or the answer broke off.
    #[error("ask {call}: {source}")]
    Unreachable {
        /// Method and path.
        call: String,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon refused.
    #[error("{call}: {message} (status {status})")]
    Refused {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The daemon's own words.
        message: String,
    },
}

/// Asks the daemon at `socket` and returns its answer; null if it has no body.
pub(crate) async fn get(socket: &Path, path: &str) -> Result<Value, ApiError> {
    exchange(socket, "GET", path, "application/json", &[]).await
}

/// Sends JSON to the daemon at `socket`.
pub(crate) async fn post(socket: &Path, path: &str, body: &Value) -> Result<Value, ApiError> {
    exchange(socket, "POST", path, "application/json", body.to_string().as_bytes()).await
}

/// Sends a tar archive to the daemon at `socket`.
pub(crate) async fn post_tar(socket: &Path, path: &str, tar: &[u8]) -> Result<Value, ApiError> {
    exchange(socket, "POST", path, "application/x-tar", tar).await
}

async fn exchange(
    socket: &Path,
    method: &str,
    path: &str,
    content: &str,
    body: &[u8],
) -> Result<Value, ApiError> {
    let call = format!("{method} {path}");
    let transfer = async {
        let mut stream = UnixStream::connect(socket).await?;
        let length = body.len();
        let head = format!(
            "{call} HTTP/1.0\r\nHost: docker\r\nContent-Type: {content}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    };
    let answer = tokio::time::timeout(ANSWER_LIMIT, transfer)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .and_then(|bytes| parse(&bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into()));
    let (status, body) =
        answer.map_err(|source| ApiError::Unreachable { call: call.clone(), source })?;
    if (200..300).contains(&status) {
        return Ok(serde_json::from_str(&body).unwrap_or(Value::Null));
    }
    let message = serde_json::from_str(&body)
        .ok()
        .and_then(|value: Value| Some(value["message"].as_str()?.to_owned()))
        .unwrap_or(body);
    Err(ApiError::Refused { call, status, message })
}

/// Returns status and body of an answer; none if it broke off in its head.
fn parse(bytes: &[u8]) -> Option<(u16, String)> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_split_into_status_and_body() {
        let answer = b"HTTP/1.0 409 Conflict\r\nServer: Docker\r\n\r\n{\"message\":\"no\"}\n";
        assert_eq!(parse(answer), Some((409, "{\"message\":\"no\"}\n".into())));
        assert_eq!(parse(b"HTTP/1.0 200 OK\r\nSer"), None);
        assert_eq!(parse(b""), None);
    }
}
