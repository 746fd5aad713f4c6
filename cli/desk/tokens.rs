//! What is asked about tokens, and the clerk for it.

use std::fmt;

use serde::{Deserialize, Serialize};
use windlass_desk::{NewToken, Token, TokenError, Tokens};
use windlass_engine::engine::Engine;

use crate::exit::Exit;
use crate::problem::Problem;

/// What a command asks about tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "token", rename_all = "snake_case")]
pub enum TokenRequest {
    /// Make one.
    Add { new: NewToken },
    /// List them.
    List,
    /// Remove one.
    Remove { id: String },
}

/// What is answered.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum TokenReply {
    /// A token, on the only occasion on which it is shown.
    Made { token: Token, text: String },
    /// Tokens; none, if one was removed.
    Tokens { tokens: Vec<Token> },
}

impl fmt::Debug for TokenReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tokens")
    }
}

/// Answers. Blocks.
pub fn answer(engine: &Engine, asked: TokenRequest) -> Result<TokenReply, Problem> {
    let tokens = Tokens::of(engine);
    Ok(match asked {
        TokenRequest::Add { new } => {
            let (token, text) = tokens.add(&new)?;
            TokenReply::Made { token, text: text.as_str().to_owned() }
        }
        TokenRequest::List => TokenReply::Tokens { tokens: tokens.list()? },
        TokenRequest::Remove { id } => {
            tokens.remove(&id)?;
            TokenReply::Tokens { tokens: Vec::new() }
        }
    })
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let text = error.to_string();
        match error {
            TokenError::Unfit(_) => Problem::new("WL0002", Exit::Usage, text),
            TokenError::NoSuchToken(_) => Problem::new("WL0047", Exit::Usage, text)
                .hint("`windlass token list` lists them, by their ids."),
            TokenError::Damaged(_) => Problem::new("WL0011", Exit::OutOfReach, text),
            TokenError::Store(error) => error.into(),
            TokenError::Machine(_) | TokenError::Users(_) => Problem::bug(text),
        }
    }
}
