//! Copy the whole store, while runs go on.

use std::io::Write;

use windlass_engine::engine::Gone;

use super::super::ADMIN_HERE;
use super::super::prelude::*;
use crate::stream::{LINES, Lines};

/// What to copy.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// True to have the master key and the keys of runs in it, too.
    #[serde(default)]
    pub with_keys: bool,
}

/// Copy the whole store, while runs go on.
pub struct Backup;

impl Operation for Backup {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/backup";
    const NEED: Need = ADMIN_HERE;
    const ABOUT: &'static str = "Copy the whole store, while runs go on";
    const CHANGES: bool = true;
    const CONTENT: &'static str = LINES;
    type Query = ();
    type Body = Keys;
    type Answer = ();

    async fn carry_out(desk: Desk, call: Call<(), Keys>) -> Result<Answer<()>, Problem> {
        let (engine, with_keys) = (desk.engine, call.body.with_keys);
        Ok(Answer::other(Lines::write(move |out| {
            let take = |line| {
                serde_json::to_writer(&mut *out, &line).map_err(|_| Gone)?;
                out.write_all(b"\n").map_err(|_| Gone)
            };
            Ok(engine.backup(with_keys, take)?)
        })))
    }
}
