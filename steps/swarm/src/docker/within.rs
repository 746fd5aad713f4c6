//! A daemon within this process: no socket, no connection, no bytes on the way.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, once};
use futures_util::{FutureExt, TryStreamExt};
use serde_json::Value;

use super::DockerError;

/// A daemon that answers within this process. A rehearsal makes hundreds of thousands of requests
/// to one that is simulated; half of their cost would be sockets.
pub trait Daemon: Send + Sync {
    /// Carries a request out. `target` is path and query; `call` is the call that makes it. None
    /// means that the connection is closed unanswered; the request may have been carried out.
    fn ask(&self, method: &str, target: &str, call: Option<&str>, body: &[u8]) -> Option<Answer>;
}

/// What a daemon answers.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, piece by piece; a piece that is missing means that the connection was closed.
    pub pieces: BoxStream<'static, Option<Bytes>>,
}

/// Sends a request, when it is first polled, and returns the answer as it comes.
pub(super) fn stream(
    daemon: Arc<dyn Daemon>,
    method: &'static str,
    target: String,
    call: Option<String>,
    body: Bytes,
) -> BoxStream<'static, Result<Bytes, DockerError>> {
    let answer = async move {
        let answer = daemon.ask(method, &target, call.as_deref(), &body);
        drop(body);
        let Some(Answer { status, pieces }) = answer else {
            return once(async { Err(closed()) }).boxed();
        };
        let pieces = pieces.map(|piece| piece.ok_or_else(closed));
        if status < 400 {
            return pieces.boxed();
        }
        once(async move { Err(refused(status, pieces).await) }).boxed()
    };
    answer.into_stream().flatten().boxed()
}

/// Reads the daemon's words from the body of a refusal.
async fn refused(
    status: u16,
    pieces: impl futures_util::Stream<Item = Result<Bytes, DockerError>> + Send,
) -> DockerError {
    match pieces
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
    {
        Ok(body) => {
            let message = serde_json::from_slice::<Value>(&body).unwrap_or_default();
            DockerError::refused(status, message["message"].as_str().unwrap_or_default())
        }
        Err(error) => error,
    }
}

fn closed() -> DockerError {
    DockerError::Lost { reason: "connection closed before message completed".to_owned() }
}
