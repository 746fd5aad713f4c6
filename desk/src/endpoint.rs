//! An endpoint: who may use it, what it takes and gives, and what carries it out.
//!
//! The types of a handler are the types of the document: the same declaration decodes a request and
//! describes it, so that the two can't differ.

use std::any::TypeId;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use windlass_engine::id::RunId;
use windlass_engine::journal::Origin;

use crate::console::Console;
use crate::guard::{Peer, Who};
use crate::problem::{Kind, Problem, bug};
use crate::role::Need;

/// How a request says what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Looks.
    Get,
    /// Asks for something to be done.
    Post,
    /// Removes.
    Delete,
}

impl Method {
    /// Returns it as HTTP spells it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

/// A request that has been let in, undecoded.
pub(crate) struct Asked {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// What stands in the place of the braces of the path.
    pub(crate) name: String,
    pub(crate) body: Bytes,
    /// Who asks; nobody, at endpoints that need no token.
    pub(crate) who: Option<Who>,
    /// Which roles it takes to ask.
    pub(crate) need: Need,
    pub(crate) peer: Peer,
}

/// A request, decoded.
pub(crate) struct Call<Q, B> {
    pub(crate) query: Q,
    pub(crate) body: B,
    pub(crate) name: String,
    pub(crate) headers: HeaderMap,
    pub(crate) who: Option<Who>,
    pub(crate) need: Need,
    pub(crate) peer: Peer,
}

impl<Q, B> Call<Q, B> {
    /// Returns the run that the path names.
    pub(crate) fn run(&self) -> RunId {
        RunId::from(self.name.as_str())
    }

    /// Returns who asks.
    ///
    /// # Errors
    /// If the endpoint needs no token and yet asks: a mistake in the table.
    pub(crate) fn who(&self) -> Result<&Who, Problem> {
        self.who.as_ref().ok_or_else(|| bug("an endpoint without a role asks who is there"))
    }

    /// Returns who asks, and from where, as journals tell it.
    ///
    /// # Errors
    /// As [`Call::who`].
    pub(crate) fn origin(&self) -> Result<Origin, Problem> {
        let host = self.peer.address.ip().to_string();
        Ok(Origin { user: self.who()?.person.clone(), host, pid: 0, as_user: None })
    }
}

/// What comes back.
pub(crate) struct Answer<A> {
    pub(crate) status: StatusCode,
    pub(crate) body: A,
    pub(crate) location: Option<String>,
    /// The run that was started: the audit names it.
    pub(crate) run: Option<RunId>,
}

impl<A> From<A> for Answer<A> {
    fn from(body: A) -> Self {
        Answer { status: StatusCode::OK, body, location: None, run: None }
    }
}

/// An answer, encoded.
pub(crate) struct Answered {
    pub(crate) response: Response,
    pub(crate) run: Option<RunId>,
}

type Serving = Pin<Box<dyn Future<Output = Result<Answered, Problem>> + Send>>;
pub(crate) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// An endpoint.
#[derive(Clone)]
pub struct Endpoint {
    /// How.
    pub method: Method,
    /// Where; a part in braces stands for a name.
    pub path: &'static str,
    /// Who.
    pub need: Need,
    /// What, in a sentence.
    pub about: &'static str,
    /// True if it changes something: the audit has it then.
    pub changes: bool,
    pub(crate) query: Option<Describe>,
    pub(crate) body: Option<Describe>,
    pub(crate) answer: Option<Describe>,
    /// The media type of its answer.
    pub(crate) content: &'static str,
    /// Headers that it heeds, and what they are for.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// With which statuses it succeeds, and what that means.
    pub(crate) succeeds: &'static [(u16, &'static str)],
    /// For which reasons it may refuse, beyond those that all endpoints have.
    pub(crate) refuses: &'static [Kind],
    pub(crate) serve: Arc<dyn Fn(Console, Asked) -> Serving + Send + Sync>,
}

