//! List tokens, without their values.

use super::super::ADMIN;
use super::super::prelude::*;
use crate::token::Token;

/// The tokens there are.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenList {
    /// The tokens.
    pub tokens: Vec<Token>,
}

/// List tokens, without their values.
pub struct List;

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/tokens";
    const NEED: Need = ADMIN;
    const ABOUT: &'static str = "List tokens, without their values";
    type Query = ();
    type Body = ();
    type Answer = TokenList;

    async fn carry_out(desk: Desk, _: Call<(), ()>) -> Result<Answer<TokenList>, Problem> {
        let tokens = blocking(move || desk.tokens.list()).await??;
        Ok(TokenList { tokens }.into())
    }
}
