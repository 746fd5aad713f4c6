//! The steps that touch nothing outside the run: they need no daemon, no network and no settings.
//!
//! One step is one file, `<noun>/<verb>.rs`; [`steps`] is the list of them.

mod note;
pub mod secret;

use std::sync::Arc;

use windlass_engine::step::{AnyStep, change};

/// Returns every step of this family.
pub fn steps() -> Vec<Arc<dyn AnyStep>> {
    vec![change(note::Note), change(secret::generate::Generate)]
}
