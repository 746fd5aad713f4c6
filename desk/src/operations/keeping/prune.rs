//! Forget runs that ended long ago, and entries of the audit that are too old.

use windlass_duty::publish;
use windlass_engine::id::RunId;

use super::super::ADMIN;
use super::super::prelude::*;
use super::{Old, Pruned, old_enough};

/// Forget runs that ended long ago.
pub struct Prune;

impl Operation for Prune {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/prune";
    const NEED: Need = ADMIN;
    const ABOUT: &'static str = "Forget runs that ended long ago";
    const CHANGES: bool = true;
    const SUCCEEDS: &'static [(u16, &'static str)] =
        &[(200, "They are gone, or `problem` says what kept the rest.")];
    const REFUSES: &'static [Kind] = &[Kind::NOT_NOW];
    type Query = ();
    type Body = Old;
    type Answer = Pruned;

    async fn carry_out(desk: Desk, call: Call<(), Old>) -> Result<Answer<Pruned>, Problem> {
        let (by, engine, audit) = (call.origin(&desk)?, desk.engine.clone(), desk.audit.clone());
        let pruning = blocking(move || {
            let (old, held_back) = old_enough(&engine, &call.body)?;
            let audit_entries = audit.prune()?;
            let names: Vec<RunId> = old.into_iter().map(|run| run.run).collect();
            let mut pruned = Pruned { held_back, audit_entries, ..Pruned::default() };
            let forgotten = engine.forget(&names, &by, |tombstone| pruned.gone.push(tombstone));
            // What is gone is told even if not all went well.
            pruned.problem = forgotten.err().map(|error| error.to_string());
            for gone in &pruned.gone {
                publish::forget(&engine, &gone.run)?;
            }
            Ok::<_, Problem>(pruned)
        });
        Ok(pruning.await??.into())
    }
}
