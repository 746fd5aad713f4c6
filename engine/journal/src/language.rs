//! What the script of a run means.

use serde::{Deserialize, Serialize};

/// What scripts mean. A run keeps to the meaning with which it began: a replay must do the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(u8);

impl Language {
    /// A field that is not there is `()`. Journals that don't say are of this one.
    pub const FIRST: Language = Language(0);
    /// To read a field that is not there is a mistake.
    pub const FIELDS: Language = Language(1);
    /// `parallel` begins so many branches at once and no more.
    pub const NOW: Language = Language(2);

    /// True for the first, which journals don't name.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn is_first(&self) -> bool {
        *self == Language::FIRST
    }
}
