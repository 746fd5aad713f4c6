//! Following a run that somebody sets going, to where it stops: in the answer to the very request
//! that does so, or what happens at once would be missed.
//!
//! ```text
//! event: run       the run as it stands
//! (events of the run, as in its stream)
//! event: stopped   how it stopped, for now or for good
//! ```

use axum::http::StatusCode;
use axum::response::sse;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot};
use windlass_engine::engine::RunHandle;
use windlass_engine::event::{Event, RunView, What};
use windlass_engine::id::RunId;
use windlass_engine::run::Outcome;
use windlass_evidence::report;

use super::events::{EVENTS, Pass, Watched, answer, told};
use super::feed::{Feed, Item};
use crate::desk::{Desk, blocking};
use crate::operation::{Answer, Call};
use crate::problem::{Problem, elsewhere};

/// The type of the event that comes first.
pub(crate) const RUN: &str = "run";

/// The type of the event that comes last.
pub(crate) const STOPPED: &str = "stopped";

/// Events that are held for one reader; what it misses comes from the journal.
const BACKLOG: usize = 64;

/// How a run stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ending {
    /// The run as it stands.
    pub view: RunView,
    /// Where services stand, and what to change in stack files.
    pub services: Vec<String>,
    /// Why it could not be recorded any further, if that is why it stopped.
    pub unrecorded: Option<String>,
}

/// Somebody who sets a run going, and may want to follow it. It listens from when it is made.
pub(crate) struct Ears {
    desk: Desk,
    open: Option<(Receiver<Event>, Pass)>,
}

impl Ears {
    /// Begins to listen if the client asks for events.
    ///
    /// # Errors
    /// If there is no place for another stream.
    pub(crate) fn of<Q, B>(desk: &Desk, call: &Call<Q, B>) -> Result<Self, Problem> {
        let open = match call.accepts(EVENTS) {
            true => Some((desk.engine.subscribe(), Pass::of(desk, call)?)),
            false => None,
        };
        Ok(Ears { desk: desk.clone(), open })
    }

    /// Returns the run, or what happens in it until it stops. Without a handle somebody else
    /// follows the run too.
    ///
    /// # Errors
    /// If the run can't be read.
    pub(crate) async fn answer(
        self,
        run: RunId,
        handle: Option<RunHandle>,
    ) -> Result<Answer<RunView>, Problem> {
        let outcome = handle.map(heed);
        let (engine, of) = (self.desk.engine.clone(), run.clone());
        let view = blocking(move || engine.view(&of)).await??;
        let Some((events, pass)) = self.open else { return Ok(view.into()) };
        let (out, events_out) = mpsc::channel(BACKLOG);
        let feed = Feed::from_here(&self.desk, &run, events);
        let following = Following { desk: self.desk, run, feed, pass, out };
        tokio::spawn(following.run_out(view, outcome));
        let items = futures_util::stream::unfold(events_out, async |mut events| {
            events.recv().await.map(|event| (Ok(event), events))
        });
        Ok(Answer::other(answer(items)).with(StatusCode::OK))
    }
}

/// Has the log say so if a run ends without its journal saying how; all else is in the journal.
fn heed(handle: RunHandle) -> oneshot::Receiver<Outcome> {
    let (tell, outcome) = oneshot::channel();
    tokio::spawn(async move {
        let run = handle.run.clone();
        let outcome = handle.outcome().await;
        match &outcome {
            Outcome::Unrecorded(why) => {
                tracing::error!(%run, why, "a run could not be recorded any further");
            }
            Outcome::Elsewhere(why) => tracing::error!(%run, why, "a run is at another swarm"),
            Outcome::Finished(_) | Outcome::Stuck | Outcome::Parked => {}
        }
        // Nobody has to listen.
        let _ = tell.send(outcome);
    });
    outcome
}

struct Following {
    desk: Desk,
    run: RunId,
    feed: Feed,
    pass: Pass,
    out: mpsc::Sender<sse::Event>,
}

