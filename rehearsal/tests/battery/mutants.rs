//! The battery can fail: three deliberate bugs, put into the engine in turn, are each found.

use std::ops::ControlFlow;

use tokio::runtime::Runtime;
use windlass_engine::mutant::{Mutant, put};

use crate::{cores, theatre, violated};

/// Returns how many variants find a bug, of how many.
fn found(mutant: Mutant) -> (usize, usize) {
    let runtime = Runtime::new().unwrap();
    let theatre = theatre("rotate-secret-same-name", &runtime);
    put(Some(mutant));
    let passes =
        theatre.play_all(&theatre.variants, cores(), &|_| ControlFlow::Continue(())).unwrap();
    put(None);
    let found = violated(&passes).count();
    eprintln!("{mutant:?}: found by {found} of {} variants", passes.len());
    (found, passes.len())
}

#[test]
fn an_engine_that_repeats_blindly_is_found() {
    let (found, all) = found(Mutant::RepeatBlindly);
    assert!(found > 0, "none of {all} variants found it");
}

#[test]
fn an_engine_that_records_first_is_found() {
    let (found, all) = found(Mutant::RecordFirst);
    assert!(found > 0, "none of {all} variants found it");
}

#[test]
fn an_engine_that_undoes_what_failed_is_found() {
    let (found, all) = found(Mutant::UndoFailed);
    assert!(found > 0, "none of {all} variants found it");
}
