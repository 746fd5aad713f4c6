//! What is told to a client that does not get what it asked for: problem details of RFC 9457, with
//! the codes of the command line and what to do next.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use windlass_duty::notice::OutboxError;
use windlass_duty::schedule::BookError;
use windlass_engine::engine::EngineError;
use windlass_engine::journal::StoreError;

use crate::token::TokenError;

/// Why a client does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem it is.
    pub kind: Kind,
    /// What happened.
    pub detail: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// A problem as a client reads it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Told<'a> {
    /// Names the kind of problem: `urn:windlass:WL0006`.
    r#type: String,
    /// What it is, in a few words; always the same for one code.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What happened.
    detail: &'a str,
    /// The code; `windlass explain WL0006` tells more.
    code: &'a str,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// The kinds of problems: a code, its HTTP status, and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(&'static str, u16, &'static str);

#[expect(missing_docs, reason = "the titles say it")]
impl Kind {
    pub const NO_RUNBOOK: Kind = Kind("WL0001", 404, "There is no such runbook");
    pub const PARAMETERS: Kind = Kind("WL0002", 422, "The words don't fit");
    pub const DOES_NOT_COMPILE: Kind = Kind("WL0003", 422, "The runbook does not compile");
    pub const LOCKED: Kind = Kind("WL0004", 409, "A lock is held");
    pub const IN_USE: Kind = Kind("WL0005", 409, "The run is in use");
    pub const NO_RUN: Kind = Kind("WL0006", 404, "There is no such run");
    pub const OVER: Kind = Kind("WL0007", 409, "The run is over");
    pub const STUCK: Kind = Kind("WL0008", 409, "The run is stuck");
    pub const PAST_PIVOT: Kind = Kind("WL0009", 409, "The run is past its pivot");
    pub const NOT_NOW: Kind = Kind("WL0010", 409, "The decision does not fit");
    pub const STORE: Kind = Kind("WL0011", 503, "The store is damaged or refuses");
    pub const KEY: Kind = Kind("WL0012", 503, "The master key is missing or another one");
    pub const NO_SWARM: Kind = Kind("WL0014", 503, "The swarm does not answer");
    pub const NOT_MANAGER: Kind = Kind("WL0015", 503, "The endpoint is not a manager");
    pub const ANOTHER_SWARM: Kind = Kind("WL0025", 409, "Another swarm answers");
    pub const NOT_COUNTED: Kind = Kind("WL0018", 403, "The answer does not count");
    pub const OWN_GROUND: Kind = Kind("WL0019", 409, "The run would end the daemon itself");
    pub const NO_SCHEDULE: Kind = Kind("WL0020", 404, "The schedule does not fit");
    pub const FIXED_SCHEDULE: Kind = Kind("WL0020", 409, "The schedule does not fit");
    pub const NO_NOTICE: Kind = Kind("WL0022", 404, "There is no such notice");
    pub const PRUNED: Kind = Kind("WL0034", 410, "The run was pruned");
    pub const WOULD_FAIL: Kind = Kind("WL0016", 422, "The run would fail");
    pub const NO_TOKEN: Kind = Kind("WL0040", 401, "The token is missing or refused");
    pub const NOT_ALLOWED: Kind = Kind("WL0041", 403, "The role is missing");
    pub const UNREADABLE: Kind = Kind("WL0042", 400, "The request can't be read");
    pub const TOO_LARGE: Kind = Kind("WL0042", 413, "The request can't be read");
    pub const URI_TOO_LONG: Kind = Kind("WL0042", 414, "The request can't be read");
    pub const NOT_JSON: Kind = Kind("WL0042", 415, "The request can't be read");
    pub const NO_ENDPOINT: Kind = Kind("WL0043", 404, "There is nothing at this address");
    pub const NO_METHOD: Kind = Kind("WL0043", 405, "There is nothing at this address");
    pub const TOO_MANY: Kind = Kind("WL0044", 429, "Too many at once, or too many refused");
    pub const IN_THE_OPEN: Kind = Kind("WL0045", 403, "A secret would travel in the open");
    pub const OTHER_REQUEST: Kind = Kind("WL0046", 422, "The key belongs to another request");
    pub const NO_SUCH_TOKEN: Kind = Kind("WL0047", 404, "There is no such token");
    pub const BUSY: Kind = Kind("WL0048", 503, "The console is busy or stops");
    pub const BUG: Kind = Kind("WL0070", 500, "A mistake of ours");

    /// Returns a problem of this kind.
    pub fn because(self, detail: impl Into<String>) -> Problem {
        Problem { kind: self, detail: detail.into(), hint: None }
    }

    /// Returns the code.
    pub fn code(self) -> &'static str {
        self.0
    }

    /// Returns the HTTP status.
    pub fn status(self) -> u16 {
        self.1
    }

    /// Returns the title.
    pub fn title(self) -> &'static str {
        self.2
    }
}

