//! The words about what has been done, and about keeping it.

use std::path::PathBuf;

use clap::Subcommand;
use windlass_engine::step::Span;

/// What to report, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    /// The run; the latest if omitted.
    pub run: Option<String>,
    /// For a ticket, for a browser, or for a program.
    #[arg(long, value_enum, default_value_t = ReportFormat::Md)]
    pub format: ReportFormat,
    /// The file to write, replacing an existing one; standard output if omitted.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// Markdown.
    Md,
    /// One page that needs nothing else.
    Html,
    /// JSON.
    Json,
}

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub enum EvidenceAction {
    /// Write the journals of runs to a file, signed.
    Export {
        /// The runs.
        #[arg(required = true)]
        runs: Vec<String>,
        /// The file to write, replacing an existing one; standard output if omitted.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Verify such a file; needs only the file and the public key.
    #[command(after_help = "Exit codes: 0 it is what was signed, 7 it is not.")]
    Verify {
        /// The file.
        file: PathBuf,
        /// A public key that you trust, as `windlass evidence key` prints it, or a file with it.
        #[arg(long = "key", value_name = "KEY|FILE", required = true)]
        keys: Vec<String>,
        /// A head that was published: the file must have the record with this hash.
        #[arg(long = "head", value_name = "HASH")]
        heads: Vec<String>,
    },
    /// Print the public key with which evidence of this state is verified.
    Key,
}

/// Which runs to forget.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Only runs that are over are forgotten. Of each stays how it ended and the hash \
of its journal's last record."
)]
pub struct PruneArgs {
    /// Delete runs that ended longer ago than this, such as 90d.
    #[arg(long, value_name = "SPAN", value_parser = span, required_unless_present = "list")]
    pub older_than: Option<Span>,
    /// Keep this many of the latest runs, however old they are.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep: usize,
    /// Only list the runs that would be deleted.
    #[arg(long)]
    pub dry_run: bool,
    /// List what was kept of the runs that were pruned.
    #[arg(long, conflicts_with_all = ["older_than", "keep", "dry_run"])]
    pub list: bool,
}

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub enum StoreAction {
    /// Check that every journal, runbook text and key is intact.
    Check,
    /// Write every journal that can be read to a file.
    Export {
        /// The file; it must not exist.
        file: PathBuf,
    },
    /// Read journals from a file into an empty store.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// Copy the whole store to a file, while runs go on.
    Backup {
        /// The file; it must not exist.
        file: PathBuf,
        /// Put the master key and the keys of runs in, too: whoever has the file can then open the
        /// values of runs that have not finished, and sign evidence.
        #[arg(long)]
        with_keys: bool,
    },
    /// Make a new state directory out of a backup.
    Restore {
        /// The file.
        file: PathBuf,
        /// Begin with a new master key: the values of runs that have not finished are lost.
        #[arg(long)]
        new_key: bool,
    },
}

pub fn span(text: &str) -> Result<Span, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}
