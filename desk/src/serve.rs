//! Beginning and ending to answer over the network.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

use crate::config::{Config, ConfigError};
use crate::desk::Desk;
use crate::listen::{Listener, Strangers, TlsError, acceptor};
use crate::router::router;
use crate::seats::Seats;
use crate::table::table;
use crate::trace::{Export, endpoint};

/// How long a client may leave what is sent to it unread.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// Threads that answer. Few: what they do is short, and runs have threads of their own.
const WORKERS: usize = 2;

/// Threads that wait for the store, or for the swarm, on behalf of clients. Plans and answers take
/// two each: what gates them leaves half of these to everybody else.
const BLOCKING_MAX: usize = 32;

/// Why nothing answers over the network.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration can't stand.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address can't be listened at.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The certificate files can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The machine gives no threads, or no certificates.
    #[error("the operating system refused: {0}")]
    Machine(io::Error),
}

/// A desk that answers over the network.
#[derive(Debug)]
pub struct Bound {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    closed: oneshot::Receiver<()>,
}

impl Bound {
    /// Returns where it listens, with the port that was taken if none was named.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, ends the streams, lets requests that are under way end (ten seconds at
    /// most), and returns then. Runs go on.
    pub async fn close(self) {
        self.stop.send_replace(true);
        // An error means that its thread is gone already.
        let _ = self.closed.await;
    }
}

/// Begins to answer, unless it is off. It goes on until it is closed, or dropped.
///
/// `unready` says why changes can't be recorded for now, if they can't: they are refused with that,
/// and `/readyz` tells it.
///
/// It has a runtime of its own: whatever clients do, the threads on which steps run are not theirs.
///
/// # Errors
/// If the configuration can't stand, or the address or the files can't be used.
pub async fn serve(
    desk: &Desk,
    config: Config,
    unready: watch::Receiver<Option<String>>,
) -> Result<Option<Bound>, ServeError> {
    config.check()?;
    let Some(listen) = config.listen.address() else { return Ok(None) };
    let tls = match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => Some(acceptor(cert, key)?),
        _ => None,
    };
    let cannot = |error| ServeError::Listen { address: listen, error };
    let socket = std::net::TcpListener::bind(listen).map_err(cannot)?;
    socket.set_nonblocking(true).map_err(cannot)?;
    let address = socket.local_addr().map_err(cannot)?;

    let (stop, stopping) = watch::channel(false);
    let desk = desk.for_network(&config, stopping.clone(), unready);
    let otlp = config.otlp.as_deref().and_then(endpoint);
    let export = otlp.map(|to| Export::new(desk.clone(), to));
    let export = export.transpose().map_err(ServeError::Machine)?;

    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_MAX)
        .thread_name("desk")
        .enable_all()
        .build()
        .map_err(ServeError::Machine)?;
    let (tell, closed) = oneshot::channel();
    let main = answer(desk, socket, tls, config, export, stopping);
    let thread = std::thread::Builder::new().name("desk".to_owned());
    let driving = thread.spawn(move || drive(runtime, main, tell));
    driving.map(|_| Some(Bound { address, stop, closed })).map_err(ServeError::Machine)
}

fn drive(
    runtime: Runtime,
    main: impl Future<Output = io::Result<()>> + Send + 'static,
    tell: oneshot::Sender<()>,
) {
    if let Err(error) = runtime.block_on(main) {
        tracing::error!(%error, "nothing answers over the network any more");
    }
    // What is still waiting for a disk or a client must not hold the end up.
    runtime.shutdown_background();
    let _ = tell.send(());
}

async fn answer(
    desk: Desk,
    socket: std::net::TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    config: Config,
    export: Option<Export>,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = Listener {
        socket: TcpListener::from_std(socket)?,
        tls,
        router: router(&desk, table()),
        strangers: Strangers::new(config.half_of_connections()),
        seats: Seats::new(config.connections_max, config.half_of_connections()),
        write_patience: WRITE_PATIENCE,
        open: desk.metrics.connections.clone(),
        stopping: stopping.clone(),
    };
    tokio::spawn(desk.metrics.clone().watch(desk.engine.clone(), stopping.clone()));
    if let Some(export) = export {
        tokio::spawn(export.run(stopping));
    }
    drop(desk);
    listener.serve().await;
    Ok(())
}
