//! The words about schedules and notices.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do about schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleAction {
    /// Start a runbook at its times.
    Add(Box<ScheduleArgs>),
    /// List the schedules: when they come next, and how they stand.
    List,
    /// Show a schedule, and what became of its last times.
    Show {
        /// The schedule.
        name: String,
    },
    /// Say when a schedule comes next, or when a cron expression would.
    Next(NextArgs),
    /// Let a schedule not come until it is resumed.
    Pause {
        /// The schedule.
        name: String,
        /// Why; it is shown.
        #[arg(long, default_value = "paused by hand")]
        reason: String,
    },
    /// Let a paused schedule come again, from its next time on.
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
    /// When it comes: minute, hour, day of the month, month, day of the week.
    #[arg(long, value_name = "'M H D M W'")]
    pub cron: String,
    /// The time zone in which that is meant; this machine's if it is left out.
    #[arg(long, value_name = "Europe/Berlin")]
    pub zone: Option<String>,
    /// A parameter; give it once for each.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Where a secret parameter comes from each time.
    #[arg(long = "secret", value_name = "NAME=@/FILE|generate[:LENGTH]")]
    pub secrets: Vec<String>,
    /// What to do with a newline at the end of a secret that is read: keep or strip.
    #[arg(long, default_value = "keep")]
    pub newline: String,
    /// What becomes of times that nobody was there for: skip, one or all are caught up with.
    #[arg(long, default_value = "skip")]
    pub missed: String,
    /// How old such a time may be to be caught up with.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub missed_window: String,
    /// What happens if the last run is not over: skip, queue or replace.
    #[arg(long, default_value = "skip")]
    pub overlap: String,
    /// Start up to this much later, each time by another amount.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub jitter: String,
    /// Tell somebody if there was no success for this long.
    #[arg(long, value_name = "DURATION")]
    pub alarm_after: Option<String>,
    /// Add it paused.
    #[arg(long)]
    pub paused: bool,
}

/// Of what to say when it comes.
#[derive(Debug, clap::Args)]
pub struct NextArgs {
    /// The schedule; all, if it is left out.
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
    /// Try notices again, now and for another day.
    Retry {
        /// The notice, as the list names it; all, if it is left out.
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
