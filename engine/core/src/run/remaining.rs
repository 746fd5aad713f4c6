//! What is left of a run: the plan that people approve.
//!
//! The script is evaluated as for a plan, with what has been done already walked past. The changes
//! that it would make from here on, each with what it rests on, are what an approval is bound to:
//! asked again when it counts, they must be the same.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::drive::Driver;
use super::plan::{Change, Done, Planned, plan_on};
use crate::id::CallKey;
use crate::journal::Call;
use crate::journal::{Bound, BoundChange, CallStatus, text_hash};
use crate::runbook::Runbook;
use crate::script::STACK_BYTES;
use crate::step::{ErrorClass, StepError};

/// Lines of a difference that people are shown.
const LINES_MAX: usize = 20;

impl Driver {
    /// Returns what an approval is bound to at this moment, as far as that can be told.
    pub(super) fn bound_so_far(&self, runbook: &Runbook) -> Bound {
        // Bound to not knowing why: if it is known when it counts, it is asked again.
        self.bound(runbook).unwrap_or_else(|error| self.bind(vec![unknown(&error)]))
    }

    /// Returns what an approval is bound to at this moment. Reads the world, and changes nothing.
    ///
    /// Blocks. It takes a thread of its own: the script may be as deep as the one that asks.
    ///
    /// # Errors
    /// If the world does not answer just now. That the rest of the run would fail is no error: it is
    /// what is approved, or why an approval lapses.
    pub(crate) fn bound(&self, runbook: &Runbook) -> Result<Bound, StepError> {
        let (params, done) = self.ledger.look(|state| {
            let params = state.created.as_ref().map(|created| created.params.clone());
            (params.unwrap_or_default(), done(&state.calls))
        });
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let planned = std::thread::scope(|scope| {
            let (steps, runtime) = (self.world.steps.clone(), self.world.runtime.clone());
            let (clock, sealed) = (self.ledger.clock().clone(), self.sealed.clone());
            let run = self.ledger.run().clone();
            let params = &params;
            let plan = move || {
                let planned = Planned { run, done, params };
                plan_on(runbook, planned, &steps, runtime, clock, sealed)
            };
            let planning = thread.spawn_scoped(scope, plan);
            planning.map(std::thread::ScopedJoinHandle::join)
        });
        match planned {
            Ok(Ok(Ok((_, changes)))) => Ok(self.bind(changes)),
            Ok(Ok(Err(error))) => match error.error.class {
                ErrorClass::Permanent | ErrorClass::NeedsOperator => {
                    Ok(self.bind(vec![unknown(&error.error)]))
                }
                ErrorClass::Conflict | ErrorClass::Transient | ErrorClass::Ambiguous => {
                    Err(self.redacted(error.error))
                }
            },
            Ok(Err(_)) => Err(StepError::transient("bug", "the plan ended early")),
            Err(error) => Err(StepError::transient("machine", error.to_string())),
        }
    }

    fn bind(&self, changes: Vec<Change>) -> Bound {
        let change = |change: Change| BoundChange {
            key: change.key,
            says: self.sealed.redact(&change.says),
            rests_on: rests_on(&change.args, &change.base),
        };
        let mut changes: Vec<BoundChange> = changes.into_iter().map(change).collect();
        changes.sort();
        let text = serde_json::to_string(&changes).unwrap_or_default();
        Bound { digest: text_hash(text.as_bytes()), changes }
    }

    /// Returns how what would be done now differs from what is asked; nothing if it does not. What
    /// the run itself has begun meanwhile, in other branches, is no difference.
    pub(crate) fn lapsed(&self, then: Option<&Bound>, now: &Bound) -> Option<String> {
        self.ledger.look(|state| difference(then?, now, |key| state.calls.contains_key(key)))
    }
}

fn unknown(error: &StepError) -> Change {
    let says = format!("what comes next can't be told: {}", error.message);
    Change { key: None, says, args: Value::Null, base: Value::Null }
}

