//! The one place that records: journal, state and events move together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::event::{Event, EventSink, SummaryRecord};
use crate::id::RunId;
use crate::journal::RunState;
use crate::journal::{Body, ChainHead, JournalStore, Position, StoreError};

/// The journal of one run, open for writing, with the state that it tells.
pub(crate) struct Ledger {
    run: RunId,
    store: Arc<dyn JournalStore>,
    clock: Arc<dyn Clock>,
    events: EventSink,
    inner: Mutex<Inner>,
}

struct Inner {
    head: ChainHead,
    state: RunState,
    /// Where the last append ended.
    last: Position,
}

impl Ledger {
    /// Opens the journal of a run over its records: a new one, or what is there.
    ///
    /// # Errors
    /// In words, if it is damaged.
    pub(crate) fn open(
        run: RunId,
        records: Vec<Vec<u8>>,
        store: Arc<dyn JournalStore>,
        clock: Arc<dyn Clock>,
        events: EventSink,
    ) -> Result<Self, String> {
        let (state, head) = RunState::read(records).map_err(|e| format!("{run}: {e}"))?;
        Ok(Ledger {
            run,
            store,
            clock,
            events,
            inner: Mutex::new(Inner { head, state, last: Position(0) }),
        })
    }

    /// Records, durably on return.
    ///
    /// # Errors
    /// If the store refuses; the run must stop.
    pub(crate) fn record(&self, body: Body) -> Result<(), StoreError> {
        let position = self.append(body)?;
        self.store.sync(position)
    }

    /// Records without waiting for the disk: durable with the next [`Ledger::record`].
    ///
    /// # Errors
    /// If the store refuses; the run must stop.
    pub(crate) fn append(&self, body: Body) -> Result<Position, StoreError> {
        let mut inner = self.lock();
        let seq = inner.head.seq;
        let mut head = inner.head.clone();
        let (entry, record) = head
            .push(self.clock.now(), self.store.epoch(), body)
            .map_err(|e| StoreError::Io(format!("write an entry as JSON: {e}")))?;
        let stood = |state: &RunState| (state.status, state.goes_back());
        let before = stood(&inner.state);
        let waited = inner.state.waits_at(&entry.body);
        // Our own entries are legal by construction; one that is not must not reach the disk.
        inner.state.apply(&entry).map_err(|e| StoreError::Io(format!("bug: {e}")))?;
        let mut position = self.store.append(&self.run, seq, &record)?;
        inner.head = head;
        // Where a run stands, and what it waits for, is what lists show.
        if stood(&inner.state) != before || waited || inner.state.waits_at(&entry.body) {
            position = self.summarize(&inner.state)?;
        }
        inner.last = position;
        if self.events.is_watched()
            && let Some(event) = Event::of(&self.run, &entry, &inner.state)
        {
            self.events.send(event);
        }
        Ok(position)
    }

    /// Makes everything recorded so far durable.
    ///
    /// # Errors
    /// If the store refuses.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let last = self.lock().last;
        self.store.sync(last)
    }

    /// Makes everything recorded so far durable, with the run's line in lists as it is now.
    ///
    /// # Errors
    /// If the store refuses.
    pub(crate) fn put_away(&self) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.last = self.summarize(&inner.state)?;
        drop(inner);
        self.flush()
    }

    fn summarize(&self, state: &RunState) -> Result<Position, StoreError> {
        let summary = SummaryRecord::of(&self.run, state);
        let bytes = serde_json::to_vec(&summary).map_err(|e| StoreError::Io(e.to_string()))?;
        self.store.put_summary(&self.run, summary.is_open(), &bytes)
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&RunState) -> T) -> T {
        look(&self.lock().state)
    }

    /// Returns the run.
    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }

    /// Tells people something that is not recorded.
    pub(crate) fn tell(&self, event: Event) {
        self.events.send(event);
    }

    /// Returns where events go.
    pub(crate) fn events(&self) -> &EventSink {
        &self.events
    }

    /// Returns the clock.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
