//! Evidence files: journals as they were written, signed.
//!
//! # Format, version 1
//! Lines, each ended by a newline. A record stands as it is in the journal, byte for byte, so that
//! its hash can be had with other tools too: `sed -n 4p FILE | tr -d '\n' | sha256sum`.
//!
//! | line | says |
//! |---|---|
//! | `{"kind":"evidence",..}` | format, when and by whom it was made, the public key; always first |
//! | `{"kind":"run",..}` | a run begins: its name, its runbook's name and text |
//! | `{"v":1,"seq":0,..}` | a record of that run; see the engine's `journal` |
//! | `{"kind":"run_end",..}` | how many records the run had, and the hash of the last |
//! | `{"kind":"end",..}` | how many lines came before, the SHA-256 of all their bytes, and the signature; always last |
//!
//! What is signed is `windlass evidence 1`, a newline, and that SHA-256 in hexadecimal digits.
//!
//! Every byte counts: lines of ours must be spelled exactly as they are written here, and nothing
//! may follow the last one.

mod verify;
mod write;

use serde::{Deserialize, Serialize};
use windlass_journal::clock::Millis;
use windlass_journal::id::RunId;
use windlass_journal::{Hash, Origin};

pub use verify::{FoundHead, Refusal, Verified, VerifiedRun, VerifyError, Why, verify};
pub use write::{EvidenceWriter, WriteError, export};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// A line that is not a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Evidence(Made),
    Run { run: RunId, runbook: String, text: String },
    RunEnd { run: RunId, entries: u64, head: Hash },
    End { lines: u64, hash: Hash, signature: String },
}

/// When, by whom and with what an evidence file was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The format.
    pub format: u32,
    /// When, in milliseconds since 1970, UTC.
    pub at: Millis,
    /// By whom, and where.
    pub by: Origin,
    /// Version of windlass.
    pub version: String,
    /// The public key.
    pub key: String,
}

/// Returns what is signed.
fn message(hash: &str) -> Vec<u8> {
    format!("windlass evidence {FORMAT}\n{hash}").into_bytes()
}
