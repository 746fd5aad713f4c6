//! How a schedule stands: what is kept durably beside the journals.
//!
//! ```text
//! schedule/<name>              the schedule and its standing, one value, replaced as a whole
//! occurrence/<name>/<planned>  what became of one time at which it came
//! ```
//!
//! A run is started in three writes, so that a process killed between any two of them neither
//! starts it twice nor loses it:
//!
//! 1. `starting` is set to the time it came at;
//! 2. the run begins, and its journal names that time as its cause;
//! 3. `starting` is cleared, and the occurrence is recorded with the run.
//!
//! Whoever finds `starting` set looks for a run with that cause: if there is one, the third write
//! is made up for; if there is none, the time stands as if it had not been dealt with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::clock::{Millis, millis};
use windlass_engine::id::RunId;
use windlass_engine::journal::End;

use super::{Config, next};

/// A schedule as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What it was told.
    pub config: Config,
    /// Where it was told.
    pub origin: Origin,
    /// How it stands.
    pub standing: Standing,
}

/// Where a schedule was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ScheduleOrigin")]
pub enum Origin {
    /// In `windlass.toml`: to change it, change the file.
    File,
    /// By `windlass schedule add`.
    Command,
}

/// How a schedule stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Makes its jitter differ from that of the same schedule elsewhere.
    pub salt: u64,
    /// Since when it is watched that it succeeds.
    pub since: Millis,
    /// Times up to this one are dealt with, or wait.
    pub through: Millis,
    /// Times whose runs are still to start, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// The time whose run is being started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting: Option<Waiting>,
    /// Runs that are not known to be over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Begun>,
    /// The run that was asked to make room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_to_stop: Option<RunId>,
    /// The last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Begun>,
    /// When a run last ended done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Millis>,
    /// When it was last told that there is no success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarmed: Option<Millis>,
    /// Why it was paused by a person, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
}

/// A time whose run is still to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The time at which the schedule came.
    pub planned: Millis,
    /// True if it is one of those that are all to be caught up with: it waits for as long as it
    /// takes, whatever the overlap rule says.
    #[serde(default)]
    pub patient: bool,
}

/// A run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The time at which the schedule came.
    pub planned: Millis,
    /// When the run began.
    pub at: Millis,
    /// The run.
    pub run: RunId,
}

/// What became of one time at which a schedule came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The time.
    pub planned: Millis,
    /// When that was decided.
    pub at: Millis,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of a time at which a schedule came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// A run began.
    Started {
        /// The run.
        run: RunId,
        /// How it ended, once that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<End>,
    },
    /// Nobody was there to start a run, and it is not caught up with.
    Missed,
    /// It was left out.
    Skipped {
        /// Why.
        why: String,
    },
    /// A run could not be begun.
    Refused {
        /// Why.
        why: String,
    },
}

impl Kept {
    /// True if it does not come for now.
    pub fn is_paused(&self) -> bool {
        self.config.paused || self.standing.paused.is_some()
    }

    /// Returns the first time after `now` at which it comes; none while it is paused.
    pub fn next(&self, now: Millis) -> Option<Millis> {
        if self.is_paused() {
            return None;
        }
        next(&self.config.cron, &self.config.zone, now)
    }

    /// Returns the cause that the run of a time carries in its journal.
    pub fn cause(&self, planned: Millis) -> String {
        format!("{}{}", cause_prefix(self.config.name.as_str()), stamp(planned))
    }

    /// Returns when the run of a time starts: later than it by its share of the jitter, which is
    /// the same whenever it is asked for.
    pub fn due(&self, planned: Millis) -> Millis {
        let jitter = millis(self.config.jitter.0).unsigned_abs();
        if jitter == 0 {
            return planned;
        }
        // SplitMix64: any even spread does; nobody is to be kept from guessing it.
        let mut mixed =
            self.standing.salt ^ planned.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let later = (mixed ^ (mixed >> 31)) % jitter;
        planned.saturating_add_unsigned(later)
    }
}

/// Returns what the causes of all runs of a schedule begin with.
pub fn cause_prefix(name: &str) -> String {
    format!("schedule/{name}@")
}

/// Returns a moment as `2027-03-28T01:00:00Z`.
pub fn stamp(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}
