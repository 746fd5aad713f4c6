//! Roles: what somebody may do.
//!
//! ```text
//!            viewer            sees everything but secrets, tokens and the audit
//!          /   |    \
//! operator  approver  author   runs what is in the library · says yes or no · runs any text
//!          \   |    /
//!            admin             all of it, tokens and the audit
//! ```
//!
//! The three in the middle don't include each other: who may start a run need not be the one who
//! may approve it, and who may write a runbook can do whatever a runbook can.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees runs, runbooks and steps.
    Viewer,
    /// Starts runs of the library, and decides about them.
    Operator,
    /// Says yes or no to what runs ask.
    Approver,
    /// Checks and runs texts that are not in the library.
    Author,
    /// Everything, tokens and the audit included.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 5] =
        [Role::Viewer, Role::Operator, Role::Approver, Role::Author, Role::Admin];

    /// True if whoever has this role may do what `other` may.
    pub fn covers(self, other: Role) -> bool {
        self == other || self == Role::Admin || other == Role::Viewer
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Approver => "approver",
            Role::Author => "author",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role `{0}`: there are viewer, operator, approver, author and admin")]
pub struct NoSuchRole(String);

impl FromStr for Role {
    type Err = NoSuchRole;

    fn from_str(text: &str) -> Result<Self, NoSuchRole> {
        let named = Role::ALL.into_iter().find(|role| role.name() == text);
        named.ok_or_else(|| NoSuchRole(text.to_owned()))
    }
}

/// Who may use an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Anybody who can connect: it tells nothing about runs.
    Nothing,
    /// Whoever has one of these roles, or one that covers it.
    OneOf(&'static [Role]),
    /// The same, but only at the machine itself: it is about files there, or about keys.
    Here(&'static [Role]),
}

impl Need {
    /// True if these roles are enough.
    pub fn met_by(self, roles: &[Role]) -> bool {
        match self {
            Need::Nothing => true,
            Need::OneOf(needed) | Need::Here(needed) => {
                roles.iter().any(|role| needed.iter().any(|needed| role.covers(*needed)))
            }
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Nothing => f.write_str("no token"),
            Need::OneOf(roles) => list(f, roles),
            Need::Here(roles) => {
                list(f, roles)?;
                f.write_str(", on that machine")
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, roles: &[Role]) -> fmt::Result {
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    f.write_str(&names.join(" or "))
}
