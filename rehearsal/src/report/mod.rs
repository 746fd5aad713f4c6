//! What a rehearsal found: plain data, the same for the terminal, for `--json` and for the page.
//!
//! ```text
//! Report --coverage--> Coverage: call x fault -> Cell   --show--> terminal
//!        --first_violation--> Pass: its story           --page--> HTML
//! ```
//!
//! A pass is one run of the runbook on a fresh copy of the swarm, with one fault at one call (the
//! clean pass has none). Its story is in virtual time: a wait of an hour takes none.

mod coverage;
mod story;
mod totals;

use serde::{Deserialize, Serialize};
use windlass_engine::step::Kind;

pub use coverage::{Cell, Coverage, Row};
pub use story::{Shortened, span};
pub use totals::Totals;

/// The fault of the pass that has none.
pub const CLEAN: &str = "clean";

/// A rehearsal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The runbook as it was named.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// What was copied.
    pub swarm: SwarmShape,
    /// What of that swarm is not played, each by name.
    #[serde(default)]
    pub not_played: Vec<String>,
    /// Services that did not run as they should, and why.
    #[serde(default)]
    pub unhealthy: Vec<String>,
    /// The calls of the clean pass, in order of place.
    pub calls: Vec<CallRow>,
    /// The faults, as the heads of the columns.
    pub faults: Vec<FaultKind>,
    /// Every pass, the clean one first.
    pub passes: Vec<Pass>,
    /// How long it all took on the clock on the wall, in milliseconds.
    pub wall_ms: u64,
    /// The seed of everything that is random in it.
    pub seed: u64,
    /// How many passes were made side by side.
    pub threads: usize,
}

/// The swarm that was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmShape {
    /// How many nodes.
    pub nodes: usize,
    /// How many services.
    pub services: usize,
    /// How many secrets.
    pub secrets: usize,
    /// How many tasks, running and past.
    pub tasks: usize,
    /// When it was copied.
    pub taken: String,
}

impl std::fmt::Display for SwarmShape {
    /// Writes it in words: `3 nodes, 1 service, 2 secrets, 6 tasks`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [
            (self.nodes, "node"),
            (self.services, "service"),
            (self.secrets, "secret"),
            (self.tasks, "task"),
        ];
        let words = counts.map(|(n, word)| format!("{n} {word}{}", if n == 1 { "" } else { "s" }));
        f.write_str(&words.join(", "))
    }
}

/// A call of the clean pass: a row of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRow {
    /// Its place, such as `4.2.1`.
    pub key: String,
    /// Its step.
    pub step: String,
    /// What it does, in a sentence.
    pub says: String,
    /// Its kind.
    pub kind: Kind,
    /// True if the run can only go forward after it.
    pub pivot: bool,
}

/// A fault: a column of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultKind {
    /// Its name in the ids of passes, such as `lost-answer`.
    pub name: String,
    /// The same in a word or three, for the head of a column.
    pub short: String,
    /// What is done to the run, in a sentence.
    pub explanation: String,
}

/// How a pass ended, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All new: the run got through, and every invariant holds.
    Held,
    /// All old: the run undid everything, and every invariant holds.
    Unwound,
    /// The run stopped and said what a person must decide, and going on as it said ended well.
    Stuck,
    /// An invariant does not hold.
    Violated,
}

impl Verdict {
    /// All of them, from good to bad.
    pub const ALL: [Verdict; 4] =
        [Verdict::Held, Verdict::Unwound, Verdict::Stuck, Verdict::Violated];

    /// Returns it in words.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Unwound => "unwound",
            Verdict::Stuck => "stuck on purpose",
            Verdict::Violated => "violated",
        }
    }

    /// Returns its mark in tables.
    pub fn mark(self) -> char {
        match self {
            Verdict::Held => '✓',
            Verdict::Unwound => '↩',
            Verdict::Stuck => '!',
            Verdict::Violated => '✗',
        }
    }
}

/// One run of the runbook on a fresh copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Its name, such as `3.1.1/lost-answer`: `--only` makes it again, alone.
    pub id: String,
    /// The call at which the fault strikes; none if it is about the whole run.
    pub call: Option<String>,
    /// The name of the fault, or [`CLEAN`].
    pub fault: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What happened, in order of time.
    pub story: Vec<Moment>,
    /// The invariants that don't hold, in words.
    pub problems: Vec<String>,
    /// How often the run was resumed.
    pub resumes: u32,
    /// How many requests went to the simulated swarm.
    pub requests: u32,
    /// How long it took in virtual time, in milliseconds.
    pub virtual_ms: i64,
}

/// One thing that happened in a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, in virtual milliseconds since the pass began.
    pub at_ms: i64,
    /// The call that it is about; none if it is about the whole run or the swarm.
    pub lane: Option<String>,
    /// What kind of thing.
    pub kind: MomentKind,
    /// The thing, in a sentence. It holds no secret value.
    pub text: String,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// A call began.
    Began,
    /// A call got on.
    Progress,
    /// A call ended well.
    Ended,
    /// A call failed.
    Failed,
    /// The fault struck.
    Fault,
    /// The process died.
    Died,
    /// The run was resumed.
    Resumed,
    /// The run began to undo everything.
    Unwinding,
    /// The undo of a call began.
    UndoBegan,
    /// A call was undone.
    UndoEnded,
    /// A call could not be undone.
    UndoFailed,
    /// The run is stuck.
    Stuck,
    /// Somebody decided about the run.
    Decided,
    /// The run is over.
    Finished,
    /// An invariant was found not to hold.
    Violated,
    /// Anything else that helps to understand.
    Note,
}

impl Report {
    /// Returns the pass without a fault, if it was made.
    pub fn clean(&self) -> Option<&Pass> {
        self.passes.iter().find(|pass| pass.fault == CLEAN)
    }

    /// Returns the pass with this name.
    pub fn pass(&self, id: &str) -> Option<&Pass> {
        self.passes.iter().find(|pass| pass.id == id)
    }

    /// Returns the first pass in which an invariant does not hold: that of the clean pass if it has
    /// one, since nothing else says much then.
    pub fn first_violation(&self) -> Option<&Pass> {
        let violated = |pass: &&Pass| pass.verdict == Verdict::Violated;
        self.clean().filter(violated).or_else(|| self.passes.iter().find(violated))
    }

    /// Returns the call at this place.
    pub fn call(&self, key: &str) -> Option<&CallRow> {
        self.calls.iter().find(|call| call.key == key)
    }

    /// Returns the fault with this name.
    pub fn fault(&self, name: &str) -> Option<&FaultKind> {
        self.faults.iter().find(|fault| fault.name == name)
    }
}
