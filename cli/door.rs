//! Finding the engine: here, or in the process that owns the state.
//!
//! A state directory has one owner. The first process that needs it becomes the owner, runs the
//! engine, and answers other processes over a Unix socket; those that come later find the directory
//! owned and ask over the socket. Commands don't know the difference: they ask a [`Client`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use windlass_desk::{AtSocket, Client, Desk, Operation, is_answering, listen};
use windlass_engine::clock::SystemClock;
use windlass_engine::engine::{Engine, KEY_CHECK, Options};
use windlass_engine::journal::{JournalStore, Values};
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_stores::MemoryStore;

use crate::exit::Exit;
use crate::families;
use crate::home::{self, Home, Ownership};
use crate::kill;
use crate::problem::Problem;
use crate::serve::Shelf;
use crate::settings::Settings;
use crate::show;
use crate::show::style::yellow;

/// How long to wait for an owner that is neither gone nor listening: it is starting or stopping.
const OWNER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a command keeps the door open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// For a question: nobody else is answered.
    Short,
    /// While a run goes on: others are answered over the socket.
    Long,
    /// For good, as the owner and nobody else.
    Always,
}

/// The way to the engine.
pub struct Door {
    client: Client,
    /// What this process owns, if it is the owner.
    owner: Option<Owner>,
}

struct Owner {
    desk: Desk,
    at_socket: Option<AtSocket>,
    /// Dropped last: the store is closed before another process may open it.
    owned: Ownership,
}

impl Door {
    /// Becomes the owner of the state, or finds the process that is.
    ///
    /// # Errors
    /// If the state can't be used, or its owner does not answer.
    pub async fn open(settings: &Settings, stay: Stay) -> Result<Self, Problem> {
        let there = |socket| {
            let client = Client::at(socket, settings.sudo_user.clone());
            Door { client, owner: None }
        };
        if let Some(socket) = home::of_root(settings)
            && is_answering(&socket).await
        {
            return Ok(there(socket));
        }
        let home = Home::open(settings)?;
        let began = Instant::now();
        loop {
            if let Some(owned) = home.own()? {
                return Self::own(settings, stay, &home, owned);
            }
            if is_answering(&home.socket()).await {
                if stay == Stay::Always {
                    return Err(home::taken(&settings.state));
                }
                return Ok(there(home.socket()));
            }
            if began.elapsed() > OWNER_PATIENCE {
                let message = format!(
                    "{} owns {} and does not answer",
                    home::owner(&settings.state),
                    settings.state.display()
                );
                return Err(Problem::new("WL0005", Exit::OutOfReach, message).hint(format!(
                    "If it is not named, `fuser {}/owner.lock` finds it.",
                    settings.state.display()
                )));
            }
            // The lock has no event to wake on, and its holder is about to let go or to listen.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn own(
        settings: &Settings,
        stay: Stay,
        home: &Home,
        owned: Ownership,
    ) -> Result<Self, Problem> {
        let store = home.store(&owned)?;
        let is_in_use = store.value(KEY_CHECK)?.is_some();
        let keyring = home.keyring(&owned, is_in_use)?;
        let engine = engine(settings, Arc::new(store), keyring)?;
        let desk = Desk::new(engine, Arc::new(Shelf { directory: None }))?;
        // An owner that is about to leave must not be handed a run: whoever comes meanwhile waits
        // for the lock, which is free in a moment.
        let at_socket = match stay {
            Stay::Short => None,
            Stay::Long | Stay::Always => Some(listen_at(home, &desk)?),
        };
        let client = Client::here(&desk, settings.sudo_user.clone());
        Ok(Door { client, owner: Some(Owner { desk, at_socket, owned }) })
    }

    /// Returns what asks the engine, wherever it is.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the desk, if it is in this process.
    pub fn desk(&self) -> Option<&Desk> {
        self.owner.as_ref().map(|owner| &owner.desk)
    }

    /// Returns the engine, if it is in this process.
    pub fn here(&self) -> Option<&Engine> {
        self.desk().map(Desk::engine)
    }

    /// Stops what is driven here so that it can be resumed, and returns when it has stopped.
    pub async fn close(self) {
        let Some(Owner { desk, at_socket, owned }) = self.owner else { return };
        // From here on whoever comes waits for the lock.
        at_socket.iter().for_each(AtSocket::leave);
        desk.engine().park_all();
        desk.engine().idle().await;
        if let Some(at_socket) = at_socket {
            at_socket.close().await;
        }
        drop((desk, self.client));
        drop(owned);
    }
}

/// Asks whoever owns the state, and leaves again.
///
/// # Errors
/// If the state is out of reach, or what is asked is refused.
pub async fn ask<O>(
    settings: &Settings,
    name: &str,
    query: O::Query,
    body: O::Body,
) -> Result<O::Answer, Problem>
where
    O: Operation<Query: Serialize, Body: Serialize, Answer: DeserializeOwned>,
{
    let door = Door::open(settings, Stay::Short).await?;
    let answer = door.client().ask::<O>(name, query, body).await;
    door.close().await;
    Ok(answer?)
}

fn listen_at(home: &Home, desk: &Desk) -> Result<AtSocket, Problem> {
    let path = home.socket();
    let listening = listen(&path, desk, |error| {
        let note = yellow("note:");
        show::note(&format!("{note} a command must wait for its connection: {error}"));
    });
    listening.map_err(|e| Problem::bug(format!("listen at {}: {e}", path.display())))
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
    Ok(Engine::open(Options {
        store,
        keyring,
        steps: families::steps(settings),
        clock: Arc::new(SystemClock),
        runtime: Handle::current(),
        process: settings.process.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        points: kill::points(),
    })?)
}
