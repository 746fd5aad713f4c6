//! Runs trials of cases, and lists what did not hold.

use tokio::runtime::Builder;
use windlass_engine::step::Registry;

use crate::{Case, Place, Trial};

/// Tries all steps of the places that `make` makes.
///
/// # Panics
/// With all that did not hold: also if a step has no case, or two have one name.
pub fn pass<P: Place>(cases: &[Case<P>], trials: &[Trial], make: &dyn Fn() -> P) {
    let steps = Registry::of(make().steps());
    let names = steps.iter().map(|step| step.about().name);
    let missing: Vec<_> =
        names.filter(|name| !cases.iter().any(|case| name.as_ref() == case.step)).collect();
    assert!(missing.is_empty(), "without a case: {}", missing.join(", "));
    pass_these(cases, trials, make);
}

/// Tries these cases alone; `WINDLASS_ONLY=secret.create` in the environment tries one step.
///
/// # Panics
/// With all that did not hold.
pub fn pass_these<P: Place>(cases: &[Case<P>], trials: &[Trial], make: &dyn Fn() -> P) {
    let only = std::env::var("WINDLASS_ONLY").unwrap_or_default();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("failed to start: {error}"));
    runtime.block_on(async {
        let mut problems = Vec::new();
        for case in cases.iter().filter(|case| case.step.contains(&only)) {
            problems.extend(check(case, trials, make).await);
        }
        assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    });
}

/// Tries one step, and returns what did not hold.
pub async fn check<P: Place>(
    case: &Case<P>,
    trials: &[Trial],
    make: &dyn Fn() -> P,
) -> Vec<String> {
    let mut problems = Vec::new();
    let steps = make().steps();
    let Some(step) = steps.iter().find(|step| step.about().name == case.step) else {
        return vec![format!("there is no step `{}`", case.step)];
    };
    for trial in trials {
        let world = || {
            let place = make();
            (case.world)(&place);
            place
        };
        if let Err(problem) = trial.run(case, step.kind(), &world).await {
            let title = if case.title.is_empty() { "" } else { ", " };
            problems.push(format!("{}{title}{}: {trial:?}: {problem}", case.step, case.title));
        }
    }
    problems
}
