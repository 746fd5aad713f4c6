//! What is told to somebody who does not get what they asked for: problem details of RFC 9457, with
//! the codes of the command line and what to do next.
//!
//! What to do next is said in the words of whoever asks: commands to those at the machine, requests
//! to those who come over the network.

mod kind;
mod reason;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use kind::Kind;
pub use reason::elsewhere;

/// Why somebody does not get what they asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem it is.
    pub kind: Kind,
    /// What happened.
    pub detail: String,
    /// What to do next.
    pub hint: Option<Hint>,
}

/// What to do next, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// For people at the machine: commands.
    pub command: String,
    /// For clients over the network: requests.
    pub request: String,
}

/// A problem as a client reads it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Told {
    /// Names the kind of problem: `urn:windlass:WL0006`.
    r#type: String,
    /// What it is, in a few words; always the same for one code.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened.
    detail: String,
    /// The code; `windlass explain WL0006` tells more.
    code: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    hint: Option<String>,
}

impl Kind {
    /// Returns a problem of this kind.
    pub fn because(self, detail: impl Into<String>) -> Problem {
        Problem { kind: self, detail: detail.into(), hint: None }
    }
}

impl Problem {
    /// Adds what to do next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.hints(hint.clone(), hint)
    }

    /// Adds what to do next, as a command and as a request.
    #[must_use]
    pub fn hints(mut self, command: impl Into<String>, request: impl Into<String>) -> Self {
        self.hint = Some(Hint { command: command.into(), request: request.into() });
        self
    }

    /// Returns it as JSON, in the words for somebody at the machine or elsewhere.
    pub(crate) fn json(&self, at_machine: bool) -> String {
        let Problem { kind, detail, hint } = self;
        let told = Told {
            r#type: format!("urn:windlass:{}", kind.code()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.clone(),
            code: kind.code().to_owned(),
            hint: hint.as_ref().map(|hint| hint.words(at_machine).to_owned()),
        };
        // Numbers and texts: they are JSON.
        serde_json::to_string(&told).unwrap_or_default()
    }

    /// Reads what [`Problem::json`] wrote; nothing, if it is something else.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let told: Told = serde_json::from_slice(json).ok()?;
        let kind = Kind::of(&told.code, told.status).unwrap_or(Kind::BUG);
        let problem = kind.because(told.detail);
        Some(match told.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        })
    }

    /// Returns the answer that tells it.
    pub(crate) fn answer(&self, at_machine: bool) -> Response {
        let status = StatusCode::from_u16(self.kind.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut response = (status, [json], self.json(at_machine)).into_response();
        let (name, value) = match status {
            StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer realm=\"windlass\""),
            StatusCode::TOO_MANY_REQUESTS => (header::RETRY_AFTER, "60"),
            StatusCode::SERVICE_UNAVAILABLE => (header::RETRY_AFTER, "5"),
            _ => return response,
        };
        response.headers_mut().insert(name, HeaderValue::from_static(value));
        response
    }
}

impl Hint {
    fn words(&self, at_machine: bool) -> &str {
        if at_machine { &self.command } else { &self.request }
    }
}

/// Returns a problem that is a mistake of ours, and logs it.
pub(crate) fn bug(what: &str) -> Problem {
    tracing::error!(what, "an internal error");
    Kind::BUG.because(what)
}
