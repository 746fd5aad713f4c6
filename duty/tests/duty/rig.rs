//! An engine over a memory store, a clock that is set by hand, and schedules on it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::watch;
use windlass_duty::notice::{Delivery, Kind, Notice, Outbox};
use windlass_duty::schedule::{Book, Config, Fate, Kept, Origin, Ticker};
use windlass_duty::{Name, Supplies};
use windlass_engine::clock::{Clock, Millis};
use windlass_engine::engine::{Engine, Options, RunHandle};
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;
use windlass_engine::journal::Origin as By;
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys, Secret};
use windlass_stores::MemoryStore;

use crate::world::World;

/// Where notices of a rig go: nobody fetches them, so they stay to be looked at.
pub const BOX: &str = "box";

/// A crash of the process alone: all that was written is on disk.
pub const EVERYTHING: usize = 1 << 30;

/// A clock that is set by hand; who sleeps on it looks when it is set.
pub struct HandClock(watch::Sender<Millis>);

impl HandClock {
    pub fn set(&self, now: Millis) {
        self.0.send_replace(now);
    }

    pub fn seconds(&self, by: i64) {
        self.0.send_modify(|now| *now += by * 1000);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Millis {
        *self.0.borrow()
    }

    async fn sleep_until(&self, deadline: Millis) {
        // The clock outlives who sleeps on it.
        let _ = self.0.subscribe().wait_for(|now| *now >= deadline).await;
    }
}

/// Runbooks that a test writes, and secrets that are always the same.
#[derive(Default)]
pub struct Shelf(Mutex<Vec<(String, String)>>);

impl Shelf {
    pub fn put(&self, name: &str, text: &str) {
        let mut shelf = self.0.lock().unwrap();
        shelf.retain(|(known, _)| known != name);
        shelf.push((name.to_owned(), format!("//! title = \"{name}\"\n{text}\n")));
    }
}

impl Supplies for Shelf {
    fn runbook(&self, name: &str) -> Result<(String, String), String> {
        let shelf = self.0.lock().unwrap();
        let found = shelf.iter().find(|(known, _)| known == name);
        found.cloned().ok_or_else(|| format!("there is no runbook `{name}`"))
    }

