//! Where a run stands, in one word: the same in tables, JSON, the HTTP API, numbers and reports.
//!
//! | word | somebody drives it | what comes next |
//! |---|---|---|
//! | `running` | yes | it goes forward |
//! | `waiting` | yes or no | a time, an answer |
//! | `going-back` | yes | it undoes everything |
//! | `interrupted`, `interrupted-going-back` | no | a resume |
//! | `stuck`, `stuck-going-back` | no | a person decides |
//! | `done`, `undone`, `cancelled` | no | nothing: it is over |
//!
//! Journals have words of their own ([`RunStatus`]): they can't know whether a process drives a run
//! at this moment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{End, RunStatus};

/// Where a run stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Going forward.
    Running,
    /// Going forward, and nothing is left to do but to wait.
    Waiting,
    /// Was going forward, and no process drives it.
    Interrupted,
    /// Undoing everything.
    GoingBack,
    /// Was undoing everything, and no process drives it.
    InterruptedGoingBack,
    /// Needs a person; it was going forward.
    Stuck,
    /// Needs a person; it was undoing everything.
    StuckGoingBack,
    /// Over: all new.
    Done,
    /// Over: failed, and undone.
    Undone,
    /// Over: cancelled by a person, and undone.
    Cancelled,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 10] = [
        Status::Running,
        Status::Waiting,
        Status::Interrupted,
        Status::GoingBack,
        Status::InterruptedGoingBack,
        Status::Stuck,
        Status::StuckGoingBack,
        Status::Done,
        Status::Undone,
        Status::Cancelled,
    ];

    /// Returns where a run stands of which the journal says this. `back` is true if it takes
    /// everything back, or is about to; `driven` if a process drives it.
    pub fn of(status: RunStatus, back: bool, driven: bool) -> Self {
        match (status, back, driven) {
            (RunStatus::Finished(end), ..) => end.into(),
            (RunStatus::StuckUnwinding, ..) | (RunStatus::Stuck, true, _) => Status::StuckGoingBack,
            (RunStatus::Stuck, false, _) => Status::Stuck,
            (RunStatus::Unwinding, _, true) | (RunStatus::Running, true, true) => Status::GoingBack,
            (RunStatus::Unwinding, _, false) | (RunStatus::Running, true, false) => {
                Status::InterruptedGoingBack
            }
            (RunStatus::Waiting, ..) => Status::Waiting,
            (RunStatus::Running, false, true) => Status::Running,
            (RunStatus::Running, false, false) => Status::Interrupted,
        }
    }

    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::Interrupted => "interrupted",
            Status::GoingBack => "going-back",
            Status::InterruptedGoingBack => "interrupted-going-back",
            Status::Stuck => "stuck",
            Status::StuckGoingBack => "stuck-going-back",
            Status::Done => "done",
            Status::Undone => "undone",
            Status::Cancelled => "cancelled",
        }
    }

    /// Returns how the run ended, if it is over.
    pub fn end(self) -> Option<End> {
        match self {
            Status::Done => Some(End::Done),
            Status::Undone => Some(End::Undone),
            Status::Cancelled => Some(End::Cancelled),
            _ => None,
        }
    }

    /// True if the run is over.
    pub fn is_finished(self) -> bool {
        self.end().is_some()
    }

    /// True if the run needs a person.
    pub fn is_stuck(self) -> bool {
        matches!(self, Status::Stuck | Status::StuckGoingBack)
    }

    /// True if the run undoes everything, or was doing so.
    pub fn goes_back(self) -> bool {
        use Status::{GoingBack, InterruptedGoingBack, StuckGoingBack};
        matches!(self, GoingBack | InterruptedGoingBack | StuckGoingBack)
    }
}

impl From<End> for Status {
    fn from(end: End) -> Self {
        match end {
            End::Done => Status::Done,
            End::Undone => Status::Undone,
            End::Cancelled => Status::Cancelled,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Status::ALL.into_iter().find(|status| status.word() == word).ok_or_else(|| {
            let words = Status::ALL.map(Status::word).join(", ");
            format!("expected one of {words}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_somebody_drives_a_run_is_part_of_where_it_stands() {
        use RunStatus::{Finished, Running, Stuck, StuckUnwinding, Unwinding, Waiting};
        let table = [
            (Running, false, true, "running"),
            (Running, false, false, "interrupted"),
            (Running, true, true, "going-back"),
            (Running, true, false, "interrupted-going-back"),
            (Waiting, false, true, "waiting"),
            (Waiting, false, false, "waiting"),
            (Unwinding, true, true, "going-back"),
            (Unwinding, true, false, "interrupted-going-back"),
            (Stuck, false, false, "stuck"),
            (Stuck, true, false, "stuck-going-back"),
            (StuckUnwinding, true, false, "stuck-going-back"),
            (Finished(End::Done), false, false, "done"),
            (Finished(End::Undone), true, false, "undone"),
            (Finished(End::Cancelled), true, false, "cancelled"),
        ];
        for (status, back, driven, word) in table {
            assert_eq!(Status::of(status, back, driven).word(), word);
        }
    }

    #[test]
    fn every_word_is_the_same_as_text_and_as_json() {
        for status in Status::ALL {
            assert_eq!(status.word().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.word());
        }
        assert!("unwinding".parse::<Status>().is_err());
    }
}
