//! From a request to its answer: which operation, who asks, what the audit says of it.
//!
//! ```text
//! request -> operation (of the table) -> who (guard) -> which run -> audit: begun -> handler -> audit: ended -> answer
//! ```
//!
//! A change is carried out on a task of its own: a client that goes away, or waits no longer, must
//! not cut it off between the act and the entry that tells of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use crate::desk::{Desk, blocking};
use crate::guard::{Peer, Who, who};
use crate::listen::{Unheard, Visitor};
use crate::operation::{Answered, Asked, Endpoint};
use crate::problem::{Kind, Problem, bug};
use crate::role::Need;
use windlass_engine::id::RunId;
use windlass_engine::secret::SecretBuffer;
use zeroize::Zeroize;

/// The largest body that is read; of somebody at the machine, who may give several secrets of 1 MiB.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
const BODY_BYTES_MAX_HERE: usize = 16 << 20;

/// The longest address, with its query; names of runs and cursors have 60 characters at most.
const URI_BYTES_MAX: usize = 4096;

/// How long a client may take to send its body.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// How long a request over the network may take; a plan reads the swarm. Somebody at the machine
/// waits as long as they like.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Returns what answers requests: the endpoints of the table, and nothing else.
pub(crate) fn router(desk: &Desk, table: Vec<Endpoint>) -> Router {
    let mut paths: BTreeMap<&str, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in table {
        paths.entry(endpoint.path).or_default().push(endpoint);
    }
    let mut router = Router::new();
    for (path, endpoints) in paths {
        let (desk, endpoints) = (desk.clone(), Arc::<[Endpoint]>::from(endpoints));
        let serve = move |params: RawPathParams, request: Request| {
            let name = params.iter().next().map(|(_, name)| name.to_owned()).unwrap_or_default();
            serve(desk.clone(), endpoints.clone(), name, request)
        };
        router = router.route(path, any(serve));
    }
    let metrics = desk.metrics.clone();
    let router = router.fallback(move |request: Request| {
        metrics.answered("-", request.method().as_str(), 404, Duration::ZERO);
        let detail = format!("there is nothing at {}", request.uri().path());
        let hint = "GET /api/v1/openapi.json lists what there is.";
        std::future::ready(Kind::NO_ENDPOINT.because(detail).hint(hint).answer(false))
    });
    router.layer(axum::middleware::from_fn(short_enough))
}

/// Refuses an address that nobody needs, before anything is done with it.
async fn short_enough(request: Request, next: axum::middleware::Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if length <= URI_BYTES_MAX {
        return next.run(request).await;
    }
    let detail = format!("the address has {length} bytes; {URI_BYTES_MAX} are read");
    let mut response = Kind::URI_TOO_LONG.because(detail).answer(false);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Refusals that don't wait for the body. What is left of it can't be told from a next request, so
/// the connection ends, and a client that would use it again must know.
const UNREAD: [StatusCode; 5] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::TOO_MANY_REQUESTS,
];

async fn serve(desk: Desk, endpoints: Arc<[Endpoint]>, name: String, request: Request) -> Response {
    let began = Instant::now();
    // What follows HEAD is what follows GET; the body is left out on the way.
    let method = match request.method().as_str() {
        "HEAD" => "GET".to_owned(),
        other => other.to_owned(),
    };
    let path = endpoints.first().map_or("-", |endpoint| endpoint.path);
    let has_body = !request.body().is_end_stream();
    let here = request.extensions().get::<Peer>().is_some_and(|peer| peer.is_here());
    let mut response = match endpoints.iter().find(|endpoint| endpoint.method.name() == method) {
        Some(endpoint) => {
            let answer = answer(&desk, endpoint, name, request).await;
            answer.map_or_else(|problem| problem.answer(here), |answered| answered.response)
        }
        None => no_such_method(&endpoints, &method),
    };
    if has_body && UNREAD.contains(&response.status()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    desk.metrics.answered(path, &method, response.status().as_u16(), began.elapsed());
    response
}

fn no_such_method(endpoints: &[Endpoint], method: &str) -> Response {
    let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.method.name()).collect();
    let allowed = names.join(", ");
    let detail = format!("{method} is not understood here; there is {allowed}");
    let mut response = Kind::NO_METHOD.because(detail).answer(false);
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

async fn answer(
    desk: &Desk,
    endpoint: &Endpoint,
    name: String,
    request: Request,
) -> Result<Answered, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer.ok_or_else(|| bug("a request without a peer"))?;
    let known = match endpoint.need {
        Need::Nothing => None,
        Need::OneOf(_) | Need::Here(_) => {
            let who = who(desk, request.headers(), peer).await?;
            if !peer.is_here() {
                let visitor = request.extensions().get::<Arc<Visitor>>();
                visitor.ok_or_else(|| bug("a request without a visitor"))?.shows(&who.key())?;
            }
            Some(who)
        }
    };
    let (desk, endpoint) = (desk.clone(), endpoint.clone());
    match (endpoint.changes, known) {
        (true, Some(who)) => {
            desk.is_ready()?;
            let changing = tokio::spawn(change(desk, endpoint, name, request, who, peer));
            let Ok(done) = tokio::time::timeout(patience(peer), changing).await else {
                return Err(Kind::BUSY
                    .because("this takes long, and is still being carried out")
                    .hint("GET /api/v1/runs, or the audit, tells what it comes to."));
            };
            done.map_err(|e| bug(&format!("a change broke off: {e}")))?
        }
        (_, known) => {
            let looking = look(desk, endpoint, name, request, known, peer);
            let late = |_| Kind::BUSY.because("this takes too long, and was given up");
            tokio::time::timeout(patience(peer), looking).await.map_err(late)?
        }
    }
}

