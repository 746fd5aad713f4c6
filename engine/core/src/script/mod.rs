//! Scripts: rhai with everything taken out that is not deterministic. The one module that names it.
//!
//! A run is its script, evaluated from the top; every call first looks in the journal. So a script
//! must do the same each time: it has no clock, no randomness, no files, no network (those are
//! steps, whose outcomes are recorded), and its limits are counted, not timed.
//!
//! ```text
//! text -> check (names, arguments) -> Script -> evaluate -> host -> Caller (the run)
//! ```

mod check;
mod compiled;
mod dropped;
mod fields;
mod host;
mod language;
mod names;
mod peeking;
mod place;
mod source;
mod value;
mod waits;

pub(crate) use compiled::Mistake;
pub use compiled::{Script, ScriptFailure};
pub(crate) use host::STACK_BYTES;
pub use host::{CallFailure, Caller, Halt, Look};
pub(crate) use names::closest;
pub use names::meant;
pub use place::Place;
pub use source::Shelf;
pub(crate) use source::{Source, is_mark, joined, split};