/// Returns what calls came to that are over.
pub(super) fn done(calls: &HashMap<CallKey, Call>) -> Done {
    let over = calls.iter().filter_map(|(key, call)| {
        let outcome = match call.status {
            CallStatus::Applied | CallStatus::Settled => Ok(call.output.value()),
            CallStatus::Failed => Err(call.error.clone()?),
            _ => return None,
        };
        Some((key.clone(), outcome))
    });
    over.collect()
}

/// Returns a short hash of what a change rests on: what it is told, and what it found.
fn rests_on(args: &Value, base: &Value) -> String {
    text_hash(format!("{args}\n{base}").as_bytes()).chars().take(12).collect()
}

/// Returns how what would be done now differs from what was asked, but for what has begun.
fn difference(then: &Bound, now: &Bound, begun: impl Fn(&CallKey) -> bool) -> Option<String> {
    if then.digest == now.digest {
        return None;
    }
    let left = |bound: &Bound| -> Vec<(String, String)> {
        let left = bound.changes.iter().filter(|change| !change.key.as_ref().is_some_and(&begun));
        left.map(|change| (change.says.clone(), change.rests_on.clone())).collect()
    };
    let (then, now) = (left(then), left(now));
    if then == now {
        return None;
    }
    let (before, after): (HashSet<_>, HashSet<_>) = (then.iter().collect(), now.iter().collect());
    let said = |changes: &[(String, String)], says: &str| changes.iter().any(|(s, _)| s == says);
    let mut lines = Vec::new();
    for change in now.iter().filter(|change| !before.contains(change)) {
        let what = if said(&then, &change.0) { "rests on something else" } else { "new" };
        lines.push(format!("{what}: {}", change.0));
    }
    for change in then.iter().filter(|change| !after.contains(change)) {
        if !said(&now, &change.0) {
            lines.push(format!("no longer: {}", change.0));
        }
    }
    if lines.is_empty() {
        lines.push("the order of the changes".to_owned());
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bound(changes: &[(&str, &str)]) -> Bound {
        let change = |(n, (says, rests_on)): (u32, &(&str, &str))| BoundChange {
            key: Some(CallKey::ROOT.child(n)),
            says: (*says).to_owned(),
            rests_on: (*rests_on).to_owned(),
        };
        let changes: Vec<BoundChange> = (1..).zip(changes).map(change).collect();
        Bound { digest: text_hash(format!("{changes:?}").as_bytes()), changes }
    }

    fn differ(then: &Bound, now: &Bound) -> Option<String> {
        difference(then, now, |_| false)
    }

    #[test]
    fn what_the_run_has_done_meanwhile_is_no_difference() {
        let then = bound(&[("switch web", "1"), ("switch api", "1")]);
        let mut now = then.clone();
        now.changes.remove(0);
        now.digest = String::new();
        assert!(differ(&then, &now).is_some());
        let first = CallKey::ROOT.child(1);
        assert_eq!(difference(&then, &now, |key| *key == first), None);
    }

    #[test]
    fn a_difference_names_what_is_new_gone_and_changed_underneath() {
        let then = bound(&[("switch web", "1"), ("switch api", "1"), ("remove db_v1", "1")]);
        assert_eq!(differ(&then, &then.clone()), None);
        let now = bound(&[("switch web", "2"), ("switch job", "1"), ("remove db_v1", "1")]);
        let said = differ(&then, &now).unwrap();
        let expected =
            "rests on something else: switch web\nnew: switch job\nno longer: switch api";
        assert_eq!(said, expected);
        let turned = bound(&[("remove db_v1", "1"), ("switch web", "1"), ("switch api", "1")]);
        assert!(differ(&then, &turned).unwrap().contains("order"));
    }

    #[test]
    fn a_change_rests_on_what_it_is_told_and_on_what_it_found() {
        let on = |id: &str, x: u32| rests_on(&json!({ "id": id }), &json!({ "x": x }));
        assert_eq!(on("a", 1), on("a", 1));
        assert_ne!(on("a", 1), on("a", 2));
        assert_ne!(on("a", 1), on("b", 1));
    }
}
