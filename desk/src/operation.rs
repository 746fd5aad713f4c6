//! An operation: who may ask for it, what it takes and gives, and what carries it out.
//!
//! The types of a handler are the types of the document, and those of the client: the same
//! declaration decodes a request, describes it and makes it, so that the three can't differ.

use std::any::TypeId;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use windlass_engine::engine::Person;
use windlass_engine::id::RunId;
use windlass_engine::journal::Origin;

use crate::desk::Desk;
use crate::guard::{Peer, Who};
use crate::problem::{Kind, Problem, bug};
use crate::role::Need;
use crate::which::Meant;

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

/// Something that can be asked for. Each has a file of its own, and a line in [`table`](crate::table()).
pub trait Operation: Send + 'static {
    /// How.
    const METHOD: Method;
    /// Where; a part in braces stands for a name.
    const PATH: &'static str;
    /// Who.
    const NEED: Need;
    /// What, in a sentence.
    const ABOUT: &'static str;
    /// True if it changes something: the audit has it then.
    const CHANGES: bool = false;
    /// Which run it is about, if none is named.
    const MEANT: Meant = Meant::Named;
    /// The media type of an answer that is no JSON; nothing, if there is none.
    const CONTENT: &'static str = "";
    /// Headers that it heeds, and what they are for.
    const HEADERS: &'static [(&'static str, &'static str)] = &[];
    /// With which statuses it succeeds, and what that means.
    const SUCCEEDS: &'static [(u16, &'static str)] = &[(200, "Here it is.")];
    /// For which reasons it may refuse, beyond those that all have.
    const REFUSES: &'static [Kind] = &[];
    /// What it takes in the address; `()`, if nothing.
    type Query: DeserializeOwned + JsonSchema + Send + 'static;
    /// What it takes; `()`, if nothing.
    type Body: DeserializeOwned + JsonSchema + Send + 'static;
    /// What it gives as JSON; `()`, if nothing.
    type Answer: Serialize + JsonSchema + 'static;

    /// Carries it out.
    fn carry_out(
        desk: Desk,
        call: Call<Self::Query, Self::Body>,
    ) -> impl Future<Output = Result<Answer<Self::Answer>, Problem>> + Send;
}

/// A request that has been let in, undecoded.
pub(crate) struct Asked {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// What stands in the place of the braces of the path.
    pub(crate) name: String,
    /// The run that is meant by it, if it is a run.
    pub(crate) run: Option<RunId>,
    /// Wiped when it is dropped.
    pub(crate) body: windlass_engine::secret::SecretBuffer,
    /// Who asks; nobody, where no token is needed.
    pub(crate) who: Option<Who>,
    /// Which roles it takes to ask.
    pub(crate) need: Need,
    pub(crate) peer: Peer,
}

/// A request, decoded.
pub struct Call<Q, B> {
    pub(crate) query: Q,
    pub(crate) body: B,
    pub(crate) name: String,
    run: Option<RunId>,
    pub(crate) headers: HeaderMap,
    who: Option<Who>,
    pub(crate) need: Need,
    pub(crate) peer: Peer,
}

impl<Q, B> Call<Q, B> {
    /// Returns the run that is meant.
    pub(crate) fn run(&self) -> RunId {
        self.run.clone().unwrap_or_else(|| RunId::from(self.name.as_str()))
    }

    /// Returns who asks.
    ///
    /// # Errors
    /// If the operation needs no token and yet asks: a mistake in its file.
    pub(crate) fn who(&self) -> Result<&Who, Problem> {
        self.who.as_ref().ok_or_else(|| bug("an operation without a role asks who is there"))
    }

    /// Returns who asks, and from where, as journals tell it.
    ///
    /// # Errors
    /// As [`Call::who`].
    pub(crate) fn origin(&self, desk: &Desk) -> Result<Origin, Problem> {
        Ok(self.who()?.origin(self.peer, desk.engine.process()))
    }

    /// Returns who asks as the engine weighs their answers.
    ///
    /// # Errors
    /// As [`Call::who`].
    pub(crate) fn person(&self, desk: &Desk) -> Result<Person, Problem> {
        Ok(self.who()?.weighed(self.origin(desk)?))
    }

