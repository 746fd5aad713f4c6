//! The words about schedules and notices.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do about schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleAction {
    /// Add a schedule.
    Add(Box<ScheduleArgs>),
    /// List the schedules with their next times and states.
    List,
    /// Show a schedule and its latest runs.
    Show {
        /// The schedule.
        name: String,
    },
    /// Show the next times of a schedule or of a cron expression.
    Next(NextArgs),
    /// Pause a schedule until it is resumed.
    Pause {
        /// The schedule.
        name: String,
        /// The reason, which is shown.
        #[arg(long, default_value = "paused by hand")]
        reason: String,
    },
    /// Resume a paused schedule, from its next time on.
    Resume {
        /// The schedule.
        name: String,
    },
    /// Remove a schedule. Its runs stay.
    Remove {
        /// The schedule.
        name: String,
    },
}

/// A schedule to add.
#[derive(Debug, clap::Args)]
pub struct ScheduleArgs {
    /// What it is called.
    pub name: String,
    /// A name from `windlass runbooks`, or a path. It is read whenever the schedule comes.
    pub runbook: String,
    /// When to start: minute, hour, day of the month, month, day of the week.
    #[arg(long, value_name = "'M H D M W'")]
    pub cron: String,
    /// The time zone of these times; this machine's if omitted.
    #[arg(long, value_name = "Europe/Berlin")]
    pub zone: Option<String>,
    /// A parameter; may be repeated.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Where a secret parameter comes from each time.
    #[arg(long = "secret", value_name = "NAME=@/FILE|generate[:LENGTH]")]
    pub secrets: Vec<String>,
    /// What to do with a newline at the end of a secret that is read: keep or strip.
    #[arg(long, default_value = "keep")]
    pub newline: String,
    /// What to do about times at which no daemon was running: skip them, or run one or all late.
    #[arg(long, default_value = "skip")]
    pub missed: String,
    /// How old a missed time may be and still be run late.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub missed_window: String,
    /// What happens if the last run has not finished: skip, queue or replace.
    #[arg(long, default_value = "skip")]
    pub overlap: String,
    /// Delay each start by a random time of up to this much.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub jitter: String,
    /// Send a notice if no run has succeeded for this long.
    #[arg(long, value_name = "DURATION")]
    pub alarm_after: Option<String>,
    /// Add it paused.
    #[arg(long)]
    pub paused: bool,
}

/// Whose next times to show.
#[derive(Debug, clap::Args)]
pub struct NextArgs {
    /// The schedule; all, if omitted.
    pub name: Option<String>,
    /// How many times.
    #[arg(short, value_name = "N", default_value_t = 5)]
    pub number: usize,
    /// A cron expression instead of a schedule.
    #[arg(long, value_name = "'M H D M W'", requires = "zone", conflicts_with = "name")]
    pub cron: Option<String>,
    /// Its time zone.
    #[arg(long, value_name = "Europe/Berlin", requires = "cron")]
    pub zone: Option<String>,
    /// From the beginning of this day on, instead of from now.
    #[arg(long, value_name = "2027-03-28", requires = "cron")]
    pub from: Option<String>,
}

/// What to do about notices.
#[derive(Debug, Subcommand)]
pub enum NoticesAction {
    /// List the notices that are not delivered.
    List,
    /// Retry notices now, and for another day.
    Retry {
        /// The notice, as the list names it; all, if omitted.
        id: Option<String>,
    },
    /// Send a test notice now, and say what the receiver answered.
    Test {
        /// The receiver, as windlass.toml names it.
        name: String,
        /// The configuration.
        #[arg(long, value_name = "FILE", default_value = crate::config::PLACE)]
        config: PathBuf,
    },
}
