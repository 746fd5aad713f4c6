//! The words that the command understands.

mod duty;
mod keeping;
mod token;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use windlass_engine::event::Status;
use windlass_engine::step::Span;

use crate::serve::ServeArgs;
pub use duty::{NextArgs, NoticesAction, ScheduleAction, ScheduleArgs};
pub use keeping::{EvidenceAction, PruneArgs, ReportArgs, ReportFormat, StoreAction};
pub use token::{TokenAction, TokenArgs};

/// Runbooks for Docker Swarm that survive kill -9.
///
/// A run ends all-new or all-old, or it stops and says exactly what a person must decide.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed and undone, 2 usage, 3 stuck: needs a person, \
4 parked or waiting, 5 cancelled by somebody else and undone, 6 not started, 7 a check found something, \
8 store or swarm out of reach, 70 bug."
)]
pub struct Args {
    // Not by clap's `env`: what is in the environment would stand in every usage line.
    /// Where journals are kept [env: WINDLASS_STATE].
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Print results as JSON.
    #[arg(long, global = true)]
    pub json: bool,

    /// The Docker daemon to talk to; the one that the docker command uses if omitted.
    #[arg(short = 'H', long, global = true, value_name = "HOST", conflicts_with = "context")]
    pub host: Option<String>,

    /// The context of the docker command to use; it wins over DOCKER_HOST, as it does there.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the runbooks that come with windlass.
    Runbooks,
    /// Describe a runbook and its parameters.
    Describe {
        /// A name from `windlass runbooks`, or a path.
        runbook: String,
    },
    /// Check runbook files without running them.
    Check {
        /// The files.
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// Show what a run would do, without changing anything.
    Plan(RunArgs),
    /// Run a runbook.
    Run(BeginArgs),
    /// Rehearse a runbook on a simulated copy of the swarm, with faults at every call.
    Rehearse(RehearseArgs),
    /// Write the shape of the swarm to a file to rehearse on; it holds no secret values.
    Snapshot(SnapshotArgs),
    /// Run the daemon: resume open runs, start scheduled ones, answer the other commands.
    Serve(ServeArgs),
    /// Ask the process that owns the state to park its runs and exit.
    Drain,
    /// List runs, the latest last.
    Runs(RunsArgs),
    /// Show a run: its calls, and what is safe to do now.
    Show {
        /// The run, by its name or the beginning or end of it; the latest if omitted.
        run: Option<String>,
    },
    /// Print the journal of a run.
    Log {
        /// The run; the latest if omitted.
        run: Option<String>,
        /// Follow the journal until the run ends.
        #[arg(short, long)]
        follow: bool,
    },
    /// Resume an interrupted run.
    Resume {
        /// The run; the only interrupted one if omitted.
        run: Option<String>,
        /// Only show what would be done about each open call.
        #[arg(long)]
        plan: bool,
        /// Continue on the swarm that answers now, although the run began on another one; give the reason.
        #[arg(long, value_name = "WHY", conflicts_with = "plan")]
        another_swarm: Option<String>,
    },
    /// Undo what an interrupted or stuck run did.
    Undo {
        /// The run; the only interrupted or stuck one if omitted.
        run: Option<String>,
        /// The reason, which is recorded.
        #[arg(long, default_value = "undone by hand")]
        reason: String,
        /// Undo it on the swarm that answers now, although it began on another one; give the reason.
        #[arg(long, value_name = "WHY")]
        another_swarm: Option<String>,
    },
    /// Stop a run that is under way, and undo what it did.
    Cancel {
        /// The run; the only one under way if omitted.
        run: Option<String>,
        /// The reason, which is recorded.
        #[arg(long, default_value = "cancelled by hand")]
        reason: String,
    },
    /// Try a call of a stuck run again.
    Retry(DecideArgs),
    /// Skip a call of a stuck run.
    Skip(DecideArgs),
    /// Mark a call of a stuck run as done, because you did it by hand.
    MarkDone {
        #[command(flatten)]
        decide: DecideArgs,
        /// What the call would have returned, as JSON.
        #[arg(long, value_name = "JSON")]
        output: Option<String>,
    },
    /// Approve a request of a run; the last approval checks that nothing has changed since.
    Approve {
        #[command(flatten)]
        asked: AskedArgs,
        /// The reason, which is recorded.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Deny a request of a run; unless the runbook handles that, everything is undone.
    Deny {
        #[command(flatten)]
        asked: AskedArgs,
        /// The reason, which is recorded.
        #[arg(long)]
        reason: String,
    },
    /// Answer a question of a run.
    Answer(AnswerArgs),
    /// Manage schedules, which start runbooks at set times.
    Schedule {
        #[command(subcommand)]
        action: ScheduleAction,
    },
    /// Manage notices: list undelivered ones, retry them, test receivers.
    Notices {
        #[command(subcommand)]
        action: NoticesAction,
    },
    /// Manage access tokens for the HTTP interface.
    Token {
        #[command(subcommand)]
        action: TokenAction,
    },
    /// List the steps that runbooks can call, or describe one.
    Steps {
        /// A step, such as secret.create.
        name: Option<String>,
    },
    /// Explain an error code, such as WL0004.
    Explain {
        /// The code; all are listed if omitted.
        code: Option<String>,
    },
    /// Write a report of a run: what was there before, what was done, what is there now.
    Report(ReportArgs),
    /// Export and verify signed journals.
    Evidence {
        #[command(subcommand)]
        action: EvidenceAction,
    },
    /// Delete runs that ended long ago, and keep a short record of each.
    Prune(PruneArgs),
    /// Check, back up, restore, export or import the store.
    Store {
        #[command(subcommand)]
        action: StoreAction,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages, one for each command, to a directory.
    Man {
        /// The directory; it is made if it is not there.
        #[arg(value_hint = clap::ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// A throwaway swarm on this machine, real or simulated, to practise on.
    Lab {
        #[command(subcommand)]
        action: LabAction,
    },
    /// Run a demonstration: a lab, a rotation, a kill -9, a resume.
    Demo {
        /// Install the Debian packages that are missing (as root).
        #[arg(long)]
        install: bool,
        /// Leave the lab up afterwards.
        #[arg(long)]
        keep: bool,
    },
}

/// Which runs to list.
#[derive(Debug, Clone, clap::Args)]
pub struct RunsArgs {
    /// Only runs that have not finished.
    #[arg(long)]
    pub open: bool,
    /// Only runs with this status, such as stuck or interrupted; may be repeated.
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<Status>,
    /// Only runs whose runbook has this in its name.
    #[arg(long, value_name = "NAME")]
    pub runbook: Option<String>,
    /// Only runs that began within this time, such as 2h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = keeping::span)]
    pub since: Option<Span>,
    /// Only this many of the latest runs.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// A runbook and what it is told.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// A name from `windlass runbooks`, or a path.
    pub runbook: String,
    /// A parameter; may be repeated.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Where a secret parameter comes from: standard input, a file, a file descriptor, or generated.
    #[arg(long = "secret", value_name = "NAME=-|@FILE|fd:N|generate[:LENGTH][@FILE]")]
    pub secrets: Vec<String>,
    /// What to do with a newline at the end of a secret that is read; if omitted, it is kept with a
    /// warning.
    #[arg(long, value_enum)]
    pub newline: Option<Newline>,
}

/// What to begin, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct BeginArgs {
    /// What.
    #[command(flatten)]
    pub run: RunArgs,
    /// Hand the run to the daemon, print its name, and don't wait for its end.
    #[arg(short, long)]
    pub detach: bool,
    /// Start without asking. Without a terminal, nothing is asked.
    #[arg(short, long)]
    pub yes: bool,
    /// Only show what would be done, as `windlass plan` does.
    #[arg(long, conflicts_with_all = ["detach", "yes"])]
    pub dry_run: bool,
    /// Start even if the run would stop the daemon that drives it.
    #[arg(long)]
    pub allow_self: bool,
}

/// What to rehearse, and on which swarm.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Values of secret parameters are made up. Nothing is changed: the live swarm \
is only read. Exit codes: 0 every invariant held, 7 one did not."
)]
pub struct RehearseArgs {
    /// A name from `windlass runbooks`, or a path.
    pub runbook: String,
    /// A parameter; may be repeated.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// The live swarm to copy; the one that the docker command uses if omitted.
    #[arg(long, value_name = "DOCKER_HOST")]
    pub from: Option<String>,
    /// A copy made by `windlass snapshot`, instead of a live swarm.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub snapshot: Option<PathBuf>,
    /// Make only this pass, such as 3.1.1/lost-answer, and show all of it.
    #[arg(long, value_name = "PASS")]
    pub only: Option<String>,
    /// Write everything to this file too, as one page for a browser.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How many passes run in parallel; one for each core if omitted.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
    /// The seed of all random choices: the same seed gives the same passes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Which swarm to copy, and where to.
#[derive(Debug, Clone, clap::Args)]
pub struct SnapshotArgs {
    /// The swarm; the one that the docker command uses if omitted.
    #[arg(long, value_name = "DOCKER_HOST")]
    pub from: Option<String>,
    /// The file to write, replacing an existing one; standard output if omitted.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What to do with a newline at the end of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Newline {
    /// Store the bytes as they are.
    Keep,
    /// Remove one newline.
    Strip,
}

/// A call of a stuck run, and why it is decided about.
#[derive(Debug, Clone, clap::Args)]
pub struct DecideArgs {
    /// The run.
    pub run: String,
    /// The call, such as 3 or 4.2.1.
    pub call: String,
    /// The reason, which is recorded.
    #[arg(long)]
    pub reason: String,
}

/// A call of a run that waits for people.
#[derive(Debug, Clone, clap::Args)]
pub struct AskedArgs {
    /// The run, by its name or the beginning or end of it; the only one that asks if omitted.
    pub run: Option<String>,
    /// The call, such as 3 or 4.2.1; the only one that asks if omitted.
    pub call: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, clap::Args)]
pub struct AnswerArgs {
    #[command(flatten)]
    pub asked: AskedArgs,
    /// A field; may be repeated.
    #[arg(short, long = "param", value_name = "FIELD=VALUE")]
    pub params: Vec<String>,
    /// Where a secret field comes from: standard input, a file, a file descriptor, or generated.
    #[arg(long = "secret", value_name = "FIELD=-|@FILE|fd:N|generate[:LENGTH][@FILE]")]
    pub secrets: Vec<String>,
    /// What to do with a newline at the end of a secret that is read; if omitted, it is kept with a
    /// warning.
    #[arg(long, value_enum)]
    pub newline: Option<Newline>,
}

/// What to do with the lab.
#[derive(Debug, Subcommand)]
pub enum LabAction {
    /// Bring a lab up.
    Up {
        /// How many nodes.
        #[arg(long, default_value_t = 3)]
        nodes: usize,
        /// How many of them are managers.
        #[arg(long, default_value_t = 1)]
        managers: usize,
        /// Its name; several labs can be up side by side.
        #[arg(long, default_value = "lab")]
        name: String,
        /// Install the Debian packages that are missing (as root).
        #[arg(long)]
        install: bool,
        /// Run the `dockerd` and `containerd` in this directory, not the machine's own.
        #[arg(long, value_name = "DIR")]
        engine: Option<PathBuf>,
        /// Simulate the swarm in this process until Ctrl-C; needs neither root nor Docker.
        #[arg(long, conflicts_with_all = ["name", "install", "engine"])]
        simulated: bool,
        /// How many services the simulated swarm has.
        #[arg(long, default_value_t = 20, requires = "simulated")]
        services: usize,
        /// The socket of the simulated swarm; in a temporary directory if omitted.
        #[arg(long, requires = "simulated")]
        socket: Option<PathBuf>,
        /// How fast the simulated clock runs.
        #[arg(long, default_value_t = 1.0, requires = "simulated")]
        speed: f64,
    },
    /// Take a lab down and leave nothing behind.
    Down {
        /// Its name.
        #[arg(long, default_value = "lab")]
        name: String,
    },
    /// Show the state of the labs.
    Status,
    /// Print the environment for the docker command line and windlass.
    Env {
        /// Its name.
        #[arg(long, default_value = "lab")]
        name: String,
    },
}