impl Problem {
    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns it as JSON.
    pub(crate) fn json(&self) -> String {
        let Kind(code, status, title) = self.kind;
        let told = Told {
            r#type: format!("urn:windlass:{code}"),
            title,
            status,
            detail: &self.detail,
            code,
            hint: self.hint.as_deref(),
        };
        // Numbers and texts: they are JSON.
        serde_json::to_string(&told).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut response = (status, [json], self.json()).into_response();
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

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::Compile(_) => Kind::DOES_NOT_COMPILE.because(text),
            EngineError::Parameter(_) => Kind::PARAMETERS
                .because(text)
                .hint("GET /api/v1/runbooks/{name} lists the parameters."),
            EngineError::Locked { by, .. } => Kind::LOCKED.because(text).hint(format!(
                "GET /api/v1/runs/{by} says where it stands, and under `safe` what can be asked of it."
            )),
            EngineError::OwnGround { .. } => Kind::OWN_GROUND.because(text).hint(
                "`windlass explain WL0019` says how to go about it; `allow_self` begins it all the same.",
            ),
            EngineError::AlreadyDriven(run) => Kind::IN_USE
                .because(text)
                .hint(format!("GET /api/v1/runs/{run}/events tells how it gets on.")),
            EngineError::NoSuchRun(_) | EngineError::AmbiguousRun { .. } => Kind::NO_RUN
                .because(text)
                .hint("GET /api/v1/runs lists them; names are given in full."),
            EngineError::Pruned(_) => Kind::PRUNED.because(text),
            EngineError::NoSuchCall { run, .. } => {
                Kind::NO_RUN.because(text).hint(format!("GET /api/v1/runs/{run} lists its calls."))
            }
            EngineError::Over { run, .. } => {
                Kind::OVER.because(text).hint(format!("GET /api/v1/runs/{run} tells what it did."))
            }
            EngineError::Stuck(view) => {
                let (run, stuck) = (&view.summary.run, view.stuck.as_ref());
                let what = stuck.map(|e| e.message.clone()).unwrap_or_default();
                Kind::STUCK.because(format!("{text}: {what}")).hint(format!(
                    "GET /api/v1/runs/{run} says over which call, and under `safe` what can be decided."
                ))
            }
            EngineError::PastPivot { run, .. } => Kind::PAST_PIVOT.because(text).hint(format!(
                "GET /api/v1/runs/{run} says under `safe` what can be asked of it."
            )),
            EngineError::Output { example, .. } if !example.is_null() => {
                Kind::NOT_NOW.because(text).hint(format!(
                    "Post to mark-done, with what the call would have returned as `output`, such as {example}."
                ))
            }
            EngineError::ControlCharacter(_) => Kind::PARAMETERS.because(text),
            EngineError::NotNow(_) | EngineError::Output { .. } => Kind::NOT_NOW.because(text),
            EngineError::AnotherPlace { .. } => Kind::ANOTHER_SWARM.because(text).hint(
                "Nothing was recorded or changed. The daemon must reach the swarm where the run began: see its DOCKER_HOST.",
            ),
            EngineError::NoPlace { error, .. } => {
                let not_manager = error.code == "not_manager";
                if not_manager { Kind::NOT_MANAGER } else { Kind::NO_SWARM }.because(text)
            }
            EngineError::Answer { run, .. } => Kind::PARAMETERS
                .because(text)
                .hint(format!("GET /api/v1/runs/{run} has what is asked under `waits`.")),
            EngineError::Refused(_) => Kind::NOT_COUNTED.because(text),
            EngineError::Store(error) => error.into(),
            EngineError::Damaged(_) => Kind::STORE
                .because(text)
                .hint("`windlass store check` on that machine says what is whole."),
            EngineError::Key(_) | EngineError::WrongMasterKey => Kind::KEY.because(text),
            EngineError::Machine(_) => bug(&text),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store fails");
        Kind::STORE
            .because(error.to_string())
            .hint("Is the disk full? Nothing is done that can't be recorded.")
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let text = error.to_string();
        match error {
            TokenError::Unfit(_) => Kind::PARAMETERS.because(text),
            TokenError::NoSuchToken(_) => {
                Kind::NO_SUCH_TOKEN.because(text).hint("GET /api/v1/tokens lists them.")
            }
            TokenError::Store(error) => error.into(),
            TokenError::Damaged(_) => Kind::STORE.because(text),
            TokenError::Machine(_) | TokenError::Users(_) => bug(&text),
        }
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        let text = error.to_string();
        match error {
            BookError::NoSuchSchedule(_) => {
                Kind::NO_SCHEDULE.because(text).hint("GET /api/v1/schedules lists them.")
            }
            BookError::ControlCharacter(_) => Kind::PARAMETERS.because(text),
            BookError::Taken(_) | BookError::InFile(_) => Kind::FIXED_SCHEDULE
                .because(text)
                .hint("Schedules are told on the machine of the daemon, not over HTTP."),
            BookError::Unreadable { name, .. } => {
                unreadable(&text, &format!("the schedule `{name}`")).hint(format!(
                    "`windlass schedule remove {name}` on that machine, and add it again."
                ))
            }
            BookError::Store(error) => error.into(),
            BookError::Machine(_) => bug(&text),
        }
    }
}

impl From<OutboxError> for Problem {
    fn from(error: OutboxError) -> Self {
        let text = error.to_string();
        match error {
            OutboxError::NoSuchNotice(_) => {
                Kind::NO_NOTICE.because(text).hint("GET /api/v1/notices lists them.")
            }
            OutboxError::Unreadable { .. } => {
                unreadable(&text, "a notice").hint("The log of the daemon says which.")
            }
            OutboxError::Store(error) => error.into(),
        }
    }
}

/// Returns the problem of what is kept and can't be read. What was found there may be quoted in
/// `text`, and may be what is not told: it is logged.
fn unreadable(text: &str, what: &str) -> Problem {
    tracing::error!(text, "the store holds what can't be read");
    Kind::STORE.because(format!("what is kept of {what} can't be read"))
}

/// Returns a problem that is a mistake of ours, and logs it.
pub(crate) fn bug(what: &str) -> Problem {
    tracing::error!(what, "a mistake of ours");
    Kind::BUG.because(what)
}
