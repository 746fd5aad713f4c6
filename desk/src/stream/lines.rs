//! Answers of many lines: journals, evidence, backups.
//!
//! A line that begins with `{"problem":` is the last one, and says why there are no more. An answer
//! whose producer died is broken off: nobody takes half of it for the whole.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::mpsc;
use windlass_engine::secret::SecretBuffer;

use crate::problem::{Problem, bug};

/// The media type.
pub(crate) const LINES: &str = "application/jsonl";

/// Pieces that wait for a slow reader.
const BACKLOG: usize = 8;

/// Bytes that go in one piece.
const PIECE_BYTES: usize = 64 * 1024;

const PROBLEM: &[u8] = b"{\"problem\":";

enum Piece {
    Bytes(Bytes),
    /// That was all.
    End,
}

/// Where lines go. Dropped before its end, it breaks the answer off.
pub(crate) struct Lines(mpsc::Sender<Piece>);

/// Where somebody who blocks writes lines.
pub(crate) struct Out {
    pieces: mpsc::Sender<Piece>,
    /// A backup may hold keys.
    text: SecretBuffer,
}

/// Bytes that are wiped when the last who needs them is done.
struct Wiped(SecretBuffer);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Lines {
    /// Returns where lines go, and the answer that they make.
    pub(crate) fn begin() -> (Self, Response) {
        let (pieces, out) = mpsc::channel(BACKLOG);
        let stream = futures_util::stream::unfold(Some(out), async |out| {
            let mut out = out?;
            match out.recv().await {
                Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(out))),
                Some(Piece::End) => None,
                None => Some((Err(io::Error::other("the answer broke off")), None)),
            }
        });
        let body = Body::from_stream(stream);
        (Lines(pieces), ([(header::CONTENT_TYPE, LINES)], body).into_response())
    }

    /// Returns an answer that somebody writes who blocks.
    pub(crate) fn write(
        write: impl FnOnce(&mut Out) -> Result<(), Problem> + Send + 'static,
    ) -> Response {
        let (lines, response) = Self::begin();
        tokio::task::spawn_blocking(move || {
            let mut out = Out { pieces: lines.0.clone(), text: SecretBuffer::default() };
            let written = write(&mut out);
            // Whoever asked may have gone.
            let _ = out.flush();
            tokio::runtime::Handle::current().block_on(lines.end(written));
        });
        response
    }

    /// Sends a line.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(crate) async fn send<T: Serialize>(&self, what: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        let sent = self.0.send(Piece::Bytes(line.into())).await;
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Says that this was all, or why there is no more.
    pub(crate) async fn end(self, how: Result<(), Problem>) {
        if let Err(problem) = how {
            let problem = problem.json(true);
            let line = format!("{{\"problem\":{problem}}}\n");
            let _ = self.0.send(Piece::Bytes(line.into())).await;
        }
        let _ = self.0.send(Piece::End).await;
    }

    /// Returns once nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend(bytes);
        if self.text.len() > PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from_owner(Wiped(std::mem::take(&mut self.text)));
        let sent = self.pieces.blocking_send(Piece::Bytes(piece));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Returns the problem that a line tells, if it is the last one of an answer that went wrong.
pub(crate) fn problem_in(line: &[u8]) -> Option<Problem> {
    let problem = line.strip_prefix(PROBLEM)?.strip_suffix(b"}")?;
    Some(Problem::read(problem).unwrap_or_else(|| bug("an answer ends with a problem of its own")))
}
