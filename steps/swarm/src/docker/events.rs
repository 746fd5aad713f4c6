//! Events of the daemon: they say when to look again, never what is so.
//!
//! One stream for the whole process, from a moment on the daemon's own clock. When it breaks it is
//! opened again from a later moment, and everybody is woken once, because something may have
//! happened in between. There are no events of tasks, so those who wait for tasks must also look
//! from time to time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use windlass_engine::clock::{Millis, millis};
use windlass_engine::step::Context;

use super::swarm::WeakSwarm;
use super::{DockerError, Swarm};

/// How long to wait before opening a broken stream again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Something happened to an object of the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `service`, `node` or `secret`.
    pub kind: String,
    /// The object's ID.
    pub id: String,
    /// `create`, `update` or `remove`.
    pub action: String,
    /// The new `UpdateStatus` of a service, if that is what changed.
    pub update_state: Option<String>,
}

#[derive(Debug, Clone)]
enum Told {
    Event(Event),
    /// The stream was opened: events before this moment may have been missed.
    Reopened,
}

/// How many events a watcher may be behind.
const BACKLOG_EVENTS_MAX: usize = 1024;

/// The stream, shared by all who watch.
#[derive(Default)]
pub(super) struct Events {
    /// Made when somebody watches: many a swarm is only asked something.
    sender: OnceLock<broadcast::Sender<Told>>,
    open: Arc<AtomicBool>,
    reader: Mutex<Option<AbortHandle>>,
}

impl Drop for Events {
    fn drop(&mut self) {
        let reader = self.reader.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = reader.take() {
            reader.abort();
        }
    }
}

/// One watcher of some services.
pub struct Watch {
    receiver: broadcast::Receiver<Told>,
    services: Vec<String>,
    open: Arc<AtomicBool>,
}

/// Why a watcher was woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Woken {
    /// One of the services changed.
    Changed(Event),
    /// Something may have been missed: look at everything again.
    LookAgain,
    /// The time was up.
    TimeUp,
}

impl Swarm {
    /// Begins to watch services. What happens from now on is not missed.
    ///
    /// Must be called inside a tokio runtime.
    pub fn watch(&self, services: &[&str]) -> Watch {
        let events = self.events();
        let sender = events.sender.get_or_init(|| broadcast::Sender::new(BACKLOG_EVENTS_MAX));
        let watch = Watch {
            receiver: sender.subscribe(),
            services: services.iter().map(|&id| id.to_owned()).collect(),
            open: events.open.clone(),
        };
        let mut reader = events.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.as_ref().is_none_or(AbortHandle::is_finished) {
            let task = read(self.downgrade(), sender.clone(), events.open.clone());
            *reader = Some(tokio::spawn(task).abort_handle());
        }
        watch
    }
}

/// How long nothing may be looked at in real time, whatever the clock does.
const BLIND_MAX: Duration = Duration::from_secs(30);

impl Watch {
    /// True if the stream is open: a service of which nothing was heard has not changed.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Waits for a change of one of the services, or until the time is up.
    pub async fn changed(&mut self, cx: &Context, at_most: Duration) -> Woken {
        let until: Millis = cx.now().saturating_add(millis(at_most));
        let waiting = async {
            tokio::select! {
                biased;
                woken = self.next() => woken,
                () = cx.clock().sleep_until(until) => Woken::TimeUp,
            }
        };
        // A clock that is set back by hours must not blind who watches for as long: tasks tell
        // nothing by themselves.
        tokio::time::timeout(at_most.max(BLIND_MAX), waiting).await.unwrap_or(Woken::TimeUp)
    }

    async fn next(&mut self) -> Woken {
        loop {
            match self.receiver.recv().await {
                Ok(Told::Event(event)) if event.kind == "node" => return Woken::LookAgain,
                Ok(Told::Event(event)) if self.services.contains(&event.id) => {
                    return Woken::Changed(event);
                }
                Ok(Told::Event(_)) => {}
                Ok(Told::Reopened) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    return Woken::LookAgain;
                }
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Reads the stream until the swarm is dropped.
async fn read(swarm: WeakSwarm, sender: broadcast::Sender<Told>, open: Arc<AtomicBool>) {
    while let Some(swarm) = swarm.upgrade() {
        let stream = begin(&swarm).await;
        drop(swarm);
        if let Ok(mut stream) = stream {
            open.store(true, Ordering::Release);
            let _ = sender.send(Told::Reopened);
            let mut text = Vec::new();
            while let Some(Ok(piece)) = stream.next().await {
                text.extend_from_slice(&piece);
                while let Some(end) = text.iter().position(|b| *b == b'\n') {
                    let line: Vec<u8> = text.drain(..=end).collect();
                    if let Some(event) = event_of(&line) {
                        let _ = sender.send(Told::Event(event));
                    }
                }
            }
            open.store(false, Ordering::Release);
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

/// Opens the stream from the daemon's present on. Its request goes out when it is first polled;
/// what happens until then is replayed to it.
async fn begin(
    swarm: &Swarm,
) -> Result<impl Stream<Item = Result<Bytes, DockerError>> + Send + Unpin + use<>, DockerError> {
    let info = swarm.info().await?;
    let now = info["SystemTime"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let since = now.map(|t| format!("{}.{:09}", t.as_second(), t.subsec_nanosecond()));
    let filters = json!({ "type": ["service", "node"], "scope": ["swarm"] }).to_string();
    let mut query = vec![("filters", filters)];
    query.extend(since.map(|since| ("since", since)));
    swarm.stream("GET", "/events", &query).await
}

fn event_of(line: &[u8]) -> Option<Event> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |v: &Value| v.as_str().map(str::to_owned);
    Some(Event {
        kind: text(&value["Type"])?,
        id: text(&value["Actor"]["ID"])?,
        action: text(&value["Action"])?,
        update_state: text(&value["Actor"]["Attributes"]["updatestate.new"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_state_of_an_update_is_read_from_its_event() {
        let line = br#"{"Type":"service","Action":"update","Actor":{"ID":"s1","Attributes":
            {"name":"web","updatestate.new":"completed","updatestate.old":"updating"}}}"#;
        let event = event_of(line).unwrap();
        assert_eq!(event.update_state.as_deref(), Some("completed"));
        assert_eq!((event.kind.as_str(), event.id.as_str()), ("service", "s1"));
        assert_eq!(event_of(b"\n"), None);
    }
}
