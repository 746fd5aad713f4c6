//! Writing evidence.

use std::io::{self, Write};

use sha2::{Digest, Sha256};
use windlass_journal::id::RunId;
use windlass_journal::{Archive, Body, Chain, Origin, text_hash};

use super::{FORMAT, Line, Made, message};
use crate::key::{SigningKey, hex};

/// Why evidence can't be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E: std::error::Error> {
    /// A journal can't be read.
    #[error(transparent)]
    Archive(E),
    /// The file can't be written.
    #[error("write evidence: {0}")]
    Io(#[from] io::Error),
}

/// Writes the evidence of some runs, signed, for whoever asks for it. Those that have not finished are in it as far as they got.
///
/// # Errors
/// If there is no such run, its journal is damaged, or `out` can't be written.
pub fn export<A: Archive>(
    archive: &A,
    runs: &[RunId],
    by: &Origin,
    out: impl Write,
) -> Result<(), WriteError<A::Error>> {
    let key = SigningKey::of(archive);
    let made = Made {
        format: FORMAT,
        at: archive.now(),
        by: by.clone(),
        version: archive.version().to_owned(),
        key: key.public().to_string(),
    };
    let mut writer = EvidenceWriter::begin(out, made)?;
    for run in runs {
        let records = archive.records(run).map_err(WriteError::Archive)?;
        let damaged = |e: String| WriteError::Archive(archive.damaged(format!("{run}: {e}")));
        // What is signed is vouched for: the first entry that is not what was written is named.
        let mut created = None;
        for entry in Chain::over(&records) {
            if let Body::Created(first) = entry.map_err(|e| damaged(e.to_string()))?.body {
                created.get_or_insert(first);
            }
        }
        let created =
            created.ok_or_else(|| damaged("it does not begin with `created`".to_owned()))?;
        let text = archive.text(&created.text).map_err(WriteError::Archive)?;
        let text = text.and_then(|text| String::from_utf8(text).ok());
        let text = text.ok_or_else(|| damaged("the text of its runbook is missing".to_owned()))?;
        if text_hash(text.as_bytes()) != created.text {
            let changed = "the text of its runbook is not the one in its journal: it was changed";
            return Err(damaged(changed.to_owned()));
        }
        writer.run(run, &created.runbook, &text, &records)?;
    }
    writer.end(&key)?;
    Ok(())
}

/// Writes an evidence file, line by line.
pub struct EvidenceWriter<W> {
    out: W,
    hash: Sha256,
    lines: u64,
}

impl<W: Write> EvidenceWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn begin(out: W, made: Made) -> io::Result<Self> {
        let mut writer = EvidenceWriter { out, hash: Sha256::new(), lines: 0 };
        writer.line(&Line::Evidence(made))?;
        Ok(writer)
    }

    /// Writes a run.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn run(
        &mut self,
        run: &RunId,
        runbook: &str,
        text: &str,
        records: &[Vec<u8>],
    ) -> io::Result<()> {
        let (runbook, text) = (runbook.to_owned(), text.to_owned());
        self.line(&Line::Run { run: run.clone(), runbook, text })?;
        for record in records {
            self.bytes(record)?;
        }
        let head = text_hash(records.last().map_or(&b""[..], Vec::as_slice));
        self.line(&Line::RunEnd { run: run.clone(), entries: records.len() as u64, head })
    }

    /// Writes the end, with the signature.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn end(mut self, key: &SigningKey) -> io::Result<()> {
        let hash = hex(&self.hash.clone().finalize());
        let signature = key.sign(&message(&hash));
        let lines = self.lines;
        self.line(&Line::End { lines, hash, signature })?;
        self.out.flush()
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        self.bytes(&serde_json::to_vec(line)?)
    }

    fn bytes(&mut self, line: &[u8]) -> io::Result<()> {
        for bytes in [line, b"\n"] {
            self.hash.update(bytes);
            self.out.write_all(bytes)?;
        }
        self.lines += 1;
        Ok(())
    }
}
