//! Verifying evidence: anywhere, with nothing but the file and a public key.
//!
//! The file is read once, line by line, and the first line that is wrong is named. The signature
//! alone would tell that something is wrong; the chain tells where.

use std::io::{self, BufRead, Read};

use sha2::{Digest, Sha256};
use windlass_journal::event::{Status, Summary};
use windlass_journal::id::RunId;
use windlass_journal::{Body, ChainError, ChainHead, Entry, Hash, RunState, text_hash};

use super::{FORMAT, Line, Made, message};
use crate::key::{PublicKey, hex};

/// Bytes that a line can have; a record has 16 MiB at most.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a file proves.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// When and by whom it was made.
    pub made: Made,
    /// The key that signed it.
    pub key: PublicKey,
    /// Its runs.
    pub runs: Vec<VerifiedRun>,
    /// Where the published heads are that were asked for.
    pub heads: Vec<FoundHead>,
}

/// A run in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedRun {
    /// The run.
    pub run: RunId,
    /// The runbook's name or path.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// Where the run stood. That no process drives it any more can't be told from the file.
    pub status: Status,
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last.
    pub head: Hash,
}

/// A published head that is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundHead {
    /// The hash.
    pub head: Hash,
    /// Whose it is.
    pub run: RunId,
    /// Of which entry.
    pub seq: u64,
}

/// Why a file proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It can't be read.
    #[error("read the file: {0}")]
    Io(#[from] io::Error),
    /// It is not what was signed.
    #[error("line {}: {}", .0.line, .0.why)]
    Refused(Refusal),
}

/// Where and why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The first line that is wrong, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Why {
    #[error("the file ends here, without its last line: it was cut short")]
    Cut,
    #[error("it was changed: it is not what such a line looks like ({0})")]
    Unreadable(String),
    #[error("it has format {0}, and this version reads up to {FORMAT}: use a newer windlass")]
    TooNew(u32),
    #[error("it was changed: {0}")]
    Changed(String),
    #[error("{0}: lines were removed, added or swapped")]
    OutOfOrder(String),
    #[error("it comes after the last line: it was added")]
    Added,
    #[error("it was signed with the key {signed}, and not with one that you trust ({trusted})")]
    OtherKey { signed: String, trusted: String },
    #[error("the signature is of another text, or made with another key")]
    Signature,
    #[error(
        "the published head {head} is not in this file: what was published has been cut off or \
         written anew ({runs})"
    )]
    NoSuchHead { head: Hash, runs: String },
}

/// Verifies a file. `keys` are the public keys that are trusted; each of `heads` must be the hash
/// of a record in it.
///
/// # Errors
/// With the first line that is wrong, or if it can't be read.
pub fn verify(
    input: impl BufRead,
    keys: &[PublicKey],
    heads: &[Hash],
) -> Result<Verified, VerifyError> {
    let mut input = input;
    let mut reader = Reader::new(heads);
    loop {
        let mut bytes = Vec::new();
        let read = (&mut input).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        reader.number += 1;
        reader.line(&bytes).map_err(VerifyError::Refused)?;
    }
    reader.finish(keys).map_err(VerifyError::Refused)
}

/// A run that is being read.
struct Open {
    run: RunId,
    runbook: String,
    text: Hash,
    state: RunState,
    chain: ChainHead,
    /// This line says that the one before has another hash: one of the two was changed.
    doubtful: Option<u64>,
}

struct Reader<'a> {
    wanted: &'a [Hash],
    number: u64,
    hash: Sha256,
    made: Option<Made>,
    open: Option<Open>,
    runs: Vec<VerifiedRun>,
    heads: Vec<FoundHead>,
    end: Option<End>,
}

/// What the last line says, and what is so.
struct End {
    line: u64,
    said: Hash,
    found: Hash,
    signature: String,
}

impl<'a> Reader<'a> {
    fn new(wanted: &'a [Hash]) -> Self {
        let (hash, runs, heads) = (Sha256::new(), Vec::new(), Vec::new());
        Reader { wanted, number: 0, hash, made: None, open: None, runs, heads, end: None }
    }

