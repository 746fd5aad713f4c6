//! Listening on the socket of a state directory: the same requests as over the network, from
//! processes of this machine.
//!
//! Who may connect is in the mode of the socket; who it is, the kernel says.
//!
//! | a client that | meets |
//! |---|---|
//! | connects and says nothing | five seconds; and no more than 64 are heard out at once |
//! | sends without end | 16 MiB at most, and ten seconds for them |
//! | finds no descriptor left | its turn, when one is free again: nothing ends the listener |
//! | does not read what it asked for | patience: a person may have stopped it for a while |

use std::fs::Permissions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::{Accepting, converse, stopped};
use crate::desk::Desk;
use crate::guard::Peer;
use crate::router::router;
use crate::table::table;

/// Clients that may take their time at once; the others wait in the kernel's queue.
const UNHEARD_MAX: usize = 64;

/// What a connection may keep in memory of requests and answers.
const BUFFER_BYTES: usize = 64 * 1024;

/// Paths longer than this don't fit into the address of a socket.
const PATH_BYTES_MAX: usize = 100;

/// How long whoever still reads may take when the owner ends.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);

/// A place among those whose request has not been heard yet.
#[derive(Clone)]
pub(crate) struct Unheard(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Unheard {
    /// Gives the place to somebody else.
    pub(crate) fn is_heard(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A desk that answers at a socket, until it is closed or dropped.
pub struct AtSocket {
    path: PathBuf,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl AtSocket {
    /// Lets nobody in any more: whoever comes from here on waits for the lock.
    pub fn leave(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Ends what is left of answers, and returns when they have been read (two seconds at most).
    pub async fn close(self) {
        self.leave();
        self.stop.send_replace(true);
        let _ = self.listening.await;
    }
}

/// Begins to answer at a socket. `trouble` is told why a connection does not come about.
///
/// # Errors
/// If the socket can't be made.
pub fn listen(path: &Path, desk: &Desk, trouble: fn(&io::Error)) -> io::Result<AtSocket> {
    // Left over from an owner that was killed; we hold the lock, so nobody listens there.
    let _ = std::fs::remove_file(path);
    let (address, _directory) = address(path)?;
    let socket = UnixListener::bind(&address)?;
    // For the owner and root, until somebody else is let in.
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let (stop, stopping) = watch::channel(false);
    let desk = desk.for_socket(stopping.clone());
    let listener = Listener { router: router(&desk, table()), stopping };
    let listening = tokio::spawn(listener.serve(socket, trouble));
    Ok(AtSocket { path: path.to_owned(), stop, listening })
}

/// Returns an address for a socket, going through an open directory if the path is too long: that
/// must stay open as long as the address is used.
///
/// # Errors
/// If the directory can't be opened.
pub fn address(path: &Path) -> io::Result<(PathBuf, Option<std::fs::File>)> {
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

#[derive(Clone)]
struct Listener {
    router: Router,
    stopping: watch::Receiver<bool>,
}

impl Listener {
    async fn serve(self, socket: UnixListener, trouble: fn(&io::Error)) {
        let (places, mut accepting) = (Arc::new(Semaphore::new(UNHEARD_MAX)), Accepting::default());
        let (mut stopping, mut connections) = (self.stopping.clone(), JoinSet::new());
        loop {
            let accepted = tokio::select! {
                accepted = accept(&socket, &places) => accepted,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                () = stopped(&mut stopping) => break,
            };
            match accepted {
                Ok((stream, unheard)) => {
                    drop(connections.spawn(self.clone().speak(stream, unheard)))
                }
                Err(error) if accepting.pause().await => trouble(&error),
                Err(_) => {}
            }
        }
        drop(socket);
        let drained = async { while connections.join_next().await.is_some() {} };
        // Whoever is cut off finds out that we have gone.
        let _ = tokio::time::timeout(DRAIN_PATIENCE, drained).await;
    }

    async fn speak(self, stream: UnixStream, unheard: Unheard) {
        let Ok(peer) = stream.peer_cred() else { return };
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
        let peer = Peer::Socket { uid: peer.uid(), pid };
        let mark = move |request: &mut hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(unheard.clone());
        };
        let talk = converse(&self.router, stream, BUFFER_BYTES, mark, self.stopping.clone());
        if let Err(error) = talk.await {
            tracing::debug!(?peer, %error, "a connection broke off");
        }
    }
}

async fn accept(
    socket: &UnixListener,
    places: &Arc<Semaphore>,
) -> io::Result<(UnixStream, Unheard)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = socket.accept().await?;
    Ok((stream, Unheard(Arc::new(Mutex::new(Some(place))))))
}