    fn secret(&self, _: &str, source: &str) -> Result<Secret, String> {
        Ok(Secret::new(format!("value of {source}").into_bytes()))
    }
}

pub struct Rig {
    pub world: World,
    pub clock: Arc<HandClock>,
    pub store: Arc<MemoryStore>,
    pub keys: Arc<MemoryKeys>,
    pub shelf: Arc<Shelf>,
    pub engine: Engine,
    pub ticker: Ticker,
    pub book: Book,
    pub outbox: Outbox,
}

/// Returns a moment from its text, such as `2026-11-21T01:00:00Z`.
pub fn at(text: &str) -> Millis {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

impl Rig {
    /// It is shortly after midnight, and the runbook `pass` goes through a gate.
    pub fn new() -> Self {
        let clock = Arc::new(HandClock(watch::Sender::new(at("2026-11-21T00:30:00Z"))));
        let shelf = Arc::new(Shelf::default());
        shelf.put("pass", r#"gate::pass(#{ name: "gate" });"#);
        Self::over(World::new(), clock, Arc::new(MemoryStore::new()), Arc::default(), shelf)
    }

    fn over(
        world: World,
        clock: Arc<HandClock>,
        store: Arc<MemoryStore>,
        keys: Arc<MemoryKeys>,
        shelf: Arc<Shelf>,
    ) -> Self {
        let engine = Engine::open(Options {
            store: store.clone(),
            keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(keys.clone())),
            steps: world.steps(),
            clock: clock.clone(),
            runtime: Handle::current(),
            process: somebody(),
            version: "test".to_owned(),
            points: None,
        })
        .unwrap();
        let outbox = Outbox::new(&engine, [(name(BOX), ALL.to_vec())]);
        let ticker = Ticker::new(engine.clone(), shelf.clone(), outbox.clone());
        let book = Book::of(&engine);
        Rig { world, clock, store, keys, shelf, engine, ticker, book, outbox }
    }

    /// The process is killed and another one begins: of what was not synced, so much is kept.
    pub fn crash(&self, kept: usize) -> Rig {
        let store = Arc::new(self.store.crash(kept));
        let (clock, keys) = (self.clock.clone(), self.keys.clone());
        Self::over(self.world.clone(), clock, store, keys, self.shelf.clone())
    }

    /// Adds a schedule `s` of `pass`, hourly in UTC, with more lines of TOML.
    pub fn schedule(&self, lines: &str) -> Kept {
        self.schedule_at("0 * * * *", lines)
    }

    /// Adds a schedule `s` of `pass` that comes at other times.
    pub fn schedule_at(&self, cron: &str, lines: &str) -> Kept {
        let text = format!("name = 's'\nrunbook = 'pass'\ncron = '{cron}'\nzone = 'UTC'\n{lines}");
        let config: Config = toml::from_str(&text).unwrap();
        self.book.add(config, Origin::Command, self.clock.now()).unwrap()
    }

    /// It is so late on the 21st, and the ticker looks.
    pub async fn look_at(&self, time: &str) -> Option<Millis> {
        self.clock.set(at(&format!("2026-11-21T{time}Z")));
        self.look().await
    }

    pub async fn look(&self) -> Option<Millis> {
        let ticker = self.ticker.clone();
        tokio::task::spawn_blocking(move || ticker.look()).await.unwrap()
    }

    /// Opens the gate, and returns when nothing runs any more.
    pub async fn let_pass(&self) {
        self.world.open("gate");
        self.engine.idle().await;
    }

    /// Returns when the only run is in its `nth` call.
    pub async fn is_in_call(&self, nth: usize) {
        let run = self.runs()[0].run.clone();
        let mut events = self.engine.subscribe();
        while self.engine.view(&run).unwrap().calls.len() < nth {
            events.recv().await.unwrap();
        }
    }

    pub fn runs(&self) -> Vec<Summary> {
        self.engine.runs(false).unwrap()
    }

    /// The hours at which runs of `s` were due, in the order in which they began.
    pub fn started(&self) -> Vec<String> {
        let causes = self.runs().into_iter().filter_map(|run| run.cause);
        let hour = |cause: String| cause.split_once("T").unwrap().1[..5].to_owned();
        causes.map(hour).collect()
    }

    /// What became of the times of `s`: `01:00 missed`.
    pub fn fates(&self) -> Vec<String> {
        let fates = self.book.occurrences("s").unwrap().into_iter().map(|what| {
            let time = jiff::Timestamp::from_millisecond(what.planned).unwrap().to_string();
            let fate = match what.fate {
                Fate::Started { end, .. } => format!("started {end:?}"),
                Fate::Missed => "missed".to_owned(),
                Fate::Skipped { .. } => "skipped".to_owned(),
                Fate::Refused { .. } => "refused".to_owned(),
            };
            format!("{} {fate}", &time[11..16])
        });
        fates.collect()
    }

    /// What is in the outbox, in the order of what happened.
    pub fn posted(&self) -> Vec<Notice> {
        let posted: Vec<Delivery> = self.outbox.pending(BOX).unwrap();
        posted.into_iter().map(|delivery| delivery.notice).collect()
    }

    /// Starts a run by hand that is over or stuck when this returns.
    pub async fn run(&self, runbook: &str, secrets: Vec<(String, Secret)>) -> RunId {
        let handle = self.start(runbook, secrets);
        let run = handle.run.clone();
        handle.outcome().await;
        run
    }

    /// Starts a run by hand, and lets it go on by itself.
    pub fn begin(&self, runbook: &str) -> RunId {
        self.start(runbook, Vec::new()).run
    }

    fn start(&self, runbook: &str, secrets: Vec<(String, Secret)>) -> RunHandle {
        let (name, text) = self.shelf.runbook(runbook).unwrap();
        let runbook = Runbook::compile(&name, &text, self.engine.steps()).unwrap();
        self.engine.start(&runbook, &somebody(), &[], secrets).unwrap()
    }
}

pub const ALL: [Kind; 7] = [
    Kind::Failed,
    Kind::Stuck,
    Kind::Waiting,
    Kind::Recovered,
    Kind::Finished,
    Kind::Missed,
    Kind::Overdue,
];

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Whoever asks, where it does not matter who.
pub fn somebody() -> By {
    By { user: "ada".to_owned(), ..By::default() }
}
