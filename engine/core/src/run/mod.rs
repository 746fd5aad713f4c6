//! Runs: one execution of a runbook each.
//!
//! ```text
//! journal -> state -> decide -> drive (call) -> ledger -> journal
//!                        \-> unwind /
//! ```
//!
//! `decide` is pure: it says what comes next for a call, from what is recorded of
//! it. `drive` is the only place that acts on it; `ledger` is the only place that records.
//!
//! # What a `kill -9` leaves
//! | killed | the journal has | on resume |
//! |---|---|---|
//! | before the intent is durable | nothing of the call | it is made |
//! | after the intent, before the effect | an intent | probe: not applied; it is made |
//! | after the effect, before the outcome | an intent | probe: applied; recorded as probed |
//! | after the outcome, before its flush | an intent | as above: outcomes share the next flush |
//! | after the outcome is durable | the outcome | the script walks past it |
//! | while waiting between attempts | the time of the next one | it waits for what is left |
//! | while waiting for the time or for people | what for, and until when | it waits for what is left |
//! | while undoing | an undo intent | it is undone again: undo finds nothing to do |

mod call;
mod control;
mod decide;
mod drive;
mod ledger;
mod needed;
mod place;
mod plan;
mod remaining;
mod rest;
mod retry;
mod settle;
mod standby;
mod unwind;
mod wait;

pub(crate) use call::within;
pub use control::Control;
pub(crate) use drive::{Driver, Stop, World};
pub use drive::{Outcome, Point, Points};
pub(crate) use ledger::{Ledger, Sealed};
pub(crate) use needed::{in_question, needed};
pub(crate) use place::{Found, answers, ask, began_on, place_of, ready};
pub(crate) use plan::plan;
pub use plan::{Plan, PlanError, PlannedCall};
pub(crate) use rest::Threads;
pub use settle::OpenCall;
pub(crate) use settle::open_calls;
pub(crate) use standby::Standby;
pub use windlass_journal::{Asked, Call, Impossible, Packed, RunState, Trouble};
