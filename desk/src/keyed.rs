//! Requests with an `Idempotency-Key`: the same key never starts two runs.
//!
//! ```text
//! reserve the key (durable) -> start the run, its journal naming the key -> note the run at the key
//! ```
//!
//! Whoever dies in between leaves a reserved key without a run. Then the journals are asked: if one
//! names the key, that is the run, and if none does, there is none.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use windlass_engine::engine::{Engine, RunHandle};
use windlass_engine::id::RunId;
use windlass_engine::journal::{StoreError, text_hash};

use crate::problem::{Kind, Problem};

/// The header that carries the key.
pub(crate) const HEADER: &str = "idempotency-key";

/// Keys of different persons don't meet.
pub(crate) struct Key {
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    /// What was asked with this key.
    request: String,
    /// What came of it.
    run: Option<RunId>,
}

impl Key {
    /// Returns the key that came with a request, if one did.
    ///
    /// # Errors
    /// If it is not one.
    pub(crate) fn of(headers: &HeaderMap, person: &str) -> Result<Option<Self>, Problem> {
        let Some(given) = headers.get(HEADER) else { return Ok(None) };
        let key = given.to_str().unwrap_or_default().trim();
        if !(1..=200).contains(&key.len()) {
            let detail = "an Idempotency-Key has 1 to 200 printable ASCII characters";
            return Err(Kind::UNREADABLE.because(detail));
        }
        let hash = text_hash(format!("{person}\n{key}").as_bytes());
        Ok(Some(Key { hash }))
    }

    /// Starts a run unless this key has started one, and returns it; with its handle if it is new.
    /// Blocks. No two calls may be under way at the same time.
    ///
    /// # Errors
    /// If the key was given with another request, or the run can't begin.
    pub(crate) fn once(
        self,
        engine: &Engine,
        request: &str,
        begin: impl FnOnce(Option<String>) -> Result<RunHandle, Problem>,
    ) -> Result<(RunId, Option<RunHandle>), Problem> {
        let store = engine.store();
        // The name of the value beside the journals, and what the journal of the run names.
        let name = format!("request/{}", self.hash);
        let unreadable = |e| StoreError::Io(format!("{name} can't be read: {e}"));
        let bytes = |kept: &Kept| serde_json::to_vec(kept).map_err(unreadable);
        match store.value(&name)? {
            Some(kept) => {
                let kept: Kept = serde_json::from_slice(&kept).map_err(unreadable)?;
                if kept.request != request {
                    let detail = "this Idempotency-Key came with another request before";
                    return Err(Kind::OTHER_REQUEST
                        .because(detail)
                        .hint("Take a new key for a new request; repeat a request as it was."));
                }
                let runs = || engine.runs(false).map(Vec::into_iter);
                let run = match kept.run {
                    Some(run) => Some(run),
                    None => runs()?.find(|run| run.cause.as_ref() == Some(&name)).map(|r| r.run),
                };
                if let Some(run) = run {
                    return Ok((run, None));
                }
            }
            None => {
                let kept = Kept { request: request.to_owned(), run: None };
                store.sync(store.put_value(&name, &bytes(&kept)?)?)?;
            }
        }
        let handle = begin(Some(name.clone())).inspect_err(|problem| {
            // Refused before anything was recorded: the key is as good as new.
            if problem.kind.status() < 500
                && let Err(error) = store.remove_value(&name)
            {
                tracing::error!(%error, "a key that started nothing can't be forgotten");
            }
        })?;
        // Without a flush of its own: if it is lost, the journal of the run says the same.
        let kept = Kept { request: request.to_owned(), run: Some(handle.run.clone()) };
        store.put_value(&name, &bytes(&kept)?)?;
        Ok((handle.run.clone(), Some(handle)))
    }
}
