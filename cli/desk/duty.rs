//! What is asked about schedules and notices, and the clerk for it.

use serde::{Deserialize, Serialize};
use windlass_duty::notice::{Delivery, Outbox, OutboxError};
use windlass_duty::schedule::{self, Book, BookError, Kept, Occurrence, Origin};
use windlass_engine::engine::Engine;

use crate::exit::Exit;
use crate::problem::Problem;

/// What a command asks about schedules and notices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "duty", rename_all = "snake_case")]
pub enum DutyRequest {
    /// Add a schedule.
    Add { config: Box<schedule::Config> },
    /// List the schedules.
    List,
    /// Show one, and what became of its times.
    Show { name: String },
    /// Pause one, or go on with it if there is no reason to pause it.
    Pause { name: String, reason: Option<String> },
    /// Remove one.
    Remove { name: String },
    /// List what is not delivered.
    Notices,
    /// Try that again, or one of it.
    Retry { id: Option<String> },
}

/// What is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum DutyReply {
    /// Schedules, and what became of the times of one.
    Schedules { schedules: Vec<Kept>, occurrences: Vec<Occurrence> },
    /// Notices that are not delivered, and who is told at all.
    Notices {
        notices: Vec<Delivery>,
        #[serde(default)]
        receivers: Vec<String>,
    },
}

/// Answers. Blocks.
pub fn answer(engine: &Engine, asked: DutyRequest) -> Result<DutyReply, Problem> {
    let (book, now) = (Book::of(engine), engine.clock().now());
    let one = |kept| DutyReply::Schedules { schedules: vec![kept], occurrences: Vec::new() };
    // The daemon knows who is to be told; here it matters only what is kept.
    let outbox = Outbox::new(engine, []);
    Ok(match asked {
        DutyRequest::Add { config } => one(book.add(*config, Origin::Command, now)?),
        DutyRequest::List => {
            DutyReply::Schedules { schedules: book.all()?, occurrences: Vec::new() }
        }
        DutyRequest::Show { name } => {
            let occurrences = book.occurrences(&name)?;
            DutyReply::Schedules { schedules: vec![book.get(&name)?], occurrences }
        }
        DutyRequest::Pause { name, reason } => one(book.pause(&name, reason.as_deref(), now)?),
        DutyRequest::Remove { name } => {
            book.remove(&name)?;
            DutyReply::Schedules { schedules: Vec::new(), occurrences: Vec::new() }
        }
        DutyRequest::Notices => {
            DutyReply::Notices { notices: outbox.all()?, receivers: outbox.known_receivers()? }
        }
        DutyRequest::Retry { id } => DutyReply::Notices {
            notices: outbox.retry(id.as_deref())?,
            receivers: outbox.known_receivers()?,
        },
    })
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        let text = error.to_string();
        let wrong = |hint: &str| Problem::new("WL0020", Exit::Usage, text.clone()).hint(hint);
        match error {
            BookError::NoSuchSchedule(_) => wrong("`windlass schedule list` lists them."),
            BookError::Taken(_) => wrong("Give it another name, or remove the other one first."),
            BookError::InFile(_) => wrong("Change the file, and restart the daemon."),
            BookError::ControlCharacter(_) => Problem::new("WL0002", Exit::Usage, text),
            BookError::Unreadable { name, .. } => {
                wrong(&format!("`windlass schedule remove {name}`, and add it again."))
            }
            BookError::Store(error) => error.into(),
            BookError::Machine(_) => Problem::bug(text),
        }
    }
}

impl From<OutboxError> for Problem {
    fn from(error: OutboxError) -> Self {
        let text = error.to_string();
        match error {
            OutboxError::Store(error) => error.into(),
            OutboxError::Unreadable { .. } => Problem::new("WL0011", Exit::OutOfReach, text),
            OutboxError::NoSuchNotice(_) => Problem::new("WL0022", Exit::Usage, text)
                .hint("`windlass notices list` lists them."),
        }
    }
}
