//! Dies at a named point, for tests and for the demo: `WINDLASS_KILL_AT=after-effect:4.2.1`.
//!
//! The process kills itself with SIGKILL, so that nothing gets to clean up: exactly what a power
//! cut or an impatient operator does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use windlass_engine::run::{Point, Points};

/// Returns what to do at points, if the environment asks for a death.
///
/// `POINT:CALL` dies at that call, `POINT:STEP` at the first call of that step, `POINT:#N` when the
/// point is reached for the Nth time (from 1).
pub fn points() -> Option<Points> {
    let asked = std::env::var("WINDLASS_KILL_AT").ok()?;
    let (point, at) = asked.split_once(':')?;
    let (point, at) = (point.to_owned(), at.to_owned());
    let reached = AtomicUsize::new(0);
    Some(Arc::new(move |here, key, step| {
        if name(here) != point {
            return;
        }
        let nth = reached.fetch_add(1, Ordering::SeqCst) + 1;
        if at == key.to_string() || at == step || at == format!("#{nth}") {
            let me = rustix::process::getpid();
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
    }))
}

fn name(point: Point) -> &'static str {
    match point {
        Point::AfterIntent => "after-intent",
        Point::AfterEffect => "after-effect",
        Point::AfterOutcome => "after-outcome",
        Point::AfterUndoIntent => "after-undo-intent",
        Point::AfterUndoEffect => "after-undo-effect",
        Point::AfterAsking => "after-asking",
        Point::AfterAnswer => "after-answer",
    }
}
