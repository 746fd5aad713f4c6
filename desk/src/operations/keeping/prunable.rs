//! Say which runs would be forgotten.

use super::super::VIEWER;
use super::super::prelude::*;
use super::{Old, Pruned, old_enough};

/// Say which runs would be forgotten.
pub struct Prunable;

impl Operation for Prunable {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/prune";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Say which runs would be forgotten";
    type Query = Old;
    type Body = ();
    type Answer = Pruned;

    async fn carry_out(desk: Desk, call: Call<Old, ()>) -> Result<Answer<Pruned>, Problem> {
        let pruning = blocking(move || {
            let (would_go, held_back) = old_enough(&desk.engine, &call.query)?;
            let audit_entries = desk.audit.prunable()?;
            Ok::<_, Problem>(Pruned { would_go, held_back, audit_entries, ..Pruned::default() })
        });
        Ok(pruning.await??.into())
    }
}
