//! The tasks of a daemon on duty: one that looks at the schedules, one that reads journals, and one
//! for each receiver of notices.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::event::{Event, What};
use windlass_engine::secret::{KeyError, not_for_others};

use crate::notice::{self, Courier, Outbox, OutboxError, Watch, WatchError, may_matter};
use crate::schedule::{self, Book, BookError, Ticker};
use crate::stop::Stopping;
use crate::{Stop, Supplies, blocking};

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
    #[error("windlass.toml has two entries named `{0}`: rename one of them")]
    Twice(String),
    /// Others can read what a receiver trusts in.
    #[error("the secret of the receiver `{0}`: {1}")]
    Exposed(String, KeyError),
}

/// A daemon on duty.
pub struct Duty {
    stopping: Stopping,
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
        notices.iter().try_for_each(not_exposed)?;
        let receivers = notices.iter().map(|to| (to.name.clone(), to.on.clone()));
        let outbox = Outbox::new(&engine, receivers);
        let preparing = (engine.clone(), supplies.clone(), outbox.clone());
        let watch = blocking(move || {
            let (engine, supplies, outbox) = preparing;
            prepare(&engine, supplies.as_ref(), &outbox, &schedules)
        });
        let watch = watch.await?;

        let (stopping, stop) = Stop::new();
        let mut tasks = JoinSet::new();
        let ticker = Ticker::new(engine.clone(), supplies, outbox.clone());
        tasks.spawn(tick(engine.clone(), ticker, stop.clone()));
        if let Some(watch) = watch {
            let events = engine.subscribe();
            tasks.spawn(read_journals(watch, events, stop.clone()));
        }
        for to in notices {
            let courier = Courier::new(engine.clone(), outbox.clone(), to);
            tasks.spawn(deliver(engine.clone(), courier, stop.clone()));
        }
        Ok(Duty { stopping, tasks })
    }

    /// Ends: nothing is started or sent any more when this returns. Runs go on.
    pub async fn stop(mut self) {
        self.stopping.ask();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task failed");
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
    outbox.note_receivers()?;
    Ok(Watch::open(engine.clone(), outbox.clone())?)
}

/// A file that is not there yet is told of when a notice is to go out; it needs no restart.
fn not_exposed(to: &notice::Config) -> Result<(), DutyError> {
    match to.secret_file().map(not_for_others) {
        Some(Err(error @ KeyError::Exposed { .. })) => {
            Err(DutyError::Exposed(to.name.to_string(), error))
        }
        _ => Ok(()),
    }
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

/// The tasks stop where they wait, and nowhere else: what a thread has begun is waited for.
async fn tick(engine: Engine, ticker: Ticker, stop: Stop) {
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
            () = stop.asked() => return,
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

async fn read_journals(watch: Watch, mut events: Receiver<Event>, stop: Stop) {
    let mut lost = true;
    loop {
        if lost {
            let watch = watch.clone();
            if let Err(error) = blocking(move || watch.catch_up()).await {
                tracing::error!(%error, "cannot read the runs to notify about");
            }
        }
        lost = false;
        let event = tokio::select! {
            event = events.recv() => event,
            () = stop.asked() => return,
        };
        match event {
            Ok(event) if may_matter(&event.what) => {
                let (watch, run) = (watch.clone(), event.run.clone());
                if let Err(error) = blocking(move || watch.follow(&event.run)).await {
                    tracing::error!(%run, %error, "cannot notify about this run");
                }
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => lost = true,
            Err(RecvError::Closed) => return,
        }
    }
}

async fn deliver(engine: Engine, courier: Courier, stop: Stop) {
    loop {
        let posted = Outbox::posted();
        let next = match courier.round(&stop).await {
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
            () = stop.asked() => return,
        }
    }
}
