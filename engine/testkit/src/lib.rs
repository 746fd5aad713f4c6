//! What every step must pass, whatever world it acts on.
//!
//! A family of steps lists one [`Case`] for each step: how its world is set up, what it is told,
//! and what others may do to it meanwhile. The kit drives the step through the engine's own
//! contract, disturbs it at every request that it makes, and compares the whole world before and
//! after:
//!
//! | trial | what must be so |
//! |---|---|
//! | [`Trial::Description`] | everything that people read is there, and every argument is described |
//! | [`Trial::Arguments`] | each wrong argument is refused by name, before any request |
//! | [`Trial::Plan`] | a plan changes nothing, and assumes an output of the right shape |
//! | [`Trial::Effect`] | what the plan says and the call does is what the case writes down, and nothing else changes |
//! | [`Trial::Life`] | a probe tells before from after; an undo leaves the world as it was found; a second one finds nothing to do |
//! | [`Trial::Repeat`] | a second apply, by a process that knows nothing of the first, does no harm |
//! | [`Trial::Deaths`] | after a death at any request, probe tells the truth, and both ways out are open |
//! | [`Trial::Losses`] | so it is after any request or answer that got lost, and the error says that it may have been done |
//! | [`Trial::Refusals`] | whatever the world answers, the error has the class that fits; none but an ambiguous one follows a change |
//! | [`Trial::Undoing`] | the same for the undo: cut anywhere, a second one ends it |
//! | [`Trial::Meddling`] | what others did is told as theirs, and stays |
//!
//! In all of them: a probe and a preparation change nothing, nothing panics, and no secret value is
//! in a base, an output, an error, a request's address, or what `Debug` prints.
//!
//! [`pass`] runs them, and fails for a step without a case. A world is a [`Place`]: made anew for each trial, with a [`Troubles`] through which its requests
//! pass.

mod case;
mod check;
mod place;
mod process;
mod trial;
mod troubles;

pub use case::{Case, Meddling, Says, Then, Undo};
pub use check::{check, pass, pass_these};
pub use place::{Nowhere, Place};
pub use process::CANARY;
pub use trial::Trial;
pub use troubles::{Asked, Trouble, Troubles};
