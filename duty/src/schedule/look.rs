//! One look at one schedule: acting on what [`sort`] decides.

use windlass_engine::clock::{Millis, millis};
use windlass_engine::engine::EngineError;
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;
use windlass_engine::journal::{End, Position};

use super::book::BookError;
use super::sort::{Sorted, sort, stands};
use super::standing::{Begun, Fate, Kept, Occurrence, Waiting, cause_prefix};
use super::start::{NotStarted, start, started};
use super::ticker::Ticker;
use super::{Overlap, tell};
use crate::notice::OutboxError;

/// Why a look at a schedule was broken off. It is made again at the next look.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    /// The book can't be read or written.
    #[error(transparent)]
    Book(#[from] BookError),
    /// A notice can't be kept.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The engine can't be asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// One look at one schedule. What is written is durable when the look ends, in the order in which
/// it was written: a notice or an occurrence before the standing that says it is dealt with.
pub(super) struct Look<'a> {
    pub(super) ticker: &'a Ticker,
    pub(super) kept: Kept,
    /// The runs that have not finished.
    pub(super) open: &'a [Summary],
    pub(super) now: Millis,
}

impl Look<'_> {
    /// Does what is due, and returns when to look again.
    pub(super) fn make(mut self, before: &Kept) -> Result<Option<Millis>, LookError> {
        self.make_up_for_a_death()?;
        self.take_note_of_ends()?;
        let sorted = sort(&self.kept, self.now);
        self.take_in(&sorted)?;
        self.start_what_waits()?;
        self.alarm()?;
        if self.kept != *before {
            self.ticker.book.prune(self.name())?;
            self.write()?;
        }
        Ok(sorted.next)
    }

    fn name(&self) -> &str {
        self.kept.config.name.as_str()
    }

    /// A process died while it started a run: did the run begin?
    fn make_up_for_a_death(&mut self) -> Result<(), LookError> {
        let Some(waiting) = self.kept.standing.starting else { return Ok(()) };
        match started(&self.ticker.engine, &self.kept, waiting.planned)? {
            Some(run) => self.begun(waiting, run),
            None => {
                self.kept.standing.starting = None;
                if stands(&self.kept, waiting, self.now) {
                    self.kept.standing.waiting.insert(0, waiting);
                    return Ok(());
                }
                let why = "windlass exited while starting it, and it is too late now";
                self.skip(waiting.planned, why)
            }
        }
    }

    /// Runs of the schedule may be over since the last look.
    fn take_note_of_ends(&mut self) -> Result<(), LookError> {
        let is_open = |begun: &Begun| self.open.iter().any(|open| open.run == begun.run);
        let begun = std::mem::take(&mut self.kept.standing.open);
        let (open, over): (Vec<Begun>, Vec<Begun>) = begun.into_iter().partition(is_open);
        self.kept.standing.open = open;
        for Begun { planned, at, run } in over {
            let summary = self.ticker.engine.view(&run)?.summary;
            // Without its first entry, the journal has been cleared away: it was over long ago.
            let Some(end) = summary.status.end() else {
                if !summary.runbook.is_empty() {
                    self.kept.standing.open.push(Begun { planned, at, run });
                }
                continue;
            };
            if end == End::Done {
                let standing = &mut self.kept.standing;
                standing.success = standing.success.max(Some(summary.heard));
                standing.alarmed = None;
            }
            self.record(planned, at, Fate::Started { run, end: Some(end) })?;
        }
        Ok(())
    }

    /// Writes down what has come, before anything is started.
    fn take_in(&mut self, sorted: &Sorted) -> Result<(), LookError> {
        self.kept.standing.through = sorted.through;
        if let Some(last) = sorted.missed.last() {
            for planned in &sorted.missed {
                self.record(*planned, self.now, Fate::Missed)?;
            }
            let notice = tell::missed(&self.kept, sorted, *last, self.now);
            self.ticker.outbox.post(&notice)?;
        }
        for waiting in &sorted.start {
            self.line_up(*waiting)?;
        }
        Ok(())
    }

    /// Lines a time up behind those that wait, if the overlap rule lets it.
    fn line_up(&mut self, waiting: Waiting) -> Result<(), LookError> {
        let ahead = self.kept.standing.waiting.iter().rposition(|other| !other.patient);
        match (self.kept.config.overlap, ahead) {
            (Overlap::Replace, Some(ahead)) if !waiting.patient => {
                let old = self.kept.standing.waiting.remove(ahead);
                self.skip(old.planned, "superseded by a later time")?;
            }
            (_, Some(_)) if !waiting.patient => {
                return self
                    .skip(waiting.planned, "another run of this schedule is already waiting");
            }
            _ => {}
        }
        self.kept.standing.waiting.push(waiting);
        Ok(())
    }

    fn start_what_waits(&mut self) -> Result<(), LookError> {
        if self.kept.is_paused() {
            return Ok(());
        }
        while let Some(waiting) = self.kept.standing.waiting.first().copied() {
            if let Some(open) = self.open_run()? {
                if !self.gives_way(&open, waiting)? {
                    return Ok(());
                }
                continue;
            }
            // From here on, whoever finds this looks for the run first.
            self.kept.standing.waiting.remove(0);
            self.kept.standing.starting = Some(waiting);
            self.write()?;
            let ticker = self.ticker;
            match start(&ticker.engine, ticker.supplies.as_ref(), &self.kept, waiting.planned) {
                Ok(run) => self.begun(waiting, run)?,
                Err(NotStarted::Unknown(error)) => return Err(BookError::from(error).into()),
                Err(NotStarted::Refused(why)) => {
                    self.kept.standing.starting = None;
                    self.refuse(waiting.planned, why)?;
                }
                Err(NotStarted::Locked(why)) => {
                    self.kept.standing.starting = None;
                    if waiting.patient || self.kept.config.overlap != Overlap::Skip {
                        self.kept.standing.waiting.insert(0, waiting);
                        return Ok(());
                    }
                    self.skip(waiting.planned, &why)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the run of this schedule that has not finished.
    fn open_run(&self) -> Result<Option<Summary>, LookError> {
        if let Some(begun) = self.kept.standing.open.last() {
            return Ok(Some(match self.open.iter().find(|open| open.run == begun.run) {
                Some(open) => open.clone(),
                // It began during this look.
                None => self.ticker.engine.view(&begun.run)?.summary,
            }));
        }
        let prefix = cause_prefix(self.name());
        let ours = |run: &&Summary| run.cause.as_ref().is_some_and(|c| c.starts_with(&prefix));
        Ok(self.open.iter().find(ours).cloned())
    }

    /// Applies the overlap rule to the first that waits; true if the next one can be looked at.
    fn gives_way(&mut self, open: &Summary, waiting: Waiting) -> Result<bool, LookError> {
        match self.kept.config.overlap {
            _ if waiting.patient => return Ok(false),
            Overlap::Queue => return Ok(false),
            Overlap::Skip => {
                self.kept.standing.waiting.remove(0);
                self.skip(waiting.planned, &format!("{} has not finished", open.run))?;
                return Ok(true);
            }
            Overlap::Replace => {}
        }
        if self.kept.standing.told_to_stop.as_ref() == Some(&open.run) || open.status.is_stuck() {
            return Ok(false);
        }
        let engine = &self.ticker.engine;
        let reason = format!("schedule {} came again", self.name());
        let told = if engine.is_driven(&open.run) {
            engine.cancel(&open.run, engine.process(), &reason)
        } else {
            engine.undo(&open.run, engine.process(), &reason).map(drop)
        };
        match told {
            Ok(()) => self.kept.standing.told_to_stop = Some(open.run.clone()),
            // Past its pivot it goes forward, and this time waits until it is over.
            Err(error) => tracing::info!(run = %open.run, %error, "does not make room"),
        }
        Ok(false)
    }

    fn begun(&mut self, waiting: Waiting, run: RunId) -> Result<(), LookError> {
        self.record(waiting.planned, self.now, Fate::Started { run: run.clone(), end: None })?;
        let begun = Begun { planned: waiting.planned, at: self.now, run };
        let standing = &mut self.kept.standing;
        standing.starting = None;
        standing.told_to_stop = None;
        standing.last = Some(begun.clone());
        standing.open.push(begun);
        Ok(())
    }

    fn skip(&mut self, planned: Millis, why: &str) -> Result<(), LookError> {
        let notice = tell::not_started(&self.kept, planned, self.now, why);
        self.ticker.outbox.post(&notice)?;
        self.record(planned, self.now, Fate::Skipped { why: why.to_owned() })
    }

    fn refuse(&mut self, planned: Millis, why: String) -> Result<(), LookError> {
        let notice = tell::not_started(&self.kept, planned, self.now, &why);
        self.ticker.outbox.post(&notice)?;
        self.record(planned, self.now, Fate::Refused { why })
    }

    /// Tells once in a while that there is no success.
    fn alarm(&mut self) -> Result<(), LookError> {
        let Some(after) = self.kept.config.alarm_after.map(|span| millis(span.0)) else {
            return Ok(());
        };
        let standing = &self.kept.standing;
        let since = standing.success.unwrap_or(standing.since);
        let quiet_since = standing.alarmed.map_or(since, |alarmed| alarmed.max(since));
        if self.now - quiet_since <= after {
            return Ok(());
        }
        let about = quiet_since + after;
        self.ticker.outbox.post(&tell::overdue(&self.kept, since, about, self.now))?;
        self.kept.standing.alarmed = Some(self.now);
        Ok(())
    }

    fn record(&self, planned: Millis, at: Millis, fate: Fate) -> Result<(), LookError> {
        self.ticker.book.record(self.name(), &Occurrence { planned, at, fate })?;
        Ok(())
    }

    fn write(&self) -> Result<Position, LookError> {
        let position = self.ticker.book.put(&self.kept)?;
        self.ticker.book.sync(position)?;
        self.ticker.outbox.wake();
        Ok(position)
    }
}
