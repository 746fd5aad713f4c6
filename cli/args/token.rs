//! The words about tokens.

use clap::Subcommand;
use windlass_desk::Role;
use windlass_engine::step::Span;

/// What to do about tokens.
#[derive(Debug, Subcommand)]
pub enum TokenAction {
    /// Make a token for the HTTP interface. It is shown this once.
    Add(TokenArgs),
    /// List the tokens, without their values.
    List,
    /// Remove a token: from now on it is refused.
    Remove {
        /// The token, by the id that the list shows.
        id: String,
    },
}

/// A token to make.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    /// What it is for, such as `ci` or `laptop`.
    pub name: String,
    /// Who acts with it; journals name this person.
    #[arg(long, value_name = "PERSON")]
    pub person: String,
    /// What it may be used for: viewer, operator, approver, author, admin; may be repeated.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    pub roles: Vec<Role>,
    /// A name that runbooks ask of whoever approves, such as `dba`; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// After how long it is refused, such as 90d; never, if omitted.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub expires: Option<Span>,
}

fn span(text: &str) -> Result<Span, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}