fn patience(peer: Peer) -> Duration {
    if peer.is_here() { Duration::MAX } else { ANSWER_PATIENCE }
}

async fn look(
    desk: Desk,
    endpoint: Endpoint,
    name: String,
    request: Request,
    who: Option<Who>,
    peer: Peer,
) -> Result<Answered, Problem> {
    if let Some(who) = &who {
        who.must(endpoint.need)?;
    }
    let run = meant(&desk, &endpoint, &name).await;
    carry_out(desk, &endpoint, name, run, request, who, peer).await
}

async fn change(
    desk: Desk,
    endpoint: Endpoint,
    name: String,
    request: Request,
    who: Who,
    peer: Peer,
) -> Result<Answered, Problem> {
    let what = format!("{} {}", endpoint.method.name(), request.uri().path());
    let (audit, actor) = (desk.audit.clone(), who.actor(peer));
    // What the owner of the state does itself is not in it: who can open the state can write to it.
    let audited = !matches!(peer, Peer::Process);
    if let Err(problem) = who.must(endpoint.need) {
        let (refusals, now, key) = (desk.refusals.clone(), Instant::now(), who.key());
        let told = blocking(move || refusals.note(&audit, &actor, &key, &what, problem, now));
        return Err(told.await??);
    }
    let run = meant(&desk, &endpoint, &name).await;
    let about = run.as_ref().ok().cloned().flatten();
    let begun = match audited {
        true => Some(blocking(move || audit.begin(&actor, &what, about.as_ref())).await??),
        false => None,
    };
    let audit = desk.audit.clone();
    let result = carry_out(desk, &endpoint, name, run, request, Some(who), peer).await;
    let (status, code, run) = match &result {
        Ok(answered) => (answered.response.status().as_u16(), None, answered.run.clone()),
        Err(problem) => (problem.kind.status(), Some(problem.kind.code()), None),
    };
    if let Some(begun) = begun {
        blocking(move || audit.end(begun, status, code, run)).await??;
    }
    result
}

/// Returns the run that the address means, if it names one.
async fn meant(desk: &Desk, endpoint: &Endpoint, name: &str) -> Result<Option<RunId>, Problem> {
    if !endpoint.is_about_a_run() {
        return Ok(None);
    }
    let (engine, meant, name) = (desk.engine.clone(), endpoint.meant, name.to_owned());
    blocking(move || meant.find(&engine, &name)).await?.map(Some)
}

async fn carry_out(
    desk: Desk,
    endpoint: &Endpoint,
    name: String,
    run: Result<Option<RunId>, Problem>,
    request: Request,
    who: Option<Who>,
    peer: Peer,
) -> Result<Answered, Problem> {
    let (parts, body) = request.into_parts();
    let read = if endpoint.body.is_some() { read(body, peer).await } else { Ok(<_>::default()) };
    // It has said what it wants: somebody else may take the time to.
    if let Some(unheard) = parts.extensions.get::<Unheard>() {
        unheard.is_heard();
    }
    let (run, body) = (run?, read?);
    let (uri, headers, need) = (parts.uri, parts.headers, endpoint.need);
    let asked = Asked { uri, headers, name, run, body, who, need, peer };
    (endpoint.serve)(desk, asked).await
}

/// Reads a body into memory that is wiped afterwards: it may hold secrets.
async fn read(mut body: Body, peer: Peer) -> Result<SecretBuffer, Problem> {
    let most = if peer.is_here() { BODY_BYTES_MAX_HERE } else { BODY_BYTES_MAX };
    let reading = async {
        let mut whole = SecretBuffer::default();
        while let Some(frame) = body.frame().await {
            let broken = |_| Kind::UNREADABLE.because("the body broke off");
            let Ok(bytes) = frame.map_err(broken)?.into_data() else { continue };
            if whole.len() + bytes.len() > most {
                let detail = format!("the body has more than {} MiB", most >> 20);
                return Err(Kind::TOO_LARGE.because(detail));
            }
            whole.extend(&bytes);
            // The rest of the memory that hyper read it to is its own.
            if let Ok(mut bytes) = bytes.try_into_mut() {
                bytes.as_mut().zeroize();
            }
        }
        Ok(whole)
    };
    let late = |_| Kind::UNREADABLE.because("the body did not come within 10 seconds");
    tokio::time::timeout(BODY_PATIENCE, reading).await.map_err(late)?
}

/// Returns an answer that is no more than a status and a text.
pub(crate) fn plain(status: StatusCode, content: &'static str, text: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, content)], text.into()).into_response()
}
