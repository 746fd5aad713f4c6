//! How many passes ended how.

use super::{Report, Verdict};

/// The passes of a rehearsal, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub passes: usize,
    /// Those that held.
    pub held: usize,
    /// Those that undid everything.
    pub unwound: usize,
    /// Those that are stuck on purpose.
    pub stuck: usize,
    /// Those in which an invariant does not hold.
    pub violated: usize,
    /// How often a run was resumed in all.
    pub resumes: u64,
    /// How many requests went to the simulated swarm in all.
    pub requests: u64,
    /// How long they took in virtual time in all, in milliseconds.
    pub virtual_ms: i64,
}

impl Totals {
    /// Returns how many passes ended so.
    pub fn of(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Held => self.held,
            Verdict::Unwound => self.unwound,
            Verdict::Stuck => self.stuck,
            Verdict::Violated => self.violated,
        }
    }
}

impl Report {
    /// Counts the passes.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { passes: self.passes.len(), ..Totals::default() };
        for pass in &self.passes {
            *match pass.verdict {
                Verdict::Held => &mut totals.held,
                Verdict::Unwound => &mut totals.unwound,
                Verdict::Stuck => &mut totals.stuck,
                Verdict::Violated => &mut totals.violated,
            } += 1;
            totals.resumes += u64::from(pass.resumes);
            totals.requests += u64::from(pass.requests);
            totals.virtual_ms = totals.virtual_ms.saturating_add(pass.virtual_ms);
        }
        totals
    }
}
