//! Make a token.

use std::fmt;

use axum::http::StatusCode;
use zeroize::Zeroizing;

use super::super::ADMIN;
use super::super::prelude::*;
use crate::token::{NewToken, Token};

/// A token, on the only occasion on which it is shown.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Made {
    /// What is kept of it.
    #[serde(flatten)]
    pub about: Token,
    /// The token itself. It is not kept: nobody can show it again.
    #[schemars(with = "String")]
    pub token: Zeroizing<String>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("about", &self.about).finish_non_exhaustive()
    }
}

/// Make a token.
pub struct Add;

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/tokens";
    const NEED: Need = ADMIN;
    const ABOUT: &'static str = "Make a token";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = &[(201, "It is made, and shown this once.")];
    const REFUSES: &'static [Kind] = &[Kind::PARAMETERS];
    type Query = ();
    type Body = NewToken;
    type Answer = Made;

    async fn carry_out(desk: Desk, call: Call<(), NewToken>) -> Result<Answer<Made>, Problem> {
        let (about, token) = blocking(move || desk.tokens.add(&call.body)).await??;
        Ok(Answer::from(Made { about, token }).with(StatusCode::CREATED))
    }
}
