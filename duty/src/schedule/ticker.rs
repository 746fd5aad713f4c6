//! Looking at the schedules, and doing what is due.
//!
//! A look takes no longer than the starting of runs does: a run goes on by itself, and how it ends
//! is read at a later look. Nothing is kept in memory between two looks, so that a process that
//! was killed goes on where it was.

use std::sync::Arc;

use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::Summary;

use super::book::{Book, BookError};
use super::look::{Look, LookError};
use crate::Supplies;
use crate::notice::Outbox;

/// Looks at the schedules.
#[derive(Clone)]
pub struct Ticker {
    pub(super) engine: Engine,
    pub(super) supplies: Arc<dyn Supplies>,
    pub(super) outbox: Outbox,
    pub(super) book: Book,
}

impl Ticker {
    /// Returns a ticker over the schedules of an engine's store.
    pub fn new(engine: Engine, supplies: Arc<dyn Supplies>, outbox: Outbox) -> Self {
        let book = Book::of(&engine);
        Ticker { engine, supplies, outbox, book }
    }

    /// Does what is due, and returns when to look again. Blocks.
    pub fn look(&self) -> Option<Millis> {
        let open = match self.engine.runs(true) {
            Ok(open) => open,
            Err(error) => {
                tracing::error!(%error, "the runs can't be listed, so no schedule is looked at");
                return None;
            }
        };
        let names = self.book.names().unwrap_or_else(|error| {
            tracing::error!(%error, "the schedules can't be listed");
            Vec::new()
        });
        let mut next = None;
        for name in names {
            match self.look_at(&name, &open) {
                Ok(due) => next = earlier(next, due),
                // One that can't be dealt with keeps none of the others from it.
                Err(error) => {
                    tracing::error!(schedule = name, %error, "this schedule can't be looked at")
                }
            }
        }
        next
    }

    fn look_at(&self, name: &str, open: &[Summary]) -> Result<Option<Millis>, LookError> {
        let _guard = Book::lock();
        let before = match self.book.get(name) {
            // It was removed a moment ago.
            Err(BookError::NoSuchSchedule(_)) => return Ok(None),
            kept => kept?,
        };
        let now = self.engine.clock().now();
        Look { ticker: self, kept: before.clone(), open, now }.make(&before)
    }
}

fn earlier(one: Option<Millis>, other: Option<Millis>) -> Option<Millis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
