//! Events in the order in which a watcher gets them: from the journals what has been, from the
//! engine what is, and from the journals again what a slow watcher has missed.
//!
//! The engine keeps a watcher's place among the last few thousand events. Whoever falls further
//! behind loses that place, is told so, and goes on from the journals: nothing that is recorded is
//! lost to it, and nothing has to be kept for it. A run is never held up.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, watch};
use windlass_engine::clock::Millis;
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::{Event, Summary, What};
use windlass_engine::id::RunId;

use crate::desk::{Desk, blocking};
use crate::problem::{Problem, bug};

/// Events that are read from a journal at a time, and held for one watcher.
const CHUNK: usize = 1024;

/// What a watcher gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// Something happened.
    Event(Box<Event>),
    /// The watcher was too slow, and goes on from the journals.
    Lagged,
}

/// A watcher of one run, or of all.
pub(crate) struct Feed {
    engine: Engine,
    events: Receiver<Event>,
    replays: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
    scope: Scope,
    /// Read from a journal, and not yet handed out.
    ready: VecDeque<Event>,
    /// The entry of each run that comes next.
    next: HashMap<RunId, u64>,
    /// Runs whose journals have to be read.
    behind: VecDeque<RunId>,
    /// True once there is nothing more to come.
    over: bool,
}

enum Scope {
    One(RunId),
    /// All of them; of those not seen so far, only what happened from then on.
    All(Millis),
}

impl Feed {
    /// Returns a watcher of a run, from one of its entries on.
    pub(crate) fn of_run(desk: &Desk, run: &RunId, from: u64) -> Self {
        let next = HashMap::from([(run.clone(), from)]);
        let behind = VecDeque::from([run.clone()]);
        Self::new(desk, Scope::One(run.clone()), next, behind)
    }

    /// Returns a watcher of all runs: from now on, or from a moment on that has been.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(crate) async fn of_all(desk: &Desk, since: Option<Millis>) -> Result<Self, Problem> {
        let from = since.unwrap_or_else(|| desk.engine.clock().now());
        let mut feed = Self::new(desk, Scope::All(from), HashMap::new(), VecDeque::new());
        if since.is_some() {
            feed.fall_behind().await?;
        }
        Ok(feed)
    }

    /// Returns a watcher of what happens in a run from when `events` began, and no more.
    pub(crate) fn from_here(desk: &Desk, run: &RunId, events: Receiver<Event>) -> Self {
        let scope = Scope::One(run.clone());
        Feed { events, ..Self::new(desk, scope, HashMap::new(), VecDeque::new()) }
    }

    fn new(desk: &Desk, scope: Scope, next: HashMap<RunId, u64>, behind: VecDeque<RunId>) -> Self {
        Feed {
            // Before the first journal is read: what happens meanwhile comes twice, and is left out
            // once.
            events: desk.engine.subscribe(),
            engine: desk.engine.clone(),
            replays: desk.replays.clone(),
            stopping: desk.stopping.clone(),
            scope,
            ready: VecDeque::new(),
            next,
            behind,
            over: false,
        }
    }

    /// Returns what comes next; nothing, once the run is over or the console stops.
    ///
    /// # Errors
    /// If a journal can't be read.
    pub(crate) async fn next(&mut self) -> Result<Option<Item>, Problem> {
        self.advance(true).await
    }

    /// Returns what is there already; nothing, if nothing is.
    ///
    /// # Errors
    /// As [`Feed::next`].
    pub(crate) async fn next_now(&mut self) -> Result<Option<Item>, Problem> {
        self.advance(false).await
    }

    async fn advance(&mut self, wait: bool) -> Result<Option<Item>, Problem> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if let Some(event) = self.fresh(event) {
                    return Ok(Some(Item::Event(Box::new(event))));
                }
                continue;
            }
            if self.over {
                return Ok(None);
            }
            if let Some(run) = self.behind.front().cloned() {
                self.read(&run).await?;
                continue;
            }
            let event = tokio::select! {
                biased;
                event = self.events.recv() => event,
                () = std::future::ready(()), if !wait => return Ok(None),
                _ = self.stopping.wait_for(|stopping| *stopping) => return Ok(None),
            };
            match event {
                Ok(event) => {
                    if let Some(event) = self.fresh(event) {
                        return Ok(Some(Item::Event(Box::new(event))));
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    self.fall_behind().await?;
                    return Ok(Some(Item::Lagged));
                }
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    /// Leaves out what is of another run, or has been handed out.
    fn fresh(&mut self, event: Event) -> Option<Event> {
        if let Scope::One(run) = &self.scope
            && *run != event.run
        {
            return None;
        }
        // What is not recorded has no place: it is handed out when it comes.
        let Some(seq) = event.seq else { return Some(event) };
        let next = self.next.entry(event.run.clone()).or_default();
        if seq < *next {
            return None;
        }
        *next = seq + 1;
        let ended = matches!(event.what, What::Finished { .. });
        self.over = ended && matches!(self.scope, Scope::One(_));
        Some(event)
    }

    /// Reads a part of a journal, and what comes behind it when that has been handed out.
    async fn read(&mut self, run: &RunId) -> Result<(), Problem> {
        let _reading = self.replays.acquire().await.map_err(|_| bug("nobody may read"))?;
        let from = self.next.get(run).copied();
        let since = match self.scope {
            // Of a run that was never seen, only what is not too old.
            Scope::All(since) if from.is_none() => since,
            _ => Millis::MIN,
        };
        let (engine, of) = (self.engine.clone(), run.clone());
        let read = blocking(move || match from {
            Some(from) => {
                engine.events(&of, from, CHUNK).map(|events| (events.len() < CHUNK, events))
            }
            None => first_since(&engine, &of, since),
        });
        let (complete, events) = match read.await? {
            // Forgotten in the meantime.
            Err(EngineError::NoSuchRun(_) | EngineError::Pruned(_))
                if matches!(self.scope, Scope::All(_)) =>
            {
                (true, Vec::new())
            }
            other => other?,
        };
        if complete {
            self.behind.pop_front();
        }
        self.ready.extend(events);
        Ok(())
    }

    async fn fall_behind(&mut self) -> Result<(), Problem> {
        let since = match &self.scope {
            Scope::One(run) => {
                // Who began to listen in the middle has no place in the journal before the first event.
                let has_place = self.next.contains_key(run);
                self.behind = has_place.then(|| run.clone()).into_iter().collect();
                return Ok(());
            }
            Scope::All(since) => *since,
        };
        let engine = self.engine.clone();
        let runs = blocking(move || engine.runs(false)).await??;
        // The time of a summary moves with the status only: an open run may have done more.
        let may_have_more = |run: &Summary| run.is_open() || run.heard >= since;
        self.behind = runs.into_iter().filter(may_have_more).map(|run| run.run).collect();
        Ok(())
    }
}

/// Returns the first events of a run that are not older than a moment, and whether those are all.
fn first_since(
    engine: &Engine,
    run: &RunId,
    since: Millis,
) -> Result<(bool, Vec<Event>), EngineError> {
    let mut from = 0;
    loop {
        let mut events = engine.events(run, from, CHUNK)?;
        let complete = events.len() < CHUNK;
        from = events.last().and_then(|last| last.seq).map_or(from, |seq| seq + 1);
        events.retain(|event| event.at >= since);
        if complete || !events.is_empty() {
            return Ok((complete, events));
        }
    }
}