    fn refuse(&self, why: Why) -> Refusal {
        Refusal { line: self.number, why }
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.end.is_some() {
            return Err(self.refuse(Why::Added));
        }
        let Some(text) = bytes.strip_suffix(b"\n") else {
            return Err(self.refuse(Why::Cut));
        };
        if text.starts_with(br#"{"v":"#) {
            self.record(text)?;
        } else {
            self.frame(text)?;
        }
        self.hash.update(bytes);
        Ok(())
    }

    /// Takes a line that is not a record.
    fn frame(&mut self, text: &[u8]) -> Result<(), Refusal> {
        let unreadable = |e: serde_json::Error| self.refuse(Why::Unreadable(e.to_string()));
        if self.number == 1 {
            self.check_format(text)?;
        }
        let line: Line = serde_json::from_slice(text).map_err(unreadable)?;
        // One spelling for each line: whatever is not read from it can't be changed either.
        if serde_json::to_vec(&line).map_err(unreadable)? != text {
            return Err(self.refuse(Why::Unreadable("it is spelled in another way".to_owned())));
        }
        match line {
            Line::Evidence(made) if self.number == 1 => self.made = Some(made),
            _ if self.number == 1 => {
                return Err(self.refuse(Why::OutOfOrder("the first line is missing".to_owned())));
            }
            Line::Evidence(_) => return Err(self.out_of_order("a second first line")),
            Line::Run { run, runbook, text } => self.run(run, runbook, &text)?,
            Line::RunEnd { run, entries, head } => self.run_end(&run, entries, &head)?,
            Line::End { lines, hash, signature } => self.ends(lines, hash, signature)?,
        }
        Ok(())
    }

    /// A later format may look otherwise in all but this.
    fn check_format(&self, text: &[u8]) -> Result<(), Refusal> {
        let format = serde_json::from_slice(text).map(|v: serde_json::Value| v["format"].as_u64());
        match format.ok().flatten().and_then(|format| u32::try_from(format).ok()) {
            Some(format) if format > FORMAT => Err(self.refuse(Why::TooNew(format))),
            _ => Ok(()),
        }
    }

    fn run(&mut self, run: RunId, runbook: String, text: &str) -> Result<(), Refusal> {
        if let Some(open) = &self.open {
            let what = format!("{} is not at its end", open.run);
            return Err(self.out_of_order(&what));
        }
        let (text, state) = (text_hash(text.as_bytes()), RunState::default());
        let chain = ChainHead::default();
        self.open = Some(Open { run, runbook, text, state, chain, doubtful: None });
        Ok(())
    }

    fn record(&mut self, text: &[u8]) -> Result<(), Refusal> {
        let number = self.number;
        let refuse = |line, why| Err(Refusal { line, why });
        let Some(open) = &mut self.open else {
            return refuse(number, Why::OutOfOrder("a record outside of a run".to_owned()));
        };
        let entry = match open.chain.read(text) {
            Ok(entry) => entry,
            Err(ChainError::TooNew { found, .. }) => return refuse(number, Why::TooNew(found)),
            Err(ChainError::Unreadable { problem, .. }) => {
                return refuse(number, Why::Unreadable(problem));
            }
            Err(error) => return refuse(number, Why::Unreadable(error.to_string())),
        };
        open.settle_doubt(number, &entry.prev)?;
        let seq = open.chain.seq;
        if entry.seq != seq {
            let what = format!("entry {} of {} where {seq} should be", entry.seq, open.run);
            return refuse(number, Why::OutOfOrder(what));
        }
        if open.chain.follow(entry.seq, &entry.prev, text).is_err() {
            // The next line tells whether this one is as it was.
            open.doubtful = Some(number);
            open.chain.pass(text);
        } else if seq == 0 {
            open.check_beginning(number, &entry)?;
        }
        if open.doubtful.is_none()
            && let Err(error) = open.state.apply(&entry)
        {
            return refuse(number, Why::Changed(error.to_string()));
        }
        if let Some(head) = self.wanted.iter().find(|head| **head == open.chain.prev) {
            self.heads.push(FoundHead { head: head.clone(), run: open.run.clone(), seq });
        }
        Ok(())
    }

