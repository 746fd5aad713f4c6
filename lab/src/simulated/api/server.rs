//! The socket: requests in, faults, answers out.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};

use super::events::{self, Listening, Next};
use super::query::{Query, decoded};
use super::render::{API, ENGINE};
use super::route::{self, Answer, Ask, Content};
use crate::simulated::fault::{self, What};
use crate::simulated::handle::{Shared, State};
use crate::simulated::look::Removal;
use crate::simulated::model::object::Sort;
use crate::simulated::model::queue::Due;
use crate::simulated::model::refusal::Refusal;

/// The longest body that is read: a config of the largest size, and then some.
const BODY_BYTES_MAX: u64 = 8 << 20;

/// The header in which a call says who it is.
const CALL: &str = "windlass-call";

type Body = BoxBody<Bytes, Closed>;

/// The connection is closed without an answer, or in the middle of one.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed")]
struct Closed;

/// A socket that is being served. When it is dropped, connections are closed and the socket's file
/// is removed.
#[derive(Debug)]
pub struct Served {
    task: AbortHandle,
    socket: PathBuf,
}

impl Served {
    /// Returns the socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns the value for `DOCKER_HOST`.
    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        if let Err(error) = std::fs::remove_file(&self.socket)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(socket = %self.socket.display(), %error, "the socket stays behind");
        }
    }
}

/// Listens on a socket. One that is left over from a process that died is replaced.
pub(crate) async fn serve(shared: Arc<Shared>, socket: &Path) -> io::Result<Served> {
    let listener = match UnixListener::bind(socket) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if UnixStream::connect(socket).await.is_ok() {
                return Err(error);
            }
            std::fs::remove_file(socket)?;
            UnixListener::bind(socket)?
        }
        other => other?,
    };
    let task = tokio::spawn(accept(shared, listener)).abort_handle();
    Ok(Served { task, socket: socket.to_owned() })
}

