//! A line for everything that becomes of a run: what `journalctl` and `docker service logs` show.

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use windlass_engine::engine::Engine;
use windlass_engine::event::{What, shown};

use crate::show;

/// Writes lines until it is aborted.
pub fn keep(engine: &Engine) -> JoinHandle<()> {
    let mut events = engine.subscribe();
    tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if let Some(text) = in_words(&event.what) {
                        show::note(&shown::in_one_line(&format!("{} {text}", event.run)));
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    show::note(&format!(
                        "{missed} events were dropped from this log: they came too fast"
                    ));
                }
                Err(RecvError::Closed) => return,
            }
        }
    })
}

/// Returns what is worth a line. Calls are not: `windlass log` has them.
fn in_words(what: &What) -> Option<String> {
    Some(match what {
        What::Created { title, .. } => format!("begins: {title}"),
        What::Resumed => "goes on".to_owned(),
        What::Waiting { wait } => format!("waits: {}", wait.says),
        What::Unwinding { error, .. } => format!("goes back: {error}"),
        What::Stuck { error, .. } => format!("is stuck: {error}"),
        What::Finished { end } => format!("ends: {}", format!("{end:?}").to_lowercase()),
        _ => return None,
    })
}
