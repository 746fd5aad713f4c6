//! Listening on the network: connections, TLS, and what no client may do to the others.
//!
//! | a client that | meets |
//! |---|---|
//! | opens connections without end | a limit for those who have shown no token: the oldest is cut off |
//! | does so with a token | a limit for each token, and one for all |
//! | connects and says nothing | five seconds for a TLS handshake, five for the head of a request |
//! | sends an endless head | 16 KiB: 431; an address may have 4 KiB: 414 |
//! | sends its body drop by drop | ten seconds for a body, 1 MiB at most |
//! | does not read what it asked for | thirty seconds in which not a byte goes out |
//!
//! HTTP/1.1 only: one request at a time on a connection makes the limit of connections a limit of
//! requests, and there are no streams to reset.

mod accepting;
mod socket;
mod timed;
mod tls;
mod visitor;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use self::accepting::Accepting;
pub(crate) use self::socket::Unheard;
pub use self::socket::{AtSocket, address, listen};
pub(crate) use self::timed::Timed;
pub use self::tls::TlsError;
pub(crate) use self::tls::acceptor;
pub(crate) use self::visitor::{Strangers, Visitor};
use crate::guard::Peer;
use crate::seats::Seats;

/// How long a client may take to say hello, or to send the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);

/// How long what is under way may take when the console stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(10);

/// What a connection may keep in memory of requests and answers; the head of a request fits in.
const BUFFER_BYTES: usize = 16 * 1024;

/// What the listener needs.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) router: Router,
    /// Connections on which no token has been shown.
    pub(crate) strangers: Arc<Strangers>,
    /// Connections on which one has.
    pub(crate) seats: Arc<Seats>,
    /// How long a client may leave what is sent to it unread.
    pub(crate) write_patience: Duration,
    pub(crate) open: Gauge,
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Listener {
    /// Answers until the console stops, and then until what is under way is done.
    pub(crate) async fn serve(self) {
        let mut stopping = self.stopping.clone();
        let mut connections = JoinSet::new();
        let listener = Arc::new(self);
        let mut accepting = Accepting::default();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                () = stopped(&mut stopping) => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let listener = listener.clone();
                    let (visitor, cut) = Visitor::enter(&listener.strangers, &listener.seats);
                    connections.spawn(async move {
                        let _counted = Open::count(&listener.open);
                        tokio::select! {
                            () = listener.connection(stream, peer, visitor) => {}
                            () = cut => tracing::debug!(%peer, "made room for another connection"),
                        }
                    });
                }
                Err(error) => {
                    if accepting.pause().await {
                        tracing::warn!(%error, "a connection could not be accepted");
                    }
                }
            }
        }
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_PATIENCE, drained).await.is_err() {
            tracing::warn!("connections were cut off: they took longer than ten seconds to end");
        }
    }

    async fn accept(&self) -> io::Result<(TcpStream, std::net::SocketAddr)> {
        let (stream, peer) = self.socket.accept().await?;
        // That a client has gone is found out by whoever speaks to it.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }

    async fn connection(
        &self,
        stream: TcpStream,
        address: std::net::SocketAddr,
        visitor: Arc<Visitor>,
    ) {
        let stream = Timed::new(stream, self.write_patience);
        match &self.tls {
            None => self.speak(stream, Peer::Network { address, tls: false }, visitor).await,
            Some(tls) => match tokio::time::timeout(HEAD_PATIENCE, tls.accept(stream)).await {
                Ok(Ok(stream)) => {
                    self.speak(stream, Peer::Network { address, tls: true }, visitor).await
                }
                Ok(Err(error)) => tracing::debug!(%address, %error, "no TLS came about"),
                Err(_) => tracing::debug!(%address, "a client did not say hello"),
            },
        }
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: Peer,
        visitor: Arc<Visitor>,
    ) {
        let mark = move |request: &mut hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(visitor.clone());
        };
        let talk = converse(&self.router, stream, BUFFER_BYTES, mark, self.stopping.clone());
        if let Err(error) = talk.await {
            tracing::debug!(?peer, %error, "a connection broke off");
        }
    }
}

/// Answers the requests of one connection until it ends; once this stops, the one under way is the
/// last. `mark` puts into each request what is known of who sends it.
async fn converse(
    router: &Router,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    buffer: usize,
    mark: impl Fn(&mut hyper::Request<Incoming>),
    mut stopping: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        mark(&mut request);
        let request: Request = request.map(axum::body::Body::new);
        tower_call(router.clone(), request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(buffer);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that whoever could stop us is gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

async fn tower_call(
    mut router: Router,
    request: Request,
) -> Result<axum::response::Response, std::convert::Infallible> {
    // A router is always ready.
    tower_service::Service::call(&mut router, request).await
}

/// Counts a connection for as long as it is open.
struct Open(Gauge);

impl Open {
    fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Open(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
