//! What goes wrong in a pass.

use windlass_engine::id::CallKey;
use windlass_engine::run::Point;
use windlass_lab::simulated::{Edit, Fault};

/// One pass that is to be played.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Its name, such as `3.1.1/lost-answer`: it can be played again alone.
    pub id: String,
    /// The call that it is about.
    pub call: Option<CallKey>,
    /// The kind of fault, by name.
    pub fault: &'static str,
    /// What happens, each in its time.
    pub strikes: Vec<Strike>,
    /// How it may end.
    pub may: May,
    /// True if the call was done when its outcome was lost: it must be found done, not done again.
    pub finds: bool,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Strike {
    /// The process is killed; of the writes not synced, the first `kept` are on the disk. Several
    /// deaths come one after another, each to the process that went on after the one before.
    Die {
        /// Where.
        at: Moment,
        /// How many unsynced writes survive.
        kept: usize,
    },
    /// The daemon misbehaves, or somebody else changes something.
    Request(Fault),
    /// The store takes no more writes after so many.
    StoreFull(usize),
    /// An operator cancels the run when it is about to make this call.
    Cancel(CallKey),
    /// What somebody else does while the process is dead: between its first death and the resume.
    Meanwhile(Edit),
    /// What a person undoes before anything is tried again, or before the run goes back.
    Remedy(Edit),
}

/// A place in the life of a process.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// A point of a call.
    Point(Point, CallKey),
    /// The nth point that the process reaches, from 0.
    Nth(usize),
}

/// How a pass may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum May {
    /// As if nothing had happened: nobody said no.
    OnlyEndNew,
    /// The same, or refused before it changed anything: what it found was a reason not to begin.
    EndNewOrRefuse,
    /// All old or all new, or stuck over a question that a person can answer.
    EndOldOrStick,
    /// All old: there is a reason to go back, and nothing that a person has to decide.
    OnlyEndOld,
}
