//! Finding the engine: here, or in the process that owns the state.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use windlass_engine::clock::SystemClock;
use windlass_engine::engine::{Engine, KEY_CHECK, Options};
use windlass_engine::journal::{JournalStore, Values};
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_engine::step::Registry;
use windlass_stores::MemoryStore;
use windlass_swarm::docker::{Endpoint, Swarm};
use windlass_swarm::swarm::place::SwarmPlace;

use super::asker::Asker;
use super::clerk::serve;
use super::protocol::{Reply, Request, Sent};
use super::socket;
use crate::exit::Exit;
use crate::home::{self, Home, Ownership};
use crate::kill;
use crate::problem::Problem;
use crate::settings::Settings;

/// How long to wait for an owner that is neither gone nor listening: it is starting or stopping.
const OWNER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a command keeps the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// For a question: nobody else is answered.
    Short,
    /// While a run goes on: others are answered over the socket.
    Long,
    /// For good, as the owner and nobody else.
    Always,
}

/// Where commands hand in requests.
pub enum Desk {
    /// This process owns the state.
    Here {
        /// The engine.
        engine: Engine,
        /// Who runs this process.
        asker: Asker,
        /// Dropped last: the store is closed before another process may open it.
        owned: Ownership,
        /// Where it listens, if it does.
        socket: PathBuf,
    },
    /// Another process does.
    There {
        /// Its socket.
        socket: PathBuf,
        /// For whom sudo runs this command.
        sudo_user: Option<String>,
    },
}

impl Desk {
    /// Becomes the owner of the state, or finds the process that is.
    ///
    /// # Errors
    /// If the state can't be used, or its owner does not answer.
    pub async fn open(settings: &Settings, stay: Stay) -> Result<Self, Problem> {
        let sudo_user = settings.sudo_user.clone();
        if let Some(socket) = home::of_root(settings)
            && tokio::net::UnixStream::connect(&socket).await.is_ok()
        {
            return Ok(Desk::There { socket, sudo_user });
        }
        let home = Home::open(settings)?;
        let began = Instant::now();
        loop {
            if let Some(owned) = home.own()? {
                let asker = Asker::here(settings)?;
                let store = home.store(&owned)?;
                let is_in_use = store.value(KEY_CHECK)?.is_some();
                let keyring = home.keyring(&owned, is_in_use)?;
                let engine = engine(settings, Arc::new(store), keyring)?;
                // An owner that is about to leave must not be handed a run: whoever comes
                // meanwhile waits for the lock, which is free in a moment.
                if stay != Stay::Short {
                    socket::listen(&home.socket(), engine.clone())?;
                }
                return Ok(Desk::Here { engine, asker, owned, socket: home.socket() });
            }
            if tokio::net::UnixStream::connect(home.socket()).await.is_ok() {
                if stay == Stay::Always {
                    return Err(owned(settings));
                }
                return Ok(Desk::There { socket: home.socket(), sudo_user });
            }
            if began.elapsed() > OWNER_PATIENCE {
                let message = "another process owns the state and does not answer";
                return Err(Problem::new("WL0005", Exit::OutOfReach, message).hint(format!(
                    "Find it with `fuser {}/owner.lock`.",
                    settings.state.display()
                )));
            }
            // The lock has no event to wake on, and its holder is about to let go or to listen.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Hands a request in, and returns the parts of the answer as they come.
    ///
    /// # Errors
    /// If the owner has gone.
    pub async fn ask(&self, request: Request) -> Result<mpsc::Receiver<Reply>, Problem> {
        match self {
            Desk::Here { engine, asker, .. } => {
                let (sender, replies) = mpsc::channel(1024);
                let (engine, by) = (engine.clone(), asker.person.clone());
                tokio::spawn(async move { serve(&engine, request, &by, &sender).await });
                Ok(replies)
            }
            Desk::There { socket, sudo_user } => {
                let sent = Sent { sudo_user: sudo_user.clone(), request };
                socket::ask(socket, &sent).await.map_err(|error| {
                    let message = "the process that owns the state does not answer";
                    Problem::bug(format!("{message}: {error}"))
                        .hint("Try again: it may just have ended.")
                })
            }
        }
    }

    /// Returns the engine, if it is in this process.
    pub fn here(&self) -> Option<&Engine> {
        match self {
            Desk::Here { engine, .. } => Some(engine),
            Desk::There { .. } => None,
        }
    }

    /// Stops what is driven here so that it can be resumed, and returns when it has stopped.
    pub async fn close(self) {
        let Desk::Here { engine, owned, socket, .. } = self else { return };
        // From here on whoever comes waits for the lock.
        let _ = std::fs::remove_file(socket);
        engine.park_all();
        engine.idle().await;
        drop(engine);
        drop(owned);
    }
}

fn owned(settings: &Settings) -> Problem {
    let message = format!("another process owns {} and answers", settings.state.display());
    Problem::new("WL0005", Exit::NotStarted, message).hint(
        "`windlass runs --open` shows what it is doing, `windlass drain` asks it to put its runs away and end.",
    )
}

/// Returns an engine over memory, for commands that must leave no trace.
///
/// # Errors
/// If the machine refuses.
pub fn throwaway_engine(settings: &Settings) -> Result<Engine, Problem> {
    let keyring = Keyring::new(MasterKey::from_bytes([0; 32]), Box::<MemoryKeys>::default());
    engine(settings, Arc::new(MemoryStore::new()), keyring)
}

fn engine(
    settings: &Settings,
    store: Arc<dyn JournalStore>,
    keyring: Keyring,
) -> Result<Engine, Problem> {
    let swarm = Swarm::from_environment(settings.docker.clone());
    let place = Endpoint::resolve(&settings.docker).map(|endpoint| endpoint.host);
    let address = place.clone().unwrap_or_default();
    let engine = Engine::open(Options {
        store,
        keyring,
        steps: Registry::of(
            [windlass_basic::steps(), windlass_swarm::steps(Arc::new(swarm.clone()))].concat(),
        ),
        clock: Arc::new(SystemClock),
        runtime: Handle::current(),
        process: settings.process.clone(),
        place: place.unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        points: kill::points(),
    })?;
    engine.acts_at(Arc::new(SwarmPlace { swarm, address }));
    Ok(engine)
}
