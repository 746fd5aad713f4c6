//! What has been done, and keeping it: evidence, prune, backup. All of it reads journals.

mod backup;
mod evidence;
mod key;
mod prunable;
mod prune;
mod tombstones;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use windlass_duty::publish;
use windlass_engine::clock::millis;
use windlass_engine::engine::{Engine, Retention, Tombstone};
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;
use windlass_engine::step::Span;

pub use backup::{Backup, Keys};
pub use evidence::{Evidence, Runs};
pub use key::{Key, PublicKey};
pub use prunable::Prunable;
pub use prune::Prune;
pub use tombstones::{TombstoneList, Tombstones};

use crate::problem::Problem;

/// Which runs to forget.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Old {
    /// Those that ended longer ago than this, such as `90d`.
    pub older_than: Span,
    /// But not so many of the latest, however old they are.
    #[serde(default)]
    pub keep: u32,
}

/// What is forgotten, or would be.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Pruned {
    /// Runs that would go.
    pub would_go: Vec<Summary>,
    /// What stays of runs that are forgotten.
    #[schemars(with = "Vec<Map<String, Value>>")]
    pub gone: Vec<Tombstone>,
    /// Runs that stay although they are old: their last heads have not been published.
    pub held_back: Vec<RunId>,
    /// Entries of the audit that are gone, or would go.
    pub audit_entries: usize,
    /// What kept the rest from being forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Returns the runs that are old enough to go, and those of them that have to stay. Blocks.
fn old_enough(engine: &Engine, old: &Old) -> Result<(Vec<Summary>, Vec<RunId>), Problem> {
    let since = engine.clock().now().saturating_sub(millis(old.older_than.0));
    let newest = usize::try_from(old.keep).unwrap_or(usize::MAX);
    let mut runs = engine.prunable(Retention { since, newest })?;
    let names: Vec<RunId> = runs.iter().map(|run| run.run.clone()).collect();
    let held = publish::held_back(engine, &names)?;
    runs.retain(|run| !held.contains(&run.run));
    Ok((runs, held))
}