    fn run_end(&mut self, run: &RunId, entries: u64, head: &str) -> Result<(), Refusal> {
        let number = self.number;
        let Some(open) = self.open.take() else {
            return Err(self.out_of_order("the end of a run that has not begun"));
        };
        open.settle_doubt(number, head)?;
        if *run != open.run || entries != open.chain.seq {
            let what = format!("the end of {run} with {entries} entries");
            let what = format!("{what} after {} of {}", open.chain.seq, open.run);
            return Err(self.out_of_order(&what));
        }
        if head != open.chain.prev {
            let what =
                format!("line {number} says that it has another hash, or was changed itself");
            return Err(Refusal { line: number - 1, why: Why::Changed(what) });
        }
        let status = Summary::of(&open.run, &open.state, true).status;
        let Some(created) = open.state.created else {
            return Err(self.out_of_order("a run without a record"));
        };
        self.runs.push(VerifiedRun {
            run: open.run,
            runbook: open.runbook,
            title: created.title,
            status,
            entries,
            head: open.chain.prev,
        });
        Ok(())
    }

    fn ends(&mut self, lines: u64, hash: String, signature: String) -> Result<(), Refusal> {
        if let Some(open) = &self.open {
            let what = format!("{} is not at its end", open.run);
            return Err(self.out_of_order(&what));
        }
        if lines != self.number - 1 {
            return Err(self.out_of_order(&format!("it says that {lines} lines come before it")));
        }
        let found = hex(&self.hash.clone().finalize());
        self.end = Some(End { line: self.number, said: hash, found, signature });
        Ok(())
    }

    fn finish(mut self, keys: &[PublicKey]) -> Result<Verified, Refusal> {
        let (Some(end), Some(made)) = (self.end.take(), self.made.take()) else {
            return Err(Refusal { line: self.number.max(1), why: Why::Cut });
        };
        if end.said != end.found {
            // The chains hold, so it is not in a record; and the other lines are bound to them.
            let what = "its text is not what the last line says, or the last line was changed";
            return Err(Refusal { line: 1, why: Why::Changed(what.to_owned()) });
        }
        let Some(key) = keys.iter().find(|key| key.to_string() == made.key) else {
            let trusted: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let why = Why::OtherKey { signed: made.key, trusted: trusted.join(", ") };
            return Err(Refusal { line: 1, why });
        };
        let line = end.line;
        if !key.verifies(&message(&end.said), &end.signature) {
            return Err(Refusal { line, why: Why::Signature });
        }
        if let Some(head) = self.wanted.iter().find(|h| !self.heads.iter().any(|f| f.head == **h)) {
            let end = |run: &VerifiedRun| format!("{} ends at entry {}", run.run, run.entries - 1);
            let runs = self.runs.iter().map(end).collect::<Vec<_>>().join(", ");
            return Err(Refusal { line, why: Why::NoSuchHead { head: head.clone(), runs } });
        }
        Ok(Verified { made, key: *key, runs: self.runs, heads: self.heads })
    }

    fn out_of_order(&self, what: &str) -> Refusal {
        self.refuse(Why::OutOfOrder(what.to_owned()))
    }
}

impl Open {
    /// The line before said that the one before it has another hash. If that line is as it was, its
    /// own hash is what this one says, and the other was changed.
    fn settle_doubt(&self, number: u64, prev: &str) -> Result<(), Refusal> {
        let Some(doubtful) = self.doubtful else { return Ok(()) };
        let is_whole = prev == self.chain.prev && self.chain.seq > 1;
        let line = if is_whole { doubtful - 1 } else { doubtful };
        let told_by = if is_whole { doubtful } else { number };
        let what = format!("line {told_by} says that it has another hash");
        Err(Refusal { line, why: Why::Changed(what) })
    }

    fn check_beginning(&self, number: u64, entry: &Entry) -> Result<(), Refusal> {
        let Body::Created(created) = &entry.body else {
            let what = "a run that does not begin with `created`".to_owned();
            return Err(Refusal { line: number, why: Why::OutOfOrder(what) });
        };
        if created.run != self.run {
            let what = format!("a record of {} in {}", created.run, self.run);
            return Err(Refusal { line: number, why: Why::OutOfOrder(what) });
        }
        if created.runbook != self.runbook || created.text != self.text {
            let what = format!("line {number} tells of another runbook text");
            return Err(Refusal { line: number - 1, why: Why::Changed(what) });
        }
        Ok(())
    }
}
