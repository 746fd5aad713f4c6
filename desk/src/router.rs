//! From a request to its answer: which endpoint, who asks, what the audit says of it.
//!
//! ```text
//! request -> endpoint (of the table) -> who (guard) -> audit: begun -> handler -> audit: ended -> answer
//! ```
//!
//! A change is carried out on a task of its own: a client that goes away, or waits no longer, must
//! not cut it off between the act and the entry that tells of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;

use crate::console::{Console, blocking};
use crate::endpoint::{Answered, Asked, Endpoint};
use crate::guard::{Peer, Who, who};
use crate::listen::Visitor;
use crate::problem::{Kind, Problem, bug};
use crate::role::Need;

/// The largest body that is read.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// The longest address, with its query; names of runs and cursors have 60 characters at most.
const URI_BYTES_MAX: usize = 4096;

/// How long a client may take to send its body.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// How long a request may take; a plan reads the swarm.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Returns what answers requests: the endpoints of the table, and nothing else.
pub(crate) fn router(console: &Console, table: Vec<Endpoint>) -> Router {
    let mut paths: BTreeMap<&str, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in table {
        paths.entry(endpoint.path).or_default().push(endpoint);
    }
    let mut router = Router::new();
    for (path, endpoints) in paths {
        let (console, endpoints) = (console.clone(), Arc::<[Endpoint]>::from(endpoints));
        let serve = move |params: RawPathParams, request: Request| {
            let name = params.iter().next().map(|(_, name)| name.to_owned()).unwrap_or_default();
            serve(console.clone(), endpoints.clone(), name, request)
        };
        router = router.route(path, any(serve));
    }
    let metrics = console.metrics.clone();
    let router = router.fallback(move |request: Request| {
        metrics.answered("-", request.method().as_str(), 404, Duration::ZERO);
        let detail = format!("there is nothing at {}", request.uri().path());
        let hint = "GET /api/v1/openapi.json lists what there is.";
        std::future::ready(Kind::NO_ENDPOINT.because(detail).hint(hint))
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
    let mut response = Kind::URI_TOO_LONG.because(detail).into_response();
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

async fn serve(
    console: Console,
    endpoints: Arc<[Endpoint]>,
    name: String,
    request: Request,
) -> Response {
    let began = Instant::now();
    // What follows HEAD is what follows GET; the body is left out on the way.
    let method = match request.method().as_str() {
        "HEAD" => "GET".to_owned(),
        other => other.to_owned(),
    };
    let path = endpoints.first().map_or("-", |endpoint| endpoint.path);
    let has_body = !request.body().is_end_stream();
    let mut response = match endpoints.iter().find(|endpoint| endpoint.method.name() == method) {
        Some(endpoint) => {
            let answer = answer(&console, endpoint, name, request).await;
            answer.map_or_else(Problem::into_response, |answered| answered.response)
        }
        None => no_such_method(&endpoints, &method),
    };
    if has_body && UNREAD.contains(&response.status()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    console.metrics.answered(path, &method, response.status().as_u16(), began.elapsed());
    response
}

fn no_such_method(endpoints: &[Endpoint], method: &str) -> Response {
    let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.method.name()).collect();
    let allowed = names.join(", ");
    let detail = format!("{method} is not understood here; there is {allowed}");
    let mut response = Kind::NO_METHOD.because(detail).into_response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

async fn answer(
    console: &Console,
    endpoint: &Endpoint,
    name: String,
    request: Request,
) -> Result<Answered, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer.ok_or_else(|| bug("a request without a peer"))?;
    let known = match endpoint.need {
        Need::Nothing => None,
        Need::OneOf(_) => {
            let who = who(console, request.headers(), peer).await?;
            let visitor = request.extensions().get::<Arc<Visitor>>();
            visitor.ok_or_else(|| bug("a request without a visitor"))?.shows(&who.token)?;
            Some(who)
        }
    };
    let (console, endpoint) = (console.clone(), endpoint.clone());
    match (endpoint.changes, known) {
        (true, Some(who)) => {
            console.is_ready()?;
            let changing = tokio::spawn(change(console, endpoint, name, request, who, peer));
            match tokio::time::timeout(ANSWER_PATIENCE, changing).await {
                Ok(done) => done.map_err(|e| bug(&format!("a change broke off: {e}")))?,
                Err(_) => Err(Kind::BUSY
                    .because("this takes long, and is still being carried out")
                    .hint("GET /api/v1/runs, or the audit, tells what it comes to.")),
            }
        }
        (_, known) => {
            let looking = look(console, endpoint, name, request, known, peer);
            let late = |_| Kind::BUSY.because("this takes too long, and was given up");
            tokio::time::timeout(ANSWER_PATIENCE, looking).await.map_err(late)?
        }
    }
}

async fn look(
    console: Console,
    endpoint: Endpoint,
    name: String,
    request: Request,
    who: Option<Who>,
    peer: Peer,
) -> Result<Answered, Problem> {
    if let Some(who) = &who {
        who.must(endpoint.need)?;
    }
    carry_out(console, &endpoint, name, request, who, peer).await
}

async fn change(
    console: Console,
    endpoint: Endpoint,
    name: String,
    request: Request,
    who: Who,
    peer: Peer,
) -> Result<Answered, Problem> {
    let what = format!("{} {}", endpoint.method.name(), request.uri().path());
    let (audit, actor) = (console.audit.clone(), who.actor(peer));
    if let Err(problem) = who.must(endpoint.need) {
        let refusals = console.refusals.clone();
        let now = Instant::now();
        let told = blocking(move || refusals.note(&audit, &actor, &what, problem, now)).await??;
        return Err(told);
    }
    let about = endpoint.parameter().filter(|parameter| *parameter == "run");
    let run = about.map(|_| windlass_engine::id::RunId::from(name.as_str()));
    let begun = blocking(move || audit.begin(&actor, &what, run.as_ref())).await??;

    let audit = console.audit.clone();
    let result = carry_out(console, &endpoint, name, request, Some(who), peer).await;
    let (status, code, run) = match &result {
        Ok(answered) => (answered.response.status().as_u16(), None, answered.run.clone()),
        Err(problem) => (problem.kind.status(), Some(problem.kind.code()), None),
    };
    blocking(move || audit.end(begun, status, code, run)).await??;
    result
}

async fn carry_out(
    console: Console,
    endpoint: &Endpoint,
    name: String,
    request: Request,
    who: Option<Who>,
    peer: Peer,
) -> Result<Answered, Problem> {
    let (parts, body) = request.into_parts();
    let body = if endpoint.body.is_some() { read(body).await? } else { Bytes::new() };
    let (uri, headers, need) = (parts.uri, parts.headers, endpoint.need);
    let asked = Asked { uri, headers, name, body, who, need, peer };
    (endpoint.serve)(console, asked).await
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    let reading = Limited::new(body, BODY_BYTES_MAX).collect();
    let late = |_| Kind::UNREADABLE.because("the body did not come within 10 seconds");
    let read = tokio::time::timeout(BODY_PATIENCE, reading).await.map_err(late)?;
    read.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() {
            Kind::TOO_LARGE.because("the body has more than 1 MiB")
        } else {
            Kind::UNREADABLE.because("the body broke off")
        }
    })
}

/// Returns an answer that is no more than a status and a text.
pub(crate) fn plain(status: StatusCode, content: &'static str, text: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, content)], text.into()).into_response()
}
