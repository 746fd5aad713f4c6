//! The Unix socket between the owner of a state directory and other processes of the same user.
//!
//! One connection is one request: a line of JSON there, lines of JSON back.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use windlass_engine::engine::Engine;

use super::audited::{actor, serve};
use super::protocol::{Reply, Request};
use crate::problem::Problem;

/// Parts of an answer that may wait for a slow reader.
const BACKLOG_REPLIES_MAX: usize = 1024;

/// Paths longer than this don't fit into the address of a socket.
const PATH_BYTES_MAX: usize = 100;

/// Answers requests over the socket until the process ends.
///
/// # Errors
/// If the socket can't be made.
pub fn listen(path: &Path, engine: Engine) -> Result<(), Problem> {
    let cannot = |e: std::io::Error| Problem::bug(format!("listen at {}: {e}", path.display()));
    // Left over from an owner that was killed; we hold the lock, so nobody listens there.
    let _ = std::fs::remove_file(path);
    let (address, _directory) = address(path).map_err(cannot)?;
    let listener = UnixListener::bind(&address).map_err(cannot)?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let engine = engine.clone();
            tokio::spawn(async move { answer(stream, &engine).await });
        }
    });
    Ok(())
}

async fn answer(stream: UnixStream, engine: &Engine) {
    // The directory lets nobody else in; the kernel says who it is all the same.
    let me = rustix::process::geteuid().as_raw();
    let Ok(peer) = stream.peer_cred() else { return };
    if peer.uid() != me && peer.uid() != 0 {
        return;
    }
    let (reader, mut writer) = stream.into_split();
    let mut line = zeroize::Zeroizing::new(String::new());
    if BufReader::new(reader).read_line(&mut line).await.is_err() {
        return;
    }
    let (sender, mut replies) = mpsc::channel(BACKLOG_REPLIES_MAX);
    let serving = async {
        match serde_json::from_str::<Request>(&line) {
            Ok(request) => serve(engine, request, &actor(&peer), &sender).await,
            Err(error) => {
                let message = format!("another version of windlass owns the state: {error}");
                let problem = Problem::bug(message);
                let _ = sender.send(Reply::Problem { problem }).await;
            }
        }
        drop(sender);
    };
    let writing = async {
        while let Some(reply) = replies.recv().await {
            // A backup may hold keys.
            let Ok(text) = serde_json::to_string(&reply) else { break };
            let mut text = zeroize::Zeroizing::new(text);
            text.push('\n');
            if writer.write_all(text.as_bytes()).await.is_err() {
                break;
            }
        }
        replies.close();
    };
    tokio::join!(serving, writing);
}

/// Sends a request to the owner, and returns the parts of its answer as they come.
///
/// # Errors
/// If nobody listens.
pub async fn ask(path: &Path, request: &Request) -> std::io::Result<mpsc::Receiver<Reply>> {
    let (address, _directory) = address(path)?;
    let (reader, mut writer) = UnixStream::connect(&address).await?.into_split();
    let mut line = zeroize::Zeroizing::new(serde_json::to_string(request)?);
    line.push('\n');
    writer.write_all(line.as_bytes()).await?;
    let (sender, replies) = mpsc::channel(BACKLOG_REPLIES_MAX);
    tokio::spawn(async move {
        let mut lines = BufReader::new(reader).lines();
        let mut complete = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let line = zeroize::Zeroizing::new(line);
            let reply = serde_json::from_str(&line).unwrap_or_else(|error| Reply::Problem {
                problem: Problem::bug(format!("another version of windlass answers: {error}")),
            });
            complete = matches!(reply, Reply::End | Reply::Problem { .. });
            if sender.send(reply).await.is_err() {
                return;
            }
        }
        if !complete {
            let problem = Problem::bug("the process that owns the state has ended")
                .hint("`windlass runs` says how things are.");
            let _ = sender.send(Reply::Problem { problem }).await;
        }
        // Keeps the half of the connection open that the owner reads from.
        drop(writer);
    });
    Ok(replies)
}

/// Returns an address for the socket, going through an open directory if the path is too long.
fn address(path: &Path) -> std::io::Result<(PathBuf, Option<std::fs::File>)> {
    use std::os::fd::AsRawFd;
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return Ok((path.to_owned(), None));
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok((path.to_owned(), None));
    };
    let directory = std::fs::File::open(directory)?;
    let through = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    Ok((through.join(name), Some(directory)))
}
