//! Tokens and the audit.

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::runs::limit;
use crate::audit::Entry;
use crate::console::{Console, blocking};
use crate::endpoint::{Answer, Call};
use crate::problem::Problem;
use crate::token::{NewToken, Token};

/// The tokens there are.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TokenList {
    tokens: Vec<Token>,
}

/// A token, on the only occasion on which it is shown.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Made {
    #[serde(flatten)]
    about: Token,
    /// The token itself. It is not kept: nobody can show it again.
    token: String,
}

/// Lists the tokens; none of them is shown.
pub(crate) async fn tokens(
    console: Console,
    _: Call<(), ()>,
) -> Result<Answer<TokenList>, Problem> {
    let tokens = blocking(move || console.tokens.list()).await??;
    Ok(TokenList { tokens }.into())
}

/// Makes a token, and shows it this once.
pub(crate) async fn add(
    console: Console,
    call: Call<(), NewToken>,
) -> Result<Answer<Made>, Problem> {
    let (about, token) = blocking(move || console.tokens.add(&call.body)).await??;
    let body = Made { about, token: token.as_str().to_owned() };
    Ok(Answer { status: StatusCode::CREATED, ..Answer::from(body) })
}

/// Removes a token.
pub(crate) async fn remove(console: Console, call: Call<(), ()>) -> Result<Answer<()>, Problem> {
    blocking(move || console.tokens.remove(&call.name)).await??;
    Ok(Answer { status: StatusCode::NO_CONTENT, ..Answer::from(()) })
}

/// Which part of the audit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// Only what comes behind this entry: `next` of the part before.
    after: Option<String>,
    /// How many; 50, if it is left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// A part of the audit, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditPart {
    entries: Vec<Entry>,
    /// `after` of the next part. It is there at the end too: later changes come behind it.
    next: Option<String>,
}

/// Shows the audit.
pub(crate) async fn audit(
    console: Console,
    call: Call<Part, ()>,
) -> Result<Answer<AuditPart>, Problem> {
    let Part { after, limit: given } = call.query;
    let limit = limit(given, 1000)?;
    let from = after.clone().unwrap_or_default();
    let entries = blocking(move || console.audit.list(&from, limit)).await??;
    let next = entries.last().map(|last| last.id.clone()).or(after);
    Ok(AuditPart { entries, next }.into())
}
