//! What can be asked: a file for each operation, with who may ask, what it takes and gives, and what
//! carries it out. [`table`](crate::table()) lists them.
//!
//! The types here are the interface's own, and versioned with its path; where a type of the engine
//! is a promise already (it is in journals), it is used as it is. Moments are milliseconds since
//! 1970, UTC, as in journals. What is told at the machine alone is an optional field.

pub mod keeping;
pub mod machine;
pub mod notices;
pub mod runbooks;
pub mod runs;
pub mod schedules;
pub mod tokens;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::event::shown;

use crate::problem::{Kind, Problem};
use crate::role::{Need, Role};

const ANYBODY: Need = Need::Nothing;
const VIEWER: Need = Need::OneOf(&[Role::Viewer]);
const OPERATOR: Need = Need::OneOf(&[Role::Operator]);
const APPROVER: Need = Need::OneOf(&[Role::Approver]);
const AUTHOR: Need = Need::OneOf(&[Role::Author]);
const ADMIN: Need = Need::OneOf(&[Role::Admin]);
const ADMIN_HERE: Need = Need::Here(&[Role::Admin]);

const GONE: &[(u16, &str)] = &[(204, "It is gone.")];

/// Why.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// The reason, which is recorded.
    #[schemars(length(min = 1, max = 1000))]
    pub reason: String,
}

/// Returns how many things to list.
///
/// # Errors
/// If they are none, or too many.
fn limit(given: Option<u16>, most: u16) -> Result<usize, Problem> {
    let limit = given.unwrap_or(50);
    if (1..=most).contains(&limit) {
        return Ok(usize::from(limit));
    }
    Err(Kind::UNREADABLE.because(format!("limit must be from 1 to {most}, and {limit} is not")))
}

/// Returns a reason as it is recorded.
///
/// # Errors
/// If there is none, it is an essay, or it would do something to the terminal that shows it.
fn reason(given: &str) -> Result<String, Problem> {
    words("a reason", given.trim(), 1000)
}

/// Returns words that journals keep, and that terminals show.
///
/// # Errors
/// If there are none or too many, or they hold control characters.
fn words(what: &str, given: &str, most: usize) -> Result<String, Problem> {
    let problem = match shown::forbidden(given) {
        Some(c) => format!("{what} can't hold the control character `{}`", shown::escaped(c)),
        None if (1..=most).contains(&given.chars().count()) => return Ok(given.to_owned()),
        None => format!("{what} has 1 to {most} characters"),
    };
    Err(Kind::PARAMETERS.because(problem))
}

/// What the files of operations begin with.
mod prelude {
    pub(super) use schemars::JsonSchema;
    pub(super) use serde::{Deserialize, Serialize};

    pub(super) use crate::desk::{Desk, blocking};
    pub(super) use crate::operation::{Answer, Call, Method, Operation};
    pub(super) use crate::problem::{Kind, Problem};
    pub(super) use crate::role::Need;
    pub(super) use crate::which::Meant;
}