impl Endpoint {
    /// Returns an endpoint that takes and gives JSON.
    pub(crate) fn json<Q, B, A, F, Fut>(
        method: Method,
        path: &'static str,
        need: Need,
        about: &'static str,
        handler: F,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: DeserializeOwned + JsonSchema + Send + 'static,
        A: Serialize + JsonSchema + 'static,
        F: Fn(Console, Call<Q, B>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer<A>, Problem>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let serve = move |console, asked| -> Serving {
            let handler = handler.clone();
            Box::pin(async move { encode(handler(console, decode::<Q, B>(asked)?).await?) })
        };
        Endpoint {
            method,
            path,
            need,
            about,
            changes: false,
            query: described::<Q>(),
            body: described::<B>(),
            answer: described::<A>(),
            content: "application/json",
            headers: &[],
            succeeds: &[(200, "It is so.")],
            refuses: &[],
            serve: Arc::new(serve),
        }
    }

    /// Returns an endpoint that looks, and gives something else than JSON.
    pub(crate) fn raw<Q, F, Fut>(
        path: &'static str,
        need: Need,
        about: &'static str,
        content: &'static str,
        handler: F,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(Console, Call<Q, ()>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let serve = move |console, asked| -> Serving {
            let handler = handler.clone();
            Box::pin(async move {
                let response = handler(console, decode::<Q, ()>(asked)?).await?;
                Ok(Answered { response, run: None })
            })
        };
        let stub = |_, _: Call<Q, ()>| std::future::ready(Ok(Answer::from(())));
        let json = Self::json::<Q, (), (), _, _>(Method::Get, path, need, about, stub);
        Endpoint { content, serve: Arc::new(serve), ..json }
    }

    /// Says that it changes something.
    pub(crate) fn changing(self) -> Self {
        Endpoint { changes: true, ..self }
    }

    /// Says how it succeeds.
    pub(crate) fn succeeding(self, succeeds: &'static [(u16, &'static str)]) -> Self {
        Endpoint { succeeds, ..self }
    }

    /// Says for which reasons it may refuse.
    pub(crate) fn refusing(self, refuses: &'static [Kind]) -> Self {
        Endpoint { refuses, ..self }
    }

    /// Says which headers it heeds.
    pub(crate) fn heeding(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Endpoint { headers, ..self }
    }

    /// Returns the name in braces in its path.
    pub fn parameter(&self) -> Option<&'static str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split_once('}').map(|(name, _)| name)
    }
}

fn is_nothing<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<()>()
}

fn described<T: JsonSchema + 'static>() -> Option<Describe> {
    (!is_nothing::<T>()).then_some(|generator| generator.subschema_for::<T>())
}

fn decode<Q, B>(asked: Asked) -> Result<Call<Q, B>, Problem>
where
    Q: DeserializeOwned + 'static,
    B: DeserializeOwned + 'static,
{
    let Asked { uri, headers, name, body, who, need, peer } = asked;
    let query = if is_nothing::<Q>() {
        nothing()?
    } else {
        let read = Query::try_from_uri(&uri);
        read.map_err(|e| Kind::UNREADABLE.because(e.body_text()))?.0
    };
    let body = if is_nothing::<B>() { nothing()? } else { decode_body(&headers, &body)? };
    Ok(Call { query, body, name, headers, who, need, peer })
}

fn nothing<T: DeserializeOwned>() -> Result<T, Problem> {
    serde_json::from_value(serde_json::Value::Null).map_err(|e| bug(&format!("nothing: {e}")))
}

fn decode_body<B: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<B, Problem> {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = content.and_then(|content| content.split(';').next()).unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let detail = format!("the body must be application/json, and it is `{media}`");
        return Err(Kind::NOT_JSON.because(detail).hint("Send `Content-Type: application/json`."));
    }
    // Serde would take a list for an object, its items for the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        let refused = Kind::UNREADABLE.because("the body is not a JSON object");
        return Err(refused.hint("GET /api/v1/openapi.json has the schema."));
    }
    // A message of serde may quote the text, and the text may hold a secret: only the place is told.
    serde_json::from_slice(body).map_err(|e| {
        let what = match e.classify() {
            serde_json::error::Category::Data => "does not fit the schema",
            _ => "is not JSON",
        };
        let detail = format!("the body {what} at line {} column {}", e.line(), e.column());
        Kind::UNREADABLE.because(detail).hint("GET /api/v1/openapi.json has the schema.")
    })
}

fn encode<A: Serialize>(answer: Answer<A>) -> Result<Answered, Problem> {
    let Answer { status, body, location, run } = answer;
    if status == StatusCode::NO_CONTENT {
        return Ok(Answered { response: status.into_response(), run });
    }
    let bytes = serde_json::to_vec(&body).map_err(|e| bug(&format!("an answer: {e}")))?;
    let mut response =
        (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response();
    if let Some(location) = location.and_then(|location| location.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(Answered { response, run })
}
