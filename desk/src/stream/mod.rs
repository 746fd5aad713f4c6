//! Answers that come piece by piece: events of runs, and lines.

mod ears;
mod events;
mod feed;
mod lines;

pub use ears::Ending;
pub(crate) use ears::{Ears, RUN, STOPPED};
pub use events::From;
pub(crate) use events::{EVENTS, LAST, PROBLEM, Pass, bad_id, last, send};
pub(crate) use feed::Feed;
pub(crate) use lines::{LINES, Lines, problem_in};
