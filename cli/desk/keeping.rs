//! What is asked about what has been done, and about keeping it: reports, evidence, prune, backup.
//!
//! All of it reads journals, which blocks: it is done on a thread where that is fine.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;
use windlass_desk::Audit;
use windlass_duty::publish;
use windlass_engine::clock::{Millis, millis};
use windlass_engine::engine::{Engine, EngineError, Gone, Retention, Tombstone};
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Line, Origin};
use windlass_engine::step::Span;
use windlass_evidence::report::{self, NoJournal, Report, ReportError};
use windlass_evidence::{SigningKey, file};

use super::protocol::Reply;
use super::which::latest;
use crate::exit::Exit;
use crate::problem::Problem;

/// Bytes of evidence that go in one part of an answer.
const CHUNK_BYTES: usize = 64 * 1024;

/// What a command asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "keeping", rename_all = "snake_case")]
pub enum Keeping {
    /// Report a run; the latest, if none is named.
    Report { run: Option<String> },
    /// Write the evidence of runs.
    Evidence { runs: Vec<String> },
    /// Tell the public key.
    Key,
    /// Forget runs, or say which would go.
    Prune { older_than: Span, keep: usize, dry_run: bool },
    /// Tell what stays of runs that were forgotten.
    Tombstones,
    /// Copy the store.
    Backup { with_keys: bool },
}

/// What is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kept", rename_all = "snake_case")]
pub enum Kept {
    /// A report.
    Report { report: Box<Report> },
    /// The next piece of an evidence file.
    Evidence { text: String },
    /// The public key, and its short name.
    Key { key: String, id: String },
    /// A run that would go.
    WouldGo { run: Box<Summary> },
    /// A run that is forgotten.
    Tombstone { tombstone: Box<Tombstone> },
    /// Entries of the audit that are gone, or would go.
    Audit { entries: usize },
    /// A run that stays although it is old: its last head has not been published.
    HeldBack { run: RunId },
    /// A line of a backup.
    Line { line: Line },
}

/// Carries out what is asked.
///
/// # Errors
/// If it can't be.
pub async fn keep(
    engine: &Engine,
    asked: Keeping,
    by: &Origin,
    replies: &Sender<Reply>,
) -> Result<(), Problem> {
    let (engine, by, replies) = (engine.clone(), by.clone(), replies.clone());
    let answered = tokio::task::spawn_blocking(move || {
        let tell = |kept| replies.blocking_send(Reply::Kept(kept)).map_err(|_| Gone);
        answer(&engine, asked, &by, tell)
    });
    answered.await.map_err(|error| Problem::bug(error.to_string()))?
}

fn answer(
    engine: &Engine,
    asked: Keeping,
    by: &Origin,
    mut tell: impl FnMut(Kept) -> Result<(), Gone>,
) -> Result<(), Problem> {
    match asked {
        Keeping::Report { run } => {
            let report =
                report::of_run(engine, &latest(engine, run.as_deref())?).map_err(unreadable)?;
            told(tell(Kept::Report { report: Box::new(report) }))
        }
        Keeping::Evidence { runs } => {
            let runs: Result<Vec<RunId>, _> = runs.iter().map(|run| engine.find(run)).collect();
            let mut pieces = Pieces { text: Vec::new(), tell };
            file::export(engine, &runs?, by, &mut pieces).map_err(|error| match error {
                file::WriteError::Archive(error) => Problem::from(error),
                file::WriteError::Io(error) => broken_off().hint(error.to_string()),
            })
        }
        Keeping::Key => {
            let key = SigningKey::of(engine).public();
            told(tell(Kept::Key { key: key.to_string(), id: key.id() }))
        }
        Keeping::Prune { older_than, keep, dry_run } => {
            let since: Millis = engine.clock().now().saturating_sub(millis(older_than.0));
            prune(engine, Retention { since, newest: keep }, dry_run, by, tell)
        }
        Keeping::Tombstones => engine.tombstones()?.into_iter().try_for_each(|tombstone| {
            told(tell(Kept::Tombstone { tombstone: Box::new(tombstone) }))
        }),
        Keeping::Backup { with_keys } => {
            Ok(engine.backup(with_keys, |line| tell(Kept::Line { line }))?)
        }
    }
}

fn prune(
    engine: &Engine,
    retention: Retention,
    dry_run: bool,
    by: &Origin,
    mut tell: impl FnMut(Kept) -> Result<(), Gone>,
) -> Result<(), Problem> {
    let mut old = engine.prunable(retention)?;
    let names: Vec<RunId> = old.iter().map(|summary| summary.run.clone()).collect();
    let held = publish::held_back(engine, &names)?;
    old.retain(|summary| !held.contains(&summary.run));
    for run in held {
        told(tell(Kept::HeldBack { run }))?;
    }
    let audit = Audit::of(engine)?;
    if dry_run {
        told(tell(Kept::Audit { entries: audit.prunable()? }))?;
        let mut would = old.into_iter();
        return would.try_for_each(|run| told(tell(Kept::WouldGo { run: Box::new(run) })));
    }
    told(tell(Kept::Audit { entries: audit.prune()? }))?;
    let names: Vec<RunId> = old.into_iter().map(|summary| summary.run).collect();
    let mut heard = Ok(());
    engine.forget(&names, by, |tombstone| {
        // Whoever asked may have gone: what was asked for is done all the same.
        heard = tell(Kept::Tombstone { tombstone: Box::new(tombstone) });
    })?;
    for run in &names {
        publish::forget(engine, run)?;
    }
    told(heard)
}

/// An evidence file on its way to whoever asked.
struct Pieces<T> {
    text: Vec<u8>,
    tell: T,
}

impl<T: FnMut(Kept) -> Result<(), Gone>> Write for Pieces<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        // Only at the end of a line, so that no character is cut in two.
        if self.text.len() > CHUNK_BYTES && bytes.ends_with(b"\n") {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8(std::mem::take(&mut self.text));
        let text = text.map_err(|_| io::Error::other("a journal holds what is no text"))?;
        (self.tell)(Kept::Evidence { text }).map_err(|Gone| io::Error::other("nobody reads it"))
    }
}

fn told(told: Result<(), Gone>) -> Result<(), Problem> {
    told.map_err(|Gone| broken_off())
}

fn broken_off() -> Problem {
    Problem::new("WL0010", Exit::NotStarted, "the answer was broken off: whoever asked has gone")
}

fn unreadable(error: ReportError<EngineError>) -> Problem {
    match error {
        ReportError::Archive(error) => error.into(),
        ReportError::Damaged(NoJournal(why)) => EngineError::Damaged(why).into(),
    }
}
