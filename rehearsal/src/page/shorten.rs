//! Stories of hundreds of passes, most of which begin as the clean one does. What is the same is
//! told once: the page stays small, and the eye goes to where a pass begins to differ.

use crate::report::{Moment, Pass};

/// A story that begins as the clean pass does for this many moments is cut there; a few are not
/// worth it.
const SAME_MIN: usize = 6;

/// A story without its beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shortened<'a> {
    /// How many moments were as in the clean pass.
    pub(super) same: usize,
    /// The rest.
    pub(super) rest: &'a [Moment],
}

/// Leaves out the beginning of a story that is as in the clean pass.
pub(super) fn shorten<'a>(pass: &'a Pass, clean: Option<&Pass>) -> Shortened<'a> {
    let clean = clean.filter(|clean| !std::ptr::eq(*clean, pass));
    let clean = clean.map_or(&[][..], |clean| &clean.story);
    let same = pass.story.iter().zip(clean).take_while(|(a, b)| a == b).count();
    let same = if same < SAME_MIN { 0 } else { same };
    Shortened { same, rest: &pass.story[same..] }
}