/// Nobody listens any more.
struct Gone;

impl Following {
    async fn run_out(mut self, view: RunView, outcome: Option<oneshot::Receiver<Outcome>>) {
        let _counted = Watched::new(self.desk.metrics.streams.clone());
        let followed = self.follow(view, outcome).await;
        if let Ok(Err(problem)) = followed {
            let _ = self.out.send(self.pass.problem(&problem)).await;
        }
    }

    async fn follow(
        &mut self,
        view: RunView,
        outcome: Option<oneshot::Receiver<Outcome>>,
    ) -> Result<Result<(), Problem>, Gone> {
        self.send(sse::Event::default().event(RUN).data(json(&view))).await?;
        let stopped = until_stopped(self.desk.clone(), self.run.clone(), outcome);
        tokio::pin!(stopped);
        let outcome = loop {
            let item = tokio::select! {
                biased;
                problem = &mut self.pass.refused => return Ok(Err(problem)),
                item = self.feed.next() => item,
                outcome = &mut stopped => break outcome,
                () = self.out.closed() => return Err(Gone),
            };
            match item {
                Ok(Some(item)) => self.pass_on(item).await?,
                Ok(None) => break stopped.await,
                Err(problem) => return Ok(Err(problem)),
            }
        };
        loop {
            match self.feed.next_now().await {
                Ok(Some(item)) => self.pass_on(item).await?,
                Ok(None) => break,
                Err(problem) => return Ok(Err(problem)),
            }
        }
        let unrecorded = match outcome {
            Outcome::Unrecorded(why) => Some(why),
            Outcome::Elsewhere(why) => return Ok(Err(elsewhere(format!("{}: {why}", self.run)))),
            Outcome::Finished(_) | Outcome::Stuck | Outcome::Parked => None,
        };
        match self.ending(unrecorded).await {
            Ok(ending) => {
                self.send(sse::Event::default().event(STOPPED).data(json(&ending))).await?;
                Ok(Ok(()))
            }
            Err(problem) => Ok(Err(problem)),
        }
    }

    async fn ending(&mut self, unrecorded: Option<String>) -> Result<Ending, Problem> {
        let (engine, run) = (self.desk.engine.clone(), self.run.clone());
        blocking(move || {
            let view = engine.view(&run)?;
            // Nothing, if its journal can't be read.
            let report = report::of_run(&engine, &run);
            let services = report.map(|report| report::standing(&report)).unwrap_or_default();
            Ok(Ending { view, services, unrecorded })
        })
        .await?
    }

    async fn pass_on(&mut self, item: Item) -> Result<(), Gone> {
        match item {
            Item::Event(event) => self.send(told(&event, |_, seq| seq.to_string())).await,
            // Nothing that is recorded is lost.
            Item::Lagged => {
                self.desk.metrics.lagged.inc();
                Ok(())
            }
        }
    }

    async fn send(&mut self, event: sse::Event) -> Result<(), Gone> {
        self.out.send(event).await.map_err(|_| Gone)
    }
}

fn json<T: Serialize>(what: &T) -> String {
    // Types of ours, whose keys are texts: they are JSON.
    serde_json::to_string(what).unwrap_or_default()
}

/// Returns how a run stopped, once it has.
async fn until_stopped(
    desk: Desk,
    run: RunId,
    outcome: Option<oneshot::Receiver<Outcome>>,
) -> Outcome {
    if let Some(outcome) = outcome {
        // An error means that the process is ending.
        return outcome.await.unwrap_or(Outcome::Parked);
    }
    let (mut events, mut stopping) = (desk.engine.subscribe(), desk.stopping.clone());
    while desk.engine.is_driven(&run) {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = stopping.wait_for(|stopping| *stopping) => break,
        };
        match event {
            Ok(Event { run: of, what: What::Finished { .. } | What::Stuck { .. }, .. })
                if of == run =>
            {
                break;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
    Outcome::Parked
}
