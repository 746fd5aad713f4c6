//! Asking for operations, wherever the engine is: in this process, or in the one that owns the
//! state. Whoever asks does not know the difference.

mod door;
mod following;
mod reading;

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use windlass_engine::secret::SecretBuffer;

pub use following::{Followed, Following};
pub use reading::Reading;

use crate::desk::Desk;
use crate::guard::SUDO_USER;
use crate::operation::{Operation, is_nothing};
use crate::problem::{Kind, Problem};
use crate::router::router;
use crate::stream::{EVENTS, LINES};
use crate::table::table;

/// Asks for operations. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    door: Door,
    /// For whom sudo runs this process. It counts if this is root.
    sudo_user: Option<String>,
}

/// Where the engine is.
#[derive(Clone)]
enum Door {
    /// In this process.
    Here(Router),
    /// Behind a socket.
    There(PathBuf),
}

/// True if somebody answers at a socket.
pub async fn is_answering(socket: &Path) -> bool {
    door::connect(socket).await.is_ok()
}

impl Client {
    /// Returns a client of a desk in this process.
    pub fn here(desk: &Desk, sudo_user: Option<String>) -> Self {
        Client { door: Door::Here(router(desk, table())), sudo_user }
    }

    /// Returns a client of the desk that answers at a socket.
    pub fn at(socket: PathBuf, sudo_user: Option<String>) -> Self {
        Client { door: Door::There(socket), sudo_user }
    }

    /// Asks for an operation, and returns its answer. `name` stands for the braces in its path.
    ///
    /// # Errors
    /// If it is refused, or nobody answers.
    pub async fn ask<O>(
        &self,
        name: &str,
        query: O::Query,
        body: O::Body,
    ) -> Result<O::Answer, Problem>
    where
        O: Operation<Query: Serialize, Body: Serialize, Answer: DeserializeOwned>,
    {
        let response = self.send::<O>(name, &query, &body, "application/json").await?;
        let status = response.status();
        let mut bytes = SecretBuffer::default();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken_off(&error.to_string()))?;
            if let Ok(more) = frame.into_data() {
                bytes.extend(&more);
            }
        }
        let empty: &[u8] = if status == StatusCode::NO_CONTENT { b"null" } else { &bytes };
        serde_json::from_slice(empty).map_err(|error| another_version(&error.to_string()))
    }

    /// Asks for an operation that sets a run going, and follows the run until it stops.
    ///
    /// # Errors
    /// If it is refused, or nobody answers.
    pub async fn follow<O>(&self, name: &str, body: O::Body) -> Result<Following, Problem>
    where
        O: Operation<Query = (), Body: Serialize>,
    {
        Ok(Following::of(self.send::<O>(name, &(), &body, EVENTS).await?.into_body()))
    }

    /// Asks for an operation whose answer is lines, and reads them as they come.
    ///
    /// # Errors
    /// If it is refused, or nobody answers.
    pub async fn read<O>(
        &self,
        name: &str,
        query: O::Query,
        body: O::Body,
    ) -> Result<Reading, Problem>
    where
        O: Operation<Query: Serialize, Body: Serialize>,
    {
        Ok(Reading::of(self.send::<O>(name, &query, &body, LINES).await?.into_body()))
    }

    /// Sends a request, and returns the answer to it if it is not refused.
    async fn send<O>(
        &self,
        name: &str,
        query: &O::Query,
        body: &O::Body,
        accept: &'static str,
    ) -> Result<Response, Problem>
    where
        O: Operation<Query: Serialize, Body: Serialize>,
    {
        let request = self.request::<O>(name, query, body, accept)?;
        let response = match &self.door {
            Door::Here(router) => door::here(router.clone(), request).await,
            Door::There(socket) => door::there(socket, request).await?,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let refused = response.into_body().collect().await;
        let refused = refused.map_err(|error| broken_off(&error.to_string()))?.to_bytes();
        Err(Problem::read(&refused)
            .unwrap_or_else(|| another_version(&String::from_utf8_lossy(&refused))))
    }

    fn request<O>(
        &self,
        name: &str,
        query: &O::Query,
        body: &O::Body,
        accept: &'static str,
    ) -> Result<Request<Body>, Problem>
    where
        O: Operation<Query: Serialize, Body: Serialize>,
    {
        let unfit = |error: &dyn std::fmt::Display| Kind::PARAMETERS.because(error.to_string());
        let mut uri = match O::PATH.split_once('{') {
            Some((before, rest)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                format!("{before}{}{after}", utf8_percent_encode(name, NON_ALPHANUMERIC))
            }
            None => O::PATH.to_owned(),
        };
        if !is_nothing::<O::Query>() {
            let query = serde_urlencoded::to_string(query).map_err(|e| unfit(&e))?;
            uri = format!("{uri}?{query}");
        }
        let mut request = Request::builder()
            .method(O::METHOD.name())
            .uri(uri)
            .header(header::HOST, "windlass")
            .header(header::ACCEPT, accept);
        let sudo_user =
            self.sudo_user.as_ref().map(|name| HeaderValue::from_bytes(name.as_bytes()));
        // A name that can't be sent is nobody's.
        if let Some(Ok(name)) = sudo_user {
            request = request.header(SUDO_USER, name);
        }
        if is_nothing::<O::Body>() {
            return request.body(Body::empty()).map_err(|e| unfit(&e));
        }
        let mut bytes = SecretBuffer::default();
        serde_json::to_writer(&mut bytes, body).map_err(|e| unfit(&e))?;
        let request = request.header(header::CONTENT_TYPE, "application/json");
        request.body(Body::from(Bytes::from_owner(Wiped(bytes)))).map_err(|e| unfit(&e))
    }
}

/// Bytes that are wiped when they have been sent.
struct Wiped(SecretBuffer);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn broken_off(why: &str) -> Problem {
    tracing::debug!(why, "an answer broke off");
    Kind::BUG
        .because("the process that owns the state has ended")
        .hint("`windlass runs` shows where things stand.")
}

fn another_version(why: &str) -> Problem {
    Kind::BUG.because(format!("another version of windlass owns the state: {why}"))
}