/// Takes connections until it is aborted; they end with it.
async fn accept(shared: Arc<Shared>, listener: UnixListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(shared.clone(), stream));
                }
                Err(error) => tracing::warn!(%error, "a connection was not accepted"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(shared: Arc<Shared>, stream: UnixStream) {
    let service = service_fn(move |request| answer(shared.clone(), request));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let call = head.headers.get(CALL).and_then(|call| call.to_str().ok());
    let body = collect(body).await?;
    exchange(&shared, head.method.as_str(), target, call, body).map(Reply::response).ok_or(Closed)
}

/// Answers a request, however it came. None: it is not answered.
pub(crate) fn exchange(
    shared: &Shared,
    method: &str,
    target: &str,
    call: Option<&str>,
    body: Vec<u8>,
) -> Option<Reply> {
    let (version, target) = versioned(target);
    let (method, call) = (method.to_owned(), call.map(str::to_owned));
    let changing = method != "GET" && method != "HEAD";
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let ask = Ask {
        path: path.split('/').filter(|part| !part.is_empty()).map(decoded).collect(),
        query: Query::read(query),
        body,
        method: method.clone(),
    };
    let target = target.to_owned();
    let refusal = version.and_then(refused_version);
    let reply = {
        let mut state = shared.lock();
        state.catch_up();
        let at = state.model.now;
        let (status, answered) = (0, false);
        let mut request = fault::Request { call, method, target, changing, status, answered, at };
        let reply = match refusal {
            Some(refusal) => Some(Reply::Whole(Answer::refused(&refusal))),
            None => handle(&mut state, &ask, &mut request),
        };
        request.answered = reply.is_some();
        if let Some(reply) = &reply {
            request.status = reply.status();
        }
        state.requests.push(request);
        reply
    };
    shared.changed.notify_one();
    reply
}

async fn collect(body: Incoming) -> Result<Vec<u8>, Closed> {
    let body = http_body_util::Limited::new(body, usize::try_from(BODY_BYTES_MAX).unwrap_or(0));
    Ok(body.collect().await.map_err(|_| Closed)?.to_bytes().to_vec())
}

/// What goes back.
pub(crate) enum Reply {
    Whole(Answer),
    Events(Listening),
}

/// Carries a request out, with the faults that strike it. None: it is not answered.
fn handle(state: &mut State, ask: &Ask, request: &mut fault::Request) -> Option<Reply> {
    if state.model.now < state.faults.away_until {
        return None;
    }
    let (mut cut, mut lost, mut twice) = (false, false, false);
    let (mut refused, mut after) = (None, Vec::new());
    for what in state.faults.strike(request) {
        match what {
            What::Refuse { status, message } => refused = Some(Refusal::new(status, message)),
            What::LoseRequest => cut = true,
            What::LoseAnswer => lost = true,
            What::Twice => twice = true,
            What::Slow { ms } => {
                let later = state.model.now + ms;
                state.advance_to(later);
            }
            What::Edit(edit) => apply(state, &edit),
            What::EditAfter(edit) => after.push(edit),
            What::Away { ms } => {
                state.faults.away_until = state.model.now + ms;
                state.model.queue.put(state.faults.away_until, Due::Mark);
                state.model.bus.hang_up();
                cut = true;
            }
            What::NoQuorum { ms } => {
                state.faults.no_quorum_until = state.model.now + ms;
                state.model.queue.put(state.faults.no_quorum_until, Due::Mark);
            }
        }
    }
    if cut {
        // What others do needs no request of ours.
        after.iter().for_each(|edit| apply(state, edit));
        return None;
    }
    if request.changing && state.model.now < state.faults.no_quorum_until {
        refused.get_or_insert_with(Refusal::no_leader);
    }
    let reply = match refused {
        Some(refusal) => Reply::Whole(Answer::refused(&refusal)),
        None => {
            if twice {
                let _ = route::answer(&mut state.model, ask);
            }
            carried_out(state, ask)
        }
    };
    for edit in after {
        apply(state, &edit);
    }
    if lost {
        request.status = reply.status();
        return None;
    }
    Some(reply)
}

fn carried_out(state: &mut State, ask: &Ask) -> Reply {
    let removed = removed_secret(state, ask);
    if ask.method == "GET" && ask.path == ["events"] {
        return match events::listen(&mut state.model, &ask.query) {
            Ok(listening) => Reply::Events(listening),
            Err(refusal) => Reply::Whole(Answer::refused(&refusal)),
        };
    }
    let answer = route::answer(&mut state.model, ask);
    if let (204, Some(removal), Some(removals)) = (answer.status, removed, &mut state.removals) {
        removals.push(removal);
    }
    Reply::Whole(answer)
}

/// Returns the swarm before a request that removes a secret, if somebody wants to know.
fn removed_secret(state: &State, ask: &Ask) -> Option<Removal> {
    state.removals.as_ref()?;
    let [kind, text] = ask.path.as_slice() else { return None };
    if ask.method != "DELETE" || kind != "secrets" {
        return None;
    }
    let secret = state.model.find_object(Sort::Secret, text).ok()?.to_string();
    Some(Removal { secret, world: state.model.look() })
}

/// The world may already be as the edit wants it; that is said, and is no reason to stop.
fn apply(state: &mut State, edit: &crate::simulated::Edit) {
    if let Err(refusal) = state.model.edit(edit) {
        tracing::warn!(?edit, reason = refusal.message, "an edit of a fault was refused");
    }
}

impl Reply {
    /// Returns status and body, for somebody in this process.
    pub(crate) fn parts(self) -> (u16, BoxStream<'static, Option<Bytes>>) {
        let status = self.status();
        let pieces = match self {
            Reply::Whole(answer) => stream::once(async { Some(Bytes::from(answer.body)) }).boxed(),
            Reply::Events(listening) => {
                lines(listening).map(|frame| frame.ok()?.into_data().ok()).boxed()
            }
        };
        (status, pieces)
    }

    fn status(&self) -> u16 {
        match self {
            Reply::Whole(answer) => answer.status,
            Reply::Events(_) => 200,
        }
    }

    fn response(self) -> Response<Body> {
        let mut response = Response::builder()
            .status(self.status())
            .header("Api-Version", API)
            .header("Docker-Experimental", "false")
            .header("Ostype", "linux")
            .header(header::SERVER, format!("Docker/{ENGINE} (linux)"));
        let body: Body = match self {
            Reply::Whole(answer) => {
                let content = match answer.content {
                    Content::Json => Some("application/json"),
                    Content::Text => Some("text/plain; charset=utf-8"),
                    Content::Streams => None,
                };
                if let Some(content) = content.filter(|_| !answer.body.is_empty()) {
                    response = response.header(header::CONTENT_TYPE, content);
                }
                Full::new(Bytes::from(answer.body))
                    .map_err(|never: Infallible| match never {})
                    .boxed()
            }
            Reply::Events(listening) => {
                response = response.header(header::CONTENT_TYPE, "application/json");
                BodyExt::boxed(StreamBody::new(lines(listening)))
            }
        };
        let whole = response.body(body);
        // The status and headers above are fixed and valid, but for a status made up by a fault.
        whole.unwrap_or_else(|_| Response::new(Full::default().map_err(|_| Closed).boxed()))
    }
}

fn lines(
    listening: Listening,
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, Closed>> + Send + Sync {
    stream::unfold(Some(listening), |listening| async {
        let mut listening = listening?;
        match listening.next().await {
            Next::Line(line) => Some((Ok(Frame::data(line)), Some(listening))),
            Next::End => None,
            Next::Broken => Some((Err(Closed), None)),
        }
    })
}

/// Splits `/v1.41/info` into version and rest.
fn versioned(target: &str) -> (Option<&str>, &str) {
    let rest = target.strip_prefix("/v").and_then(|rest| rest.split_once('/').map(|(v, _)| v));
    match rest.filter(|v| !v.is_empty() && v.chars().all(|c| c.is_ascii_digit() || c == '.')) {
        Some(version) => (Some(version), &target[version.len() + 2..]),
        None => (None, target),
    }
}

fn refused_version(version: &str) -> Option<Refusal> {
    let number = |text: &str| {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let asked = number(version);
    if asked > number(API) {
        return Some(Refusal::bad(format!(
            "client version {version} is too new. Maximum supported API version is {API}"
        )));
    }
    (asked < number("1.12")).then(|| {
        Refusal::bad(format!(
            "client version {version} is too old. Minimum supported API version is 1.12, please \
             upgrade your client to a newer version"
        ))
    })
}
