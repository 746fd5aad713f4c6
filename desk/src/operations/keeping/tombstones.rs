//! List what stays of runs that were forgotten.

use serde_json::{Map, Value};
use windlass_engine::engine::Tombstone;

use super::super::VIEWER;
use super::super::prelude::*;

/// What stays of runs that were forgotten.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TombstoneList {
    /// Of each, what stays.
    #[schemars(with = "Vec<Map<String, Value>>")]
    pub tombstones: Vec<Tombstone>,
}

/// List what stays of runs that were forgotten.
pub struct Tombstones;

impl Operation for Tombstones {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/tombstones";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "List what stays of runs that were forgotten";
    type Query = ();
    type Body = ();
    type Answer = TombstoneList;

    async fn carry_out(desk: Desk, _: Call<(), ()>) -> Result<Answer<TombstoneList>, Problem> {
        let tombstones = blocking(move || desk.engine.tombstones()).await??;
        Ok(TombstoneList { tombstones }.into())
    }
}
