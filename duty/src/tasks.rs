//! The tasks of a daemon on duty: one that looks at the schedules, one that reads journals, and one
//! for each receiver of notices.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::{Event, What};

use crate::notice::{self, Courier, Outbox, OutboxError, Watch, WatchError, may_matter};
use crate::schedule::{self, Book, BookError, Ticker};
use crate::{Supplies, blocking};

/// Schedules are looked at this often at least, so that a clock that jumps, or a machine that
/// slept, is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What a daemon is told about its duty.
pub struct Options {
    /// The engine.
    pub engine: Engine,
    /// Where runbooks and secret values come from.
    pub supplies: Arc<dyn Supplies>,
    /// The schedules of the configuration file.
    pub schedules: Vec<schedule::Config>,
    /// The receivers of notices.
    pub notices: Vec<notice::Config>,
}

/// Why a daemon can't begin its duty.
#[derive(Debug, thiserror::Error)]
pub enum DutyError {
    /// The schedules can't be read or kept.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The outbox can't be read or written.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The journals can't be read.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// Two are of the same name, so neither could be told from the other.
    #[error("windlass.toml has two of the name `{0}`: call one of them otherwise")]
    Twice(String),
}

/// A daemon on duty.
pub struct Duty {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Duty {
    /// Begins: schedules come and notices go out until [`Duty::stop`].
    ///
    /// # Errors
    /// If the configuration contradicts itself, or the store can't be read or written.
    pub async fn start(options: Options) -> Result<Self, DutyError> {
        let Options { engine, supplies, schedules, notices } = options;
        twice(schedules.iter().map(|schedule| schedule.name.as_str()))?;
        twice(notices.iter().map(|notice| notice.name.as_str()))?;
        let receivers = notices.iter().map(|to| (to.name.clone(), to.on.clone()));
        let outbox = Outbox::new(&engine, receivers);
        let preparing = (engine.clone(), supplies.clone(), outbox.clone());
        let watch = blocking(move || {
            let (engine, supplies, outbox) = preparing;
            prepare(&engine, supplies.as_ref(), &outbox, &schedules)
        });
        let watch = watch.await?;

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let ticker = Ticker::new(engine.clone(), supplies, outbox.clone());
        tasks.spawn(until(stopped.clone(), tick(engine.clone(), ticker)));
        if let Some(watch) = watch {
            let events = engine.subscribe();
            tasks.spawn(until(stopped.clone(), read_journals(watch, events)));
        }
        for to in notices {
            let courier = Courier::new(engine.clone(), outbox.clone(), to);
            let delivering = deliver(engine.clone(), outbox.clone(), courier);
            tasks.spawn(until(stopped.clone(), delivering));
        }
        Ok(Duty { stop, tasks })
    }

    /// Ends: nothing is started or sent any more when this returns. Runs go on.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the duty ended badly");
            }
        }
    }
}

fn prepare(
    engine: &Engine,
    supplies: &dyn Supplies,
    outbox: &Outbox,
    schedules: &[schedule::Config],
) -> Result<Option<Watch>, DutyError> {
    Book::of(engine).follow_file(schedules, engine.clock().now())?;
    for config in schedules {
        // It is told of when it comes; a file that is put right until then needs no restart.
        if let Err(why) = schedule::check(engine, supplies, config) {
            tracing::warn!(schedule = %config.name, why, "could not start a run now");
        }
    }
    outbox.tidy()?;
    Ok(Watch::open(engine.clone(), outbox.clone())?)
}

fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), DutyError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(DutyError::Twice(name.to_owned()));
        }
    }
    Ok(())
}

/// Does the work until it is time to stop. What it awaits may be dropped anywhere; what it hands
/// to a blocking thread is finished there.
async fn until(mut stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        // An error means that whoever could stop us is gone.
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn tick(engine: Engine, ticker: Ticker) {
    let mut events = engine.subscribe();
    loop {
        let changed = Book::changed();
        let looking = ticker.clone();
        let next = blocking(move || looking.look()).await;
        let now = engine.clock().now();
        let soon = now + windlass_engine::clock::millis(LOOK_EVERY);
        let deadline = next.map_or(soon, |next| next.min(soon));
        tokio::select! {
            () = sleep(&engine, deadline) => {}
            () = changed => {}
            () = makes_room(&mut events) => {}
        }
    }
}

/// Returns at `deadline`, or earlier if that takes longer than a look may wait: a clock that is set
/// back must not put us to sleep for hours.
async fn sleep(engine: &Engine, deadline: Millis) {
    let _ = tokio::time::timeout(LOOK_EVERY, engine.clock().sleep_until(deadline)).await;
}

/// Returns when a run is over, or may be: another can start.
async fn makes_room(events: &mut Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(event) if !matches!(event.what, What::Finished { .. }) => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

async fn read_journals(watch: Watch, mut events: Receiver<Event>) {
    let mut lost = true;
    loop {
        if lost {
            let watch = watch.clone();
            if let Err(error) = blocking(move || watch.catch_up()).await {
                tracing::error!(%error, "runs can't be told of");
            }
        }
        lost = false;
        match events.recv().await {
            Ok(event) if may_matter(&event.what) => {
                let (watch, run) = (watch.clone(), event.run.clone());
                if let Err(error) = blocking(move || watch.follow(&event.run)).await {
                    tracing::error!(%run, %error, "can't be told of");
                }
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => lost = true,
            Err(RecvError::Closed) => return,
        }
    }
}

async fn deliver(engine: Engine, outbox: Outbox, courier: Courier) {
    loop {
        let posted = outbox.posted();
        let next = match courier.round().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "notices can't be delivered");
                None
            }
        };
        let due = async {
            match next {
                Some(next) => engine.clock().sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = posted => {}
        }
    }
}
