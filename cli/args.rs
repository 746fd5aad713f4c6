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
4 put away or waiting, 5 cancelled by somebody else and undone, 6 not started, 7 a check found something, \
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

    /// The Docker daemon to talk to; the one that the docker command uses if it is left out.
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
    /// Say what a runbook does and what it must be told.
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
    /// Say what a run would do: reads the swarm, changes nothing.
    Plan(RunArgs),
    /// Run a runbook.
    Run(BeginArgs),
    /// Try a runbook on a copy of the swarm, with everything that can go wrong.
    Rehearse(RehearseArgs),
    /// Write the shape of the swarm to a file, to rehearse on: no values, nothing to hide.
    Snapshot(SnapshotArgs),
    /// Stay: take every open run up, wait for what they wait for, answer the other commands.
    Serve(ServeArgs),
    /// Ask the process that owns the state to put every run away and end.
    Drain,
    /// List runs, the latest last.
    Runs(RunsArgs),
    /// Show a run: its calls, and what is safe to do now.
    Show {
        /// The run, by its name or the beginning or end of it; the latest if it is left out.
        run: Option<String>,
    },
    /// Print the journal of a run.
    Log {
        /// The run; the latest if it is left out.
        run: Option<String>,
        /// Go on printing while the run goes on.
        #[arg(short, long)]
        follow: bool,
    },
    /// Go on with a run that was interrupted.
    Resume {
        /// The run; the only interrupted one if it is left out.
        run: Option<String>,
        /// Only say what would be done about each open call.
        #[arg(long)]
        plan: bool,
        /// Go on at the swarm that answers now, although the run began on another one: why.
        #[arg(long, value_name = "WHY", conflicts_with = "plan")]
        another_swarm: Option<String>,
    },
    /// Take back what an interrupted or stuck run did.
    Undo {
        /// The run; the only interrupted or stuck one if it is left out.
        run: Option<String>,
        /// Why; it is recorded.
        #[arg(long, default_value = "undone by hand")]
        reason: String,
        /// Take it back at the swarm that answers now, although it began on another one: why.
        #[arg(long, value_name = "WHY")]
        another_swarm: Option<String>,
    },
    /// Stop a run that is going on, and take back what it did.
    Cancel {
        /// The run; the only one that goes on if it is left out.
        run: Option<String>,
        /// Why; it is recorded.
        #[arg(long, default_value = "cancelled by hand")]
        reason: String,
    },
    /// Try a call of a stuck run again.
    Retry(DecideArgs),
    /// Leave a call of a stuck run out.
    Skip(DecideArgs),
    /// Take a call of a stuck run as done, because you did it by hand.
    MarkDone {
        #[command(flatten)]
        decide: DecideArgs,
        /// What the call would have returned, as JSON.
        #[arg(long, value_name = "JSON")]
        output: Option<String>,
    },
    /// Approve what a run asks; the last approval looks whether it still is what was asked.
    Approve {
        #[command(flatten)]
        asked: AskedArgs,
        /// Why; it is recorded.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Deny what a run asks: unless the runbook catches that, everything is taken back.
    Deny {
        #[command(flatten)]
        asked: AskedArgs,
        /// Why; it is recorded.
        #[arg(long)]
        reason: String,
    },
    /// Answer what a run asks.
    Answer(AnswerArgs),
    /// Start runbooks at their times.
    Schedule {
        #[command(subcommand)]
        action: ScheduleAction,
    },
    /// Notices to people who don't look: what is not delivered, and whether receivers answer.
    Notices {
        #[command(subcommand)]
        action: NoticesAction,
    },
    /// Tokens: who may do what over HTTP.
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
        /// The code; all are listed if it is left out.
        code: Option<String>,
    },
    /// Tell what a run did: what was there, what was done, what is there now.
    Report(ReportArgs),
    /// Signed journals, for those who must believe them.
    Evidence {
        #[command(subcommand)]
        action: EvidenceAction,
    },
    /// Forget runs that ended long ago.
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
    /// Show it all: a lab, a rotation, a kill -9, a resume.
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
    /// Only those that are not over.
    #[arg(long)]
    pub open: bool,
    /// Only those that stand so, such as stuck or interrupted; give it once for each.
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<Status>,
    /// Only those of runbooks with this in their name.
    #[arg(long, value_name = "NAME")]
    pub runbook: Option<String>,
    /// Only those that began at most so long ago, such as 2h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = keeping::span)]
    pub since: Option<Span>,
    /// Only the latest so many.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// A runbook and what it is told.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// A name from `windlass runbooks`, or a path.
    pub runbook: String,
    /// A parameter; give it once for each.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// A secret parameter: from standard input, a file, a file descriptor, or made up.
    #[arg(long = "secret", value_name = "NAME=-|@FILE|fd:N|generate[:LENGTH][@FILE]")]
    pub secrets: Vec<String>,
    /// What to do with a newline at the end of a secret that is read; it is kept if this is left
    /// out, and said.
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
    /// Start without a question. Without a terminal none is asked.
    #[arg(short, long)]
    pub yes: bool,
    /// Only say what would be done: the same as `windlass plan`.
    #[arg(long, conflicts_with_all = ["detach", "yes"])]
    pub dry_run: bool,
    /// Begin although the run would end the daemon that drives it.
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
    /// A parameter; give it once for each.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// The live swarm to copy; the one that the docker command uses if it is left out.
    #[arg(long, value_name = "DOCKER_HOST")]
    pub from: Option<String>,
    /// A copy made by `windlass snapshot`, instead of a live swarm.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub snapshot: Option<PathBuf>,
    /// Make only this pass, such as 3.1.1/lost-answer, and tell all of it.
    #[arg(long, value_name = "PASS")]
    pub only: Option<String>,
    /// Write everything to this file too, as one page for a browser.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How many passes are made side by side; all cores if it is left out.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
    /// Where everything random comes from: the same seed gives the same passes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Which swarm to copy, and where to.
