//! The one place that records: journal, state and events move together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::event::{Event, EventSink, SummaryRecord};
use crate::id::RunId;
use crate::journal::{Body, Chain, ChainHead, JournalStore, Position, RunState, StoreError};

/// Sealed values, by name.
pub(crate) type Sealed = BTreeMap<String, String>;

/// The journal of one run, open for writing, with the state that it tells.
///
/// Whoever looks at the state does not wait for what is being written: the state is locked for a
/// moment only, the end of the journal as long as it takes to append to it.
pub(crate) struct Ledger {
    run: RunId,
    store: Arc<dyn JournalStore>,
    clock: Arc<dyn Clock>,
    events: EventSink,
    end: Mutex<Tail>,
    state: Mutex<RunState>,
}

struct Tail {
    head: ChainHead,
    /// Where the last append ended.
    last: Position,
}

impl Ledger {
    /// Opens the journal of a run over its records, a new one or what is there; with the values that
    /// it has sealed so far.
    ///
    /// # Errors
    /// In words, if it is damaged.
    pub(crate) fn open(
        run: RunId,
        records: Vec<Vec<u8>>,
        store: Arc<dyn JournalStore>,
        clock: Arc<dyn Clock>,
        events: EventSink,
    ) -> Result<(Self, Sealed), String> {
        let damaged = |problem: String| format!("{run}: {problem}");
        let (mut state, mut sealed) = (RunState::default(), Sealed::new());
        let mut chain = Chain::over(records);
        for entry in chain.by_ref() {
            let mut entry = entry.map_err(|e| damaged(e.to_string()))?;
            state.apply(&entry).map_err(|e| damaged(e.to_string()))?;
            match &mut entry.body {
                Body::Created(created) => sealed.append(&mut created.sealed),
                Body::Applied { sealed: values, .. } | Body::Answered { sealed: values, .. } => {
                    sealed.append(values);
                }
                _ => {}
            }
        }
        let end = Mutex::new(Tail { head: chain.head(), last: Position(0) });
        let state = Mutex::new(state);
        Ok((Ledger { run, store, clock, events, end, state }, sealed))
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
        let mut end = self.end();
        let seq = end.head.seq;
        let mut head = end.head.clone();
        let (entry, record) = head
            .push(self.clock.now(), self.store.epoch(), body)
            .map_err(|e| StoreError::Io(format!("write an entry as JSON: {e}")))?;
        let stood = |state: &RunState| (state.status, state.goes_back());
        // Our own entries are legal by construction; one that is not must not reach the disk.
        let (moved, event) = {
            let mut state = self.state();
            let before = stood(&state);
            let waited = state.waits_at(&entry.body);
            state.apply(&entry).map_err(|e| StoreError::Io(format!("bug: {e}")))?;
            // Where a run stands, and what it waits for, is what lists show.
            let moved = stood(&state) != before || waited || state.waits_at(&entry.body);
            let summary = moved.then(|| SummaryRecord::of(&self.run, &state));
            let watched = self.events.is_watched();
            (summary, watched.then(|| Event::of(&self.run, &entry, &state)).flatten())
        };
        end.last = self.store.append(&self.run, seq, &record)?;
        end.head = head;
        if let Some(summary) = moved {
            end.last = self.summarize(&summary)?;
        }
        event.into_iter().for_each(|event| self.events.send(event));
        Ok(end.last)
    }

    /// Makes everything recorded so far durable.
    ///
    /// # Errors
    /// If the store refuses.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let last = self.end().last;
        self.store.sync(last)
    }

    /// Makes everything recorded so far durable, with the run's line in lists as it is now.
    ///
    /// # Errors
    /// If the store refuses.
    pub(crate) fn put_away(&self) -> Result<(), StoreError> {
        let mut end = self.end();
        let summary = SummaryRecord::of(&self.run, &self.state());
        end.last = self.summarize(&summary)?;
        drop(end);
        self.flush()
    }

    fn summarize(&self, summary: &SummaryRecord) -> Result<Position, StoreError> {
        let bytes = serde_json::to_vec(summary).map_err(|e| StoreError::Io(e.to_string()))?;
        self.store.put_summary(&self.run, summary.is_open(), &bytes)
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&RunState) -> T) -> T {
        look(&self.state())
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

    /// Returns how many entries it has.
    pub(crate) fn count(&self) -> u64 {
        self.end().head.seq
    }

    fn end(&self) -> MutexGuard<'_, Tail> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
