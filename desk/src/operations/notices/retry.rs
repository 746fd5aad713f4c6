//! Try notices again, now and for another day.

use super::super::OPERATOR;
use super::super::prelude::*;
use super::outbox;

/// What to try again.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// The notice; all, if omitted.
    #[serde(default)]
    pub id: Option<String>,
}

/// How many are tried again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// How many.
    pub retried: usize,
}

/// Retry notices now, and for another day.
pub struct Retry;

impl Operation for Retry {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/notices/retry";
    const NEED: Need = OPERATOR;
    const ABOUT: &'static str = "Retry notices now, and for another day";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] = &[(200, "They are tried again.")];
    const REFUSES: &'static [Kind] = &[Kind::NO_NOTICE];
    type Query = ();
    type Body = Again;
    type Answer = Retried;

    async fn carry_out(desk: Desk, call: Call<(), Again>) -> Result<Answer<Retried>, Problem> {
        let outbox = outbox(&desk);
        let retrying = blocking(move || outbox.retry(call.body.id.as_deref()));
        Ok(Retried { retried: retrying.await??.len() }.into())
    }
}