#[derive(Debug, Clone, clap::Args)]
pub struct SnapshotArgs {
    /// The swarm; the one that the docker command uses if it is left out.
    #[arg(long, value_name = "DOCKER_HOST")]
    pub from: Option<String>,
    /// The file; one that is there is replaced. Standard output if it is left out.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What to do with a newline at the end of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Newline {
    /// Store the bytes as they are.
    Keep,
    /// Take one newline off.
    Strip,
}

/// A call of a stuck run, and why it is decided about.
#[derive(Debug, Clone, clap::Args)]
pub struct DecideArgs {
    /// The run.
    pub run: String,
    /// The call, such as 3 or 4.2.1.
    pub call: String,
    /// Why; it is recorded.
    #[arg(long)]
    pub reason: String,
}

/// A call of a run that waits for people.
#[derive(Debug, Clone, clap::Args)]
pub struct AskedArgs {
    /// The run, by its name or the beginning or end of it; the only one that asks if it is left out.
    pub run: Option<String>,
    /// The call, such as 3 or 4.2.1; the only one that asks if it is left out.
    pub call: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, clap::Args)]
pub struct AnswerArgs {
    #[command(flatten)]
    pub asked: AskedArgs,
    /// A field; give it once for each.
    #[arg(short, long = "param", value_name = "FIELD=VALUE")]
    pub params: Vec<String>,
    /// A secret field: from standard input, a file, a file descriptor, or made up.
    #[arg(long = "secret", value_name = "FIELD=-|@FILE|fd:N|generate[:LENGTH][@FILE]")]
    pub secrets: Vec<String>,
    /// What to do with a newline at the end of a secret that is read; it is kept if this is left
    /// out, and said.
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
        /// No daemons: answer from a model of a swarm, until Ctrl-C. Needs neither root nor Docker.
        #[arg(long, conflicts_with_all = ["name", "install", "engine"])]
        simulated: bool,
        /// How many made-up services the model has.
        #[arg(long, default_value_t = 20, requires = "simulated")]
        services: usize,
        /// Where the model answers; else in a directory of its own.
        #[arg(long, requires = "simulated")]
        socket: Option<PathBuf>,
        /// How fast the model's clock goes.
        #[arg(long, default_value_t = 1.0, requires = "simulated")]
        speed: f64,
    },
    /// Take a lab down and leave nothing behind.
    Down {
        /// Its name.
        #[arg(long, default_value = "lab")]
        name: String,
    },
    /// Say how the labs are.
    Status,
    /// Print the environment for the docker command line and windlass.
    Env {
        /// Its name.
        #[arg(long, default_value = "lab")]
        name: String,
    },
}
