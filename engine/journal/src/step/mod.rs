//! What journals say of steps: the kind of call, its error, the types of its arguments.
//!
//! What a step must do is the engine's: its contract is not needed to read what was done.

mod argument;
mod error;
mod kind;

pub use argument::{SealedRef, Span};
pub use error::{ErrorClass, StepError};
pub use kind::Kind;
