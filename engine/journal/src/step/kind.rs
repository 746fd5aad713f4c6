//! What a call does to the world.

use serde::{Deserialize, Serialize};

/// What kind of call a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Looks, and changes nothing.
    Read,
    /// Looks until something is so; its start is stored, and a restart goes on from there.
    Wait,
    /// Changes the world, and can undo it.
    Change,
    /// Changes the world for good: once applied, the run can only go forward (the pivot).
    Destroy,
}

impl Kind {
    /// True if a call of this kind changes the world.
    pub fn changes(self) -> bool {
        matches!(self, Kind::Change | Kind::Destroy)
    }
}
