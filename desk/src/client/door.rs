//! The way to the desk: a call, or a connection.

use std::io;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::another_version;
use crate::guard::Peer;
use crate::listen::address;
use crate::problem::{Kind, Problem};

/// What the head of an answer may have: a problem may quote what was asked.
const BUFFER_BYTES: usize = 256 * 1024;

/// Connects to a socket.
///
/// # Errors
/// If nobody listens there.
pub(super) async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let (address, _directory) = address(socket)?;
    UnixStream::connect(&address).await
}

/// Asks in this process.
pub(super) async fn here(mut router: Router, mut request: Request<Body>) -> Response {
    request.extensions_mut().insert(Peer::Process);
    // A router is always ready, and refuses nothing itself.
    match tower_service::Service::call(&mut router, request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Asks the process that owns the state.
///
/// # Errors
/// If it does not answer, or in another language.
pub(super) async fn there(socket: &Path, request: Request<Body>) -> Result<Response, Problem> {
    let stream = connect(socket).await.map_err(|error| silent(&error))?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| silent(&error))?;
    tokio::spawn(async move {
        // What goes wrong is told to whoever reads the answer.
        let _ = connection.await;
    });
    let response = sender.send_request(request).await.map_err(|error| {
        if error.is_parse() { another_version(&error.to_string()) } else { silent(&error) }
    })?;
    Ok(response.map(Body::new))
}

fn silent(error: &dyn std::error::Error) -> Problem {
    let message = "the process that owns the state does not answer";
    Kind::BUG.because(format!("{message}: {error}")).hint("Try again: it may just have ended.")
}
