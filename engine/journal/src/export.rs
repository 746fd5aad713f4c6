//! A store as a file of lines: exports, imports, backups.
//!
//! | line | holds |
//! |---|---|
//! | `head` | the format, always first |
//! | `master_key`, `run_key` | keys, in a backup that was to have them |
//! | `record` | an entry of a journal, byte for byte; those of a run in order |
//! | `value` | what is kept beside the journals |
//! | `tombstone` | what stays of a run that was forgotten |
//! | `end` | how many lines came before, and the SHA-256 of all of them; always last |
//!
//! Format 1 had neither tombstones nor keys nor an end; it stays readable.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ChainHead, Hash};
use crate::id::RunId;
use crate::secret::{Secret, as_text};

const FORMAT: &str = "windlass store export 2";
const FORMAT_WITHOUT_END: &str = "windlass store export 1";

/// A line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// What the file is.
    Head {
        /// The format.
        format: String,
    },
    /// The master key.
    MasterKey {
        /// As 64 hexadecimal digits.
        #[serde(with = "as_text")]
        hex: Secret,
    },
    /// The wrapped key of a run.
    RunKey {
        /// The run.
        run: RunId,
        /// The bytes.
        #[serde(flatten)]
        bytes: Bytes,
    },
    /// A value.
    Value {
        /// Its name.
        name: String,
        /// The bytes.
        #[serde(flatten)]
        bytes: Bytes,
    },
    /// An entry of a journal.
    Record {
        /// The run.
        run: RunId,
        /// Its place.
        seq: u64,
        /// The record, byte for byte.
        text: String,
    },
    /// What stays of a run that was forgotten.
    Tombstone {
        /// The run.
        run: RunId,
        /// The bytes.
        #[serde(flatten)]
        bytes: Bytes,
    },
    /// The end.
    End {
        /// How many lines came before.
        lines: u64,
        /// SHA-256 of them.
        hash: Hash,
    },
}

/// Bytes in JSON: as text where they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Bytes {
    Text { text: String },
    Base64 { base64: String },
}

impl Bytes {
    /// Takes bytes.
    pub fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Bytes::Text { text },
            Err(other) => Bytes::Base64 { base64: STANDARD.encode(other.as_bytes()) },
        }
    }

    /// Gives the bytes back, if they are well-formed.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Bytes::Text { text } => Some(text.clone().into_bytes()),
            Bytes::Base64 { base64 } => STANDARD.decode(base64).ok(),
        }
    }
}

/// Why an export can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file can't be read.
    #[error("read line {line}: {source}")]
    Io {
        /// The line.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("use line {line}: {problem}")]
    Line {
        /// The line.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file has no end.
    #[error(
        "use what there is: it ends after line {lines} without its last line, so it was cut short"
    )]
    Cut {
        /// How many lines there are.
        lines: u64,
    },
}

/// Writes an export.
pub struct ExportWriter<W> {
    out: W,
    hash: Sha256,
    lines: u64,
}

impl<W: Write> ExportWriter<W> {
    /// Begins an export.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn begin(out: W) -> io::Result<Self> {
        let mut writer = ExportWriter { out, hash: Sha256::new(), lines: 0 };
        writer.write(&Line::Head { format: FORMAT.to_owned() })?;
        Ok(writer)
    }

    /// Writes a line.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.hash.update(&text);
        self.lines += 1;
        let written = self.out.write_all(&text);
        drop(Secret::new(text));
        written
    }

    /// Writes the end, and gives back where it was written.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn end(mut self) -> io::Result<W> {
        let hash = self.hash.clone().finalize().iter().map(|b| format!("{b:02x}")).collect();
        let lines = self.lines;
        self.write(&Line::End { lines, hash })?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Reads an export, and gives each line but the first and the last to `each`. Whether it is whole is
/// known when this returns, so nothing must have been kept by then that can't be thrown away.
///
/// # Errors
/// At the first line that can't be read or does not fit; and those of `each`.
pub fn read_export<E: From<ExportError>>(
    input: impl BufRead,
    mut each: impl FnMut(Line) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader::default();
    for bytes in input.split(b'\n') {
        let number = reader.lines + 1;
        let bytes = bytes.map_err(|source| ExportError::Io { line: number, source })?;
        if let Some(line) =
            reader.line(&bytes).map_err(|problem| ExportError::Line { line: number, problem })?
        {
            each(line)?;
        }
    }
    let lines = reader.lines;
    if lines == 0 || (reader.has_end && !reader.ended) {
        Err(ExportError::Cut { lines }.into())
    } else {
        Ok(())
    }
}

#[derive(Default)]
struct Reader {
    hash: Sha256,
    lines: u64,
    has_end: bool,
    ended: bool,
    /// The end of the chain of each run.
    chains: HashMap<RunId, ChainHead>,
}

/// A record is kept as it is, of whatever version: only what binds it is read.
#[derive(Deserialize)]
struct Linked {
    seq: u64,
    prev: Hash,
}

impl Reader {
    fn line(&mut self, bytes: &[u8]) -> Result<Option<Line>, String> {
        if self.ended {
            return Err("it comes after the end".to_owned());
        }
        let line = serde_json::from_slice(bytes).map_err(|e| e.to_string());
        let line = match (line, self.lines) {
            (Ok(Line::Head { format }), 0) if format == FORMAT || format == FORMAT_WITHOUT_END => {
                self.has_end = format == FORMAT;
                None
            }
            (Ok(Line::Head { format }), 0) => {
                return Err(format!("its format is `{format}`, which this version does not know"));
            }
            (_, 0) => return Err(format!("the file does not begin as `{FORMAT}`")),
            (Ok(Line::End { lines, hash }), _) => {
                self.ended = true;
                if lines != self.lines {
                    return Err(format!(
                        "it says that {lines} lines come before, and there are {}",
                        self.lines
                    ));
                }
                let found: Hash =
                    self.hash.clone().finalize().iter().map(|b| format!("{b:02x}")).collect();
                if hash != found {
                    return Err(
                        "the lines before it are not those that were written: one was changed"
                            .to_owned(),
                    );
                }
                None
            }
            (Ok(Line::Head { .. }), _) => return Err("a second head".to_owned()),
            (Ok(Line::Record { run, seq, text }), _) => {
                self.follow(&run, seq, &text)?;
                Some(Line::Record { run, seq, text })
            }
            (Ok(line), _) => Some(line),
            (Err(problem), _) => return Err(problem),
        };
        self.lines += 1;
        self.hash.update(bytes);
        self.hash.update(b"\n");
        Ok(line)
    }

    fn follow(&mut self, run: &RunId, seq: u64, text: &str) -> Result<(), String> {
        let linked: Linked = serde_json::from_str(text).map_err(|e| format!("{run}: {e}"))?;
        let chain = self.chains.entry(run.clone()).or_default();
        if seq != linked.seq || chain.follow(seq, &linked.prev, text.as_bytes()).is_err() {
            return Err(format!(
                "entry {seq} of {run} does not follow the one before it: one was changed or removed"
            ));
        }
        Ok(())
    }
}
