//! The Unix socket between the owner of a state directory and the processes that ask it.
//!
//! One connection is one request: a line of JSON there, lines of JSON back. Who may connect is in
//! the mode of the socket (`home`); who it is, the kernel says.
//!
//! | a client that | meets |
//! |---|---|
//! | connects and says nothing | ten seconds; and no more than 64 are heard out at once |
//! | sends without end | 16 MiB at most |
//! | finds no descriptor left | its turn, when one is free again: nothing ends the listener |

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, UCred};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use windlass_desk::Accepting;
use windlass_engine::engine::Engine;
use windlass_engine::secret::SecretBuffer;
use zeroize::Zeroizing;

use super::asker::Asker;
use super::audited;
use super::protocol::{Reply, Sent};
use crate::problem::Problem;
use crate::show;
use crate::show::style::yellow;

/// Parts of an answer that may wait for a slow reader.
const BACKLOG_REPLIES_MAX: usize = 1024;

/// Paths longer than this don't fit into the address of a socket.
const PATH_BYTES_MAX: usize = 100;

/// How long a client may take to say what it wants.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);

/// Clients that may take their time at once; the others wait in the kernel's queue.
const UNHEARD_MAX: usize = 64;

/// What a request may have: a runbook's text, and the values of secrets.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

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
    // For the owner and root, until somebody else is let in.
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(cannot)?;
    tokio::spawn(accept(listener, engine));
    Ok(())
}

async fn accept(listener: UnixListener, engine: Engine) {
    let (places, mut accepting) = (Arc::new(Semaphore::new(UNHEARD_MAX)), Accepting::default());
    loop {
        // Nobody closes the semaphore.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let engine = engine.clone();
                tokio::spawn(async move {
                    let (reader, writer) = stream.into_split();
                    let heard = tokio::time::timeout(REQUEST_PATIENCE, hear(reader)).await;
                    drop(place);
                    if let Ok(Ok((reader, request))) = heard {
                        answer(reader, writer, &request, &engine).await;
                    }
                });
            }
            Err(error) if accepting.pause().await => {
                let note = yellow("note:");
                show::note(&format!("{note} a command must wait for its connection: {error}"));
            }
            Err(_) => {}
        }
    }
}

/// Reads a request: a line.
async fn hear(mut reader: OwnedReadHalf) -> std::io::Result<(OwnedReadHalf, SecretBuffer)> {
    let mut line = SecretBuffer::default();
    let mut piece = Zeroizing::new(vec![0; 16 * 1024]);
    while !line.ends_with(b"\n") {
        let read = reader.read(&mut piece).await?;
        if read == 0 || line.len() + read > REQUEST_BYTES_MAX {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        line.extend(&piece[..read]);
    }
    Ok((reader, line))
}

async fn answer(
    reader: OwnedReadHalf,
    mut writer: OwnedWriteHalf,
    request: &[u8],
    engine: &Engine,
) {
    let Ok(peer) = reader.as_ref().peer_cred() else { return };
    let (sender, mut replies) = mpsc::channel(BACKLOG_REPLIES_MAX);
    let serving = async {
        if let Err(problem) = serve(engine, peer, request, &sender).await {
            // Whoever asked may have gone.
            let _ = sender.send(Reply::Problem { problem }).await;
        }
        drop(sender);
    };
    let writing = async {
        while let Some(reply) = replies.recv().await {
            // A backup may hold keys.
            let Ok(line) = line(&reply) else { break };
            if writer.write_all(&line).await.is_err() {
                break;
            }
        }
        replies.close();
    };
    tokio::join!(serving, writing);
}

async fn serve(
    engine: &Engine,
    peer: UCred,
    request: &[u8],
    replies: &mpsc::Sender<Reply>,
) -> Result<(), Problem> {
    let Sent { sudo_user, request } = serde_json::from_slice(request).map_err(|error| {
        Problem::bug(format!("another version of windlass owns the state: {error}"))
    })?;
    let asker = tokio::task::spawn_blocking(move || Asker::at_socket(&peer, sudo_user.as_deref()));
    let asker = asker.await.map_err(|error| Problem::bug(error.to_string()))??;
    audited::serve(engine, request, &asker, replies).await;
    Ok(())
}

/// Returns something as a line of JSON.
fn line<T: serde::Serialize>(what: &T) -> serde_json::Result<SecretBuffer> {
    let mut line = SecretBuffer::default();
    serde_json::to_writer(&mut line, what)?;
    line.extend(b"\n");
    Ok(line)
}

/// Sends a request to the owner, and returns the parts of its answer as they come.
///
/// # Errors
/// If nobody listens.
pub async fn ask(path: &Path, sent: &Sent) -> std::io::Result<mpsc::Receiver<Reply>> {
    let (address, _directory) = address(path)?;
    let (reader, mut writer) = UnixStream::connect(&address).await?.into_split();
    writer.write_all(&line(sent)?).await?;
    let (sender, replies) = mpsc::channel(BACKLOG_REPLIES_MAX);
    tokio::spawn(async move {
        let mut lines = BufReader::new(reader).lines();
        let mut complete = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let line = Zeroizing::new(line);
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
