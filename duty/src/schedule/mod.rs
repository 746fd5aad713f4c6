//! Schedules: starting runs at their times.
//!
//! ```text
//! Config -> Book (kept in the store) -> sort (pure) -> Look -> runs, occurrences, notices
//!             ^ calendar: when it comes, in its zone
//! ```
//!
//! The rules, each tested:
//!
//! - A time starts at most one run, and is never forgotten: a process may be killed anywhere.
//! - A time that nobody was there for is recorded and told of, and caught up with or not as
//!   [`Missed`] says.
//! - A schedule never has two runs at once. What happens to a time that comes too early is what
//!   [`Overlap`] says.
//! - A clock that is set back repeats nothing; one that is set forward makes times missed.

mod book;
mod calendar;
mod config;
mod look;
mod sort;
mod standing;
mod start;
mod tell;
mod ticker;

pub use book::{Book, BookError};
pub use calendar::{Expression, Zone, next, upcoming};
pub use config::{Config, Missed, Newline, Overlap, Program, Source, Word};
pub use sort::{CATCH_UP_MAX, GRACE_MS, RECORDED_MAX};
pub(crate) use standing::stamp;
pub use standing::{Begun, Fate, Kept, Occurrence, Origin, Standing, Waiting};
pub use start::{check, schedule_of};
pub use ticker::Ticker;
