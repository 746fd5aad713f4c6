//! Schedules: looked at, paused; added and removed at the machine.
//!
//! None is added or removed over the network: a schedule names files of the machine, and whoever
//! comes from elsewhere must not. For the same reason it is not told there where its secrets come
//! from.

mod add;
mod list;
mod pause;
mod remove;
mod resume;
mod show;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use windlass_duty::schedule::{
    Begun, Book, BookError, Fate, Kept, Missed, Occurrence, Origin, Overlap, upcoming,
};
use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::Status;
use windlass_engine::id::RunId;

pub use add::{Add, NewSchedule};
pub use list::List;
pub use pause::Pause;
pub use remove::Remove;
pub use resume::Resume;
pub use show::{HowMuch, Show};

use crate::desk::{Desk, blocking};
use crate::operation::Answer;
use crate::problem::{Kind, Problem};

/// Times that are told of a schedule.
const TIMES: usize = 10;

/// The most times that have come that are told of it; no more are remembered.
const CAME_MAX: u16 = 200;

const CHANGED: &[(u16, &str)] = &[(200, "It is recorded. The schedule as it stands.")];
const NO_SCHEDULE: &[Kind] = &[Kind::NO_SCHEDULE];

/// A schedule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Its name.
    name: String,
    /// The runbook: a name of the library, or a path on the machine of the daemon.
    runbook: String,
    /// Public parameters.
    params: BTreeMap<String, String>,
    /// Secret parameters, by name. Where they come from is told on that machine only.
    secrets: Vec<String>,
    /// When to start: minute, hour, day of the month, month, day of the week.
    cron: String,
    /// The time zone in which that is meant.
    zone: String,
    /// What becomes of times that nobody was there for.
    missed: Missed,
    /// How old such a time may be to be caught up with, such as `1day 12h`.
    missed_window: String,
    /// What happens if the last run has not finished.
    overlap: Overlap,
    /// Runs start up to this much later, such as `5m`.
    jitter: String,
    /// Somebody is told if there was no success for this long.
    alarm_after: Option<String>,
    /// Where it was told.
    origin: Origin,
    /// True if it does not come.
    paused: bool,
    /// Why, if a person paused it.
    paused_because: Option<String>,
    /// When it comes next; never, while it is paused.
    next: Option<Millis>,
    /// Times that have come, and whose runs are still to start.
    waiting: Vec<Millis>,
    /// Its last run.
    last: Option<Last>,
    /// When a run last ended done.
    success: Option<Millis>,
    /// All that is kept of it. It is told at the machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub kept: Option<Box<Kept>>,
}

/// The last run of a schedule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Last {
    /// The time at which the schedule came.
    planned: Millis,
    /// When the run began.
    at: Millis,
    /// The run.
    run: RunId,
}

/// What became of a time at which a schedule came.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Became {
    /// A run began.
    Started,
    /// Nobody was there to start a run, and it is not caught up with.
    Missed,
    /// It was left out.
    Skipped,
    /// A run could not be begun.
    Refused,
}

/// A time at which a schedule came.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Came {
    /// The time.
    planned: Millis,
    /// When it was decided what becomes of it.
    at: Millis,
    /// What became of it.
    fate: Became,
    /// The run that began.
    run: Option<RunId>,
    /// How that ended, once it is known.
    end: Option<Status>,
    /// Why none began.
    why: Option<String>,
}

/// The schedules there are, by name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleList {
    /// The schedules.
    pub schedules: Vec<Schedule>,
}

/// A schedule, what comes and what came.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleInFull {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// Its next ten times. While it is paused, nothing starts at them.
    times: Vec<Millis>,
    /// What became of its last times, newest first. The last 200 are remembered.
    occurrences: Vec<Came>,
    /// The same as it is kept, oldest first. It is told at the machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Map<String, Value>>")]
    pub came: Option<Vec<Occurrence>>,
}

impl Schedule {
    fn of(kept: Kept, now: Millis, at_machine: bool) -> Self {
        let all = at_machine.then(|| Box::new(kept.clone()));
        let (paused, next) = (kept.is_paused(), kept.next(now));
        let (config, standing) = (kept.config, kept.standing);
        Schedule {
            name: config.name.to_string(),
            runbook: config.runbook.as_str().to_owned(),
            params: config.given().into_iter().collect(),
            secrets: config.secrets.into_keys().collect(),
            cron: config.cron.to_string(),
            zone: config.zone.to_string(),
            missed: config.missed,
            missed_window: config.missed_window.to_string(),
            overlap: config.overlap,
            jitter: config.jitter.to_string(),
            alarm_after: config.alarm_after.map(|after| after.to_string()),
            origin: kept.origin,
            paused,
            paused_because: standing.paused,
            next,
            waiting: standing.waiting.iter().map(|waiting| waiting.planned).collect(),
            last: standing.last.map(|Begun { planned, at, run }| Last { planned, at, run }),
            success: standing.success,
            kept: all,
        }
    }
}

impl From<Occurrence> for Came {
    fn from(Occurrence { planned, at, fate }: Occurrence) -> Self {
        let (fate, run, end, why) = match fate {
            Fate::Started { run, end } => {
                let end = end.map(Status::from);
                (Became::Started, Some(run), end, None)
            }
            Fate::Missed => (Became::Missed, None, None, None),
            Fate::Skipped { why } => (Became::Skipped, None, None, Some(why)),
            Fate::Refused { why } => (Became::Refused, None, None, Some(why)),
        };
        Came { planned, at, fate, run, end, why }
    }
}

/// Pauses a schedule, or lets it come again if there is no reason to pause it.
async fn paused(
    desk: Desk,
    name: String,
    because: Option<String>,
    at_machine: bool,
) -> Result<Answer<ScheduleInFull>, Problem> {
    let (engine, limit) = (desk.engine, super::limit(None, CAME_MAX)?);
    let pausing = blocking(move || {
        let now = engine.clock().now();
        let kept = Book::of(&engine).pause(&name, because.as_deref(), now)?;
        in_full(&engine, kept, limit, at_machine)
    });
    Ok(pausing.await??.into())
}

fn in_full(
    engine: &Engine,
    kept: Kept,
    limit: usize,
    at_machine: bool,
) -> Result<ScheduleInFull, BookError> {
    let (now, config) = (engine.clock().now(), &kept.config);
    let came = Book::of(engine).occurrences(config.name.as_str())?;
    let times = upcoming(&config.cron, &config.zone, now).take(TIMES).collect();
    let occurrences = came.iter().rev().take(limit).cloned().map(Came::from).collect();
    let came = at_machine.then_some(came);
    let schedule = Schedule::of(kept, now, at_machine);
    Ok(ScheduleInFull { times, occurrences, schedule, came })
}