    /// True if the client would rather have the answer in this form.
    pub(crate) fn accepts(&self, media: &str) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        accept.is_some_and(|accept| accept.split(',').any(|one| one.trim() == media))
    }
}

/// What comes back.
pub struct Answer<A> {
    status: StatusCode,
    content: Content<A>,
    location: Option<String>,
    /// The run that was started: the audit names it.
    run: Option<RunId>,
}

enum Content<A> {
    Json(A),
    Other(Response),
}

impl<A> From<A> for Answer<A> {
    fn from(body: A) -> Self {
        Answer { status: StatusCode::OK, content: Content::Json(body), location: None, run: None }
    }
}

impl<A> Answer<A> {
    /// Returns an answer that is no JSON.
    pub(crate) fn other(response: Response) -> Self {
        let status = response.status();
        Answer { status, content: Content::Other(response), location: None, run: None }
    }

    /// Returns the same answer, of a run that was started and is found at its location.
    pub(crate) fn started(self, run: RunId, location: String) -> Self {
        Answer { location: Some(location), run: Some(run), ..self }
    }

    /// Returns the same answer with another status.
    pub(crate) fn with(self, status: StatusCode) -> Self {
        Answer { status, ..self }
    }
}

/// An answer, encoded.
pub(crate) struct Answered {
    pub(crate) response: Response,
    pub(crate) run: Option<RunId>,
}

type Serving = Pin<Box<dyn Future<Output = Result<Answered, Problem>> + Send>>;
pub(crate) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// An operation as the router and the document see it.
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
    /// True if it changes something.
    pub changes: bool,
    pub(crate) meant: Meant,
    pub(crate) query: Option<Describe>,
    pub(crate) body: Option<Describe>,
    pub(crate) answer: Option<Describe>,
    pub(crate) content: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) succeeds: &'static [(u16, &'static str)],
    pub(crate) refuses: &'static [Kind],
    pub(crate) serve: Arc<dyn Fn(Desk, Asked) -> Serving + Send + Sync>,
}

impl Endpoint {
    /// Returns an operation as the router and the document see it.
    pub(crate) fn of<O: Operation>() -> Self {
        let serve = |desk, asked| -> Serving {
            Box::pin(async move { encode(O::carry_out(desk, decode(asked)?).await?) })
        };
        Endpoint {
            method: O::METHOD,
            path: O::PATH,
            need: O::NEED,
            about: O::ABOUT,
            changes: O::CHANGES,
            meant: O::MEANT,
            query: described::<O::Query>(),
            body: described::<O::Body>(),
            answer: described::<O::Answer>(),
            content: O::CONTENT,
            headers: O::HEADERS,
            succeeds: O::SUCCEEDS,
            refuses: O::REFUSES,
            serve: Arc::new(serve),
        }
    }

    /// Returns the name in braces in its path.
    pub fn parameter(&self) -> Option<&'static str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split_once('}').map(|(name, _)| name)
    }

    /// True if the name in its path is that of a run.
    pub(crate) fn is_about_a_run(&self) -> bool {
        self.parameter() == Some("run")
    }
}

pub(crate) fn is_nothing<T: 'static>() -> bool {
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
    let Asked { uri, headers, name, run, body, who, need, peer } = asked;
    let query = if is_nothing::<Q>() {
        nothing()?
    } else {
        let read = Query::try_from_uri(&uri);
        read.map_err(|e| Kind::UNREADABLE.because(e.body_text()))?.0
    };
    let body = if is_nothing::<B>() { nothing()? } else { decode_body(&headers, &body)? };
    Ok(Call { query, body, name, run, headers, who, need, peer })
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
    let Answer { status, content, location, run } = answer;
    let mut response = match content {
        Content::Json(_) if status == StatusCode::NO_CONTENT => status.into_response(),
        Content::Json(body) => {
            let bytes = serde_json::to_vec(&body).map_err(|e| bug(&format!("an answer: {e}")))?;
            (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()
        }
        Content::Other(response) => response,
    };
    *response.status_mut() = status;
    if let Some(location) = location.and_then(|location| location.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(Answered { response, run })
}
