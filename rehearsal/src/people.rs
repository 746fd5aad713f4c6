//! The people of a rehearsal: whatever a run asks, they approve and answer it at once.
//!
//! What is rehearsed is the runbook. That people deny, or don't come, is theirs to decide.

use tokio::runtime::Handle;
use windlass_engine::engine::{Approved, Engine, Person};
use windlass_engine::event::WaitView;
use windlass_engine::id::RunId;
use windlass_engine::journal::Origin;
use windlass_engine::runbook::ParameterKind;
use windlass_engine::secret::Secret;
use windlass_engine::wait::example;

/// An approval that lapses more often than this is bound to something that never stands still.
const LAPSES_MAX: usize = 3;

/// Answers everything that a run asks at this moment. What can't be answered stays asked: the pass
/// then hangs, and says so.
pub(crate) fn answer(engine: &Engine, run: &RunId, runtime: &Handle) {
    let Ok(view) = engine.view(run) else { return };
    for wait in &view.summary.waits {
        runtime.block_on(async {
            match wait.step.as_str() {
                "approve" => approve(engine, run, wait).await,
                "ask" => fill_in(engine, run, wait).await,
                _ => {}
            }
        });
    }
}

/// Returns whoever begins and resumes the runs: nobody of those who approve.
pub(crate) fn operator() -> Origin {
    Origin { user: "operator".to_owned(), ..Origin::default() }
}

fn person(n: usize) -> Person {
    let user = format!("person {n}");
    Person::at_home(Origin { user, ..Origin::default() })
}

async fn approve(engine: &Engine, run: &RunId, wait: &WaitView) {
    let mut lapses = 0;
    // Those who approved before the process was killed have done their part.
    for n in wait.approvals.len() + 1.. {
        match engine.approve(run, Some(&wait.key), &person(n), Some("rehearsed")).await {
            Ok(Approved::More { .. }) => {}
            Ok(Approved::Lapsed { .. }) if lapses < LAPSES_MAX => lapses += 1,
            Ok(Approved::Lapsed { .. } | Approved::Enough) | Err(_) => return,
        }
    }
}

async fn fill_in(engine: &Engine, run: &RunId, wait: &WaitView) {
    let (mut open, mut secrets) = (Vec::new(), Vec::new());
    for (name, field) in wait.fields.iter().filter(|(_, field)| field.default.is_none()) {
        if field.kind == ParameterKind::Secret {
            secrets.push((name.clone(), Secret::new(example(field).into_bytes())));
        } else {
            open.push((name.clone(), example(field)));
        }
    }
    // Refused, it stays asked.
    let _ = engine.answer(run, Some(&wait.key), &person(1), &open, secrets).await;
}
