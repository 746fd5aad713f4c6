//! Group commit: whoever comes while a flush is under way waits for the next one, and one of those
//! who wait does it for all. No thread of its own: a lone writer flushes by itself, without a hop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use windlass_journal::{Position, StoreError};

/// Counts what is appended, and makes it durable.
#[derive(Default)]
pub(super) struct Flusher {
    appended: AtomicU64,
    state: Mutex<FlushState>,
    woken: Condvar,
}

#[derive(Default)]
struct FlushState {
    synced: u64,
    busy: bool,
    broken: Option<String>,
}

impl Flusher {
    /// Counts something that has been appended: a flush that begins from now on covers it.
    pub(super) fn appended(&self) -> Position {
        Position(self.appended.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Returns the end of what has been appended.
    pub(super) fn end(&self) -> Position {
        Position(self.appended.load(Ordering::SeqCst))
    }

    /// Returns once everything up to `position` is durable. `flush` makes durable what was
    /// appended before it is called; after it failed once, it is not called again.
    ///
    /// # Errors
    /// If a flush failed, now or earlier: nobody knows what is on disk.
    pub(super) fn sync(
        &self,
        position: Position,
        flush: impl Fn() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        loop {
            if let Some(problem) = &state.broken {
                return Err(StoreError::Io(problem.clone()));
            }
            if state.synced >= position.0 {
                return Ok(());
            }
            if state.busy {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.busy = true;
            drop(state);
            let target = self.appended.load(Ordering::SeqCst);
            let flushed = flush();
            state = self.lock();
            state.busy = false;
            match flushed {
                Ok(()) => state.synced = state.synced.max(target),
                Err(StoreError::Io(problem)) => state.broken = Some(problem),
                Err(other) => state.broken = Some(other.to_string()),
            }
            self.woken.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, FlushState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn what_is_durable_is_not_flushed_again() {
        let (flusher, flushes) = (Flusher::default(), AtomicUsize::new(0));
        let flush = || {
            flushes.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let (first, second) = (flusher.appended(), flusher.appended());
        flusher.sync(second, flush).unwrap();
        flusher.sync(first, flush).unwrap();
        assert_eq!(flushes.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn after_a_failed_flush_nothing_is_ever_durable_again() {
        let flusher = Flusher::default();
        let position = flusher.appended();
        assert!(flusher.sync(position, || Err(StoreError::Io("no space".to_owned()))).is_err());
        let later = flusher.appended();
        let error = flusher.sync(later, || Ok(())).unwrap_err();
        assert!(error.to_string().contains("no space"));
    }
}
