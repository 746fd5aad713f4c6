//! Steps: the kinds of action that a runbook can call.
//!
//! The contract is in `contract.rs`: three traits, one for each way of touching the world.
//!
//! | trait | kind | what a `kill -9` leaves | on resume |
//! |---|---|---|---|
//! | [`ReadStep`] | read | nothing | read again |
//! | [`WaitStep`] | wait | a stored start | go on waiting from that start |
//! | [`ChangeStep`] | change, destroy | an intent without an outcome | probe, then decide |

mod context;
mod contract;
mod erased;
mod family;
mod reference;
mod registry;
mod risk;
mod typed;

pub use context::{Assumed, Context, Mode, current_call};
pub use contract::{About, ChangeStep, Prepared, Probe, ReadStep, WaitStep};
pub use erased::{AnyStep, ArgumentError, Preview, change, read, wait};
pub use family::{Family, Place};
pub use reference::page;
pub use registry::Registry;
pub(crate) use risk::Risks;
pub use risk::{PlannedRisk, Risk, Severity};
pub use windlass_journal::step::{ErrorClass, Kind, SealedRef, Span, StepError};
