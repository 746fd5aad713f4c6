//! A plan: the script evaluated against the world as it is, changing nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::call::{LOOK_DEADLINE, within};
use crate::clock::{Clock, Millis, millis};
use crate::id::{CallKey, RunId};
use crate::journal::Identity;
use crate::runbook::Runbook;
use crate::script::{CallFailure, Caller, Halt, Look, ScriptFailure};
use crate::secret::SealedValues;
use crate::step::{
    Assumed, Context, ErrorClass, Kind, Mode, PlannedRisk, Registry, Risks, StepError,
};
use crate::wait::{Wait, is_wait};

/// How long a plan may take. Each look has a deadline of its own, and a runbook may make thousands:
/// a swarm that answers too slowly must not hold a thread for hours.
const PLAN_PATIENCE: Duration = Duration::from_secs(300);

/// What a run would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Plan {
    /// How the place is reached where it would be done.
    pub place: String,
    /// Which place that is; absent if the run needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The calls that would be made, in order of place.
    pub calls: Vec<PlannedCall>,
    /// Services that restart, and how often.
    pub restarts: BTreeMap<String, u32>,
    /// What to know before saying yes, of the run as a whole; the worst first.
    pub risks: Vec<PlannedRisk>,
    /// The call after which the run could only go forward.
    pub pivot: Option<CallKey>,
}

/// A call in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct PlannedCall {
    /// Its place.
    pub key: CallKey,
    /// Its step.
    pub step: String,
    /// Its kind.
    pub kind: Kind,
    /// What it would do.
    pub says: String,
    /// How long it takes, in milliseconds, if that is known before: a wait for the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_ms: Option<i64>,
}

impl Plan {
    /// Returns the calls that change something.
    pub fn changes(&self) -> impl Iterator<Item = &PlannedCall> {
        self.calls.iter().filter(|call| call.kind.changes())
    }

    /// True if it rests on what people answer, or on what is so after a wait: that is assumed.
    pub fn assumes(&self) -> bool {
        self.calls.iter().any(|call| is_wait(&call.step))
    }
}

/// Why there is no whole plan: a run would fail here.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a run {}", self.says())]
pub struct PlanError {
    /// What went wrong.
    pub error: StepError,
    /// What would have been done by then.
    pub before: Box<Plan>,
}

impl PlanError {
    /// True if every run that begins now fails so: the mistake is not one that may pass, and rests
    /// on nothing that the plan had to assume.
    pub fn is_certain(&self) -> bool {
        use ErrorClass::{NeedsOperator, Permanent};
        matches!(self.error.class, Permanent | NeedsOperator) && !self.before.assumes()
    }

    /// Returns what a run would come to: "would fail before it changes anything: ...".
    pub fn says(&self) -> String {
        let error = &self.error.message;
        match (self.before.changes().count(), &self.before.pivot) {
            (0, _) => format!("would fail before it changes anything: {error}"),
            (changes, None) => {
                format!("would make {}, then fail, and undo everything: {error}", counted(changes))
            }
            (changes, Some(pivot)) => format!(
                "would make {}, then fail, and be stuck: after call {pivot} there is no way back: {error}",
                counted(changes)
            ),
        }
    }
}

fn counted(changes: usize) -> String {
    if changes == 1 { "1 change".to_owned() } else { format!("{changes} changes") }
}

/// What calls came to that are over already.
pub(super) type Done = HashMap<CallKey, Result<Value, StepError>>;

/// A change in a plan, with what it rests on.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) key: Option<CallKey>,
    pub(super) says: String,
    pub(super) args: Value,
    pub(super) base: Value,
}

/// The run that is planned, and what of it is done.
pub(super) struct Planned<'a> {
    pub(super) run: RunId,
    pub(super) params: &'a Map<String, Value>,
    pub(super) done: Done,
}

struct Planner {
    run: RunId,
    done: Done,
    steps: Registry,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    /// When it is given up.
    until: Millis,
    sealed: Arc<SealedValues>,
    assumed: Arc<Assumed>,
    plan: Mutex<Sketch>,
}

/// A plan that is being made.
#[derive(Clone, Default)]
struct Sketch {
    plan: Plan,
    changes: Vec<Change>,
    risks: Risks,
}

/// Makes a plan. Blocks; call it on a thread of its own.
pub(crate) fn plan(
    runbook: &Runbook,
    params: &Map<String, Value>,
    steps: &Registry,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    sealed: Arc<SealedValues>,
) -> Result<Plan, PlanError> {
    let planned = Planned { run: RunId::from("plan"), params, done: Done::new() };
    plan_on(runbook, planned, steps, runtime, clock, sealed).map(|(plan, _)| plan)
}

/// Makes a plan of what is left of a run, and returns its changes with what they rest on.
pub(super) fn plan_on(
    runbook: &Runbook,
    planned: Planned<'_>,
    steps: &Registry,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    sealed: Arc<SealedValues>,
) -> Result<(Plan, Vec<Change>), PlanError> {
    let Planned { run, params, done } = planned;
    let planner = Arc::new(Planner {
        run,
        done,
        steps: steps.clone(),
        runtime,
        until: clock.now().saturating_add(millis(PLAN_PATIENCE)),
        clock,
        sealed,
        assumed: Arc::default(),
        plan: Mutex::default(),
    });
    let caller: Arc<dyn Caller> = planner.clone();
    let result = runbook.script().evaluate(params, steps, caller);
    let Sketch { mut plan, changes, risks } = planner.lock().clone();
    plan.calls.sort_by(|a, b| a.key.cmp(&b.key));
    plan.risks = risks.gathered();
    match result {
        Ok(_) => Ok((plan, changes)),
        Err(ScriptFailure::Failed(failure)) => {
            let (mut error, key, place) = *failure;
            if key.is_none() {
                error.message = format!("{}\n{place}", error.message);
            }
            Err(PlanError { error, before: Box::new(plan) })
        }
        Err(ScriptFailure::Halted(halt)) => {
            let error = match halt {
                Halt::Stuck(error, _) | Halt::Failed(error, _) => error,
                other => StepError::permanent("bug", format!("the plan was parked: {other:?}")),
            };
            Err(PlanError { error, before: Box::new(plan) })
        }
    }
}

/// Returns what a change found, without what an approval is not bound to.
fn bound(mut base: Value, unbound: &[Cow<'static, str>]) -> Value {
    if let Value::Object(fields) = &mut base {
        for field in unbound {
            fields.remove(field.as_ref());
        }
    }
    base
}

impl Planner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Sketch> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller for Planner {
    fn call(&self, key: &CallKey, name: &str, args: Value) -> Result<Value, CallFailure> {
        if let Some(outcome) = self.done.get(key) {
            return outcome.clone().map_err(CallFailure::Error);
        }
        let Some(step) = self.steps.get(name) else {
            let error = StepError::permanent("no_such_step", format!("there is no step `{name}`"));
            return Err(CallFailure::Error(error));
        };
        if self.clock.now() > self.until {
            let message = format!("the plan took longer than {} s", PLAN_PATIENCE.as_secs());
            let error = StepError::permanent("too_slow", message);
            return Err(CallFailure::Error(
                error.hint("The swarm answers slowly: try again later."),
            ));
        }
        let cx = Context {
            run: self.run.clone(),
            key: key.clone(),
            mode: Mode::Plan(self.assumed.clone()),
            clock: self.clock.clone(),
            sealed: self.sealed.clone(),
            progress: Arc::new(|_| {}),
            before: serde_json::Value::Null,
        };
        let looking = within(LOOK_DEADLINE, Kind::Read, step.prepare(&cx, &args));
        let preview = self.runtime.block_on(looking).map_err(CallFailure::Error)?;
        let takes_ms = step.takes(&args).map(millis);
        let mut planned = self.lock();
        let Sketch { plan, changes, risks } = &mut *planned;
        let kind = step.kind();
        if kind.changes() {
            let (key, says) = (Some(key.clone()), preview.says.clone());
            let base = bound(preview.base, &step.unbound());
            changes.push(Change { key, says, args, base });
        }
        let (key, step) = (key.clone(), name.to_owned());
        plan.calls.push(PlannedCall { key: key.clone(), step, kind, says: preview.says, takes_ms });
        for service in preview.restarts {
            *plan.restarts.entry(service).or_default() += 1;
        }
        preview.risks.into_iter().for_each(|risk| risks.tell(risk));
        if kind == Kind::Destroy && plan.pivot.is_none() {
            plan.pivot = Some(key);
        }
        Ok(preview.expected)
    }

    fn wait(
        &self,
        key: &CallKey,
        name: &str,
        args: Value,
        _: Look<'_>,
    ) -> Result<Value, CallFailure> {
        if let Some(outcome) = self.done.get(key) {
            return outcome.clone().map_err(CallFailure::Error);
        }
        let wait = Wait::parse(name, &args).map_err(|error| {
            CallFailure::Error(StepError::permanent("bad_arguments", error.to_string()))
        })?;
        let now = self.clock.now();
        let takes_ms = match &wait {
            // These end at their time; the others at theirs at the latest.
            Wait::Sleep(_) | Wait::Window(_) => wait.until(now).ok().flatten().map(|at| at - now),
            Wait::Until(_) | Wait::Approve(_) | Wait::Ask(_) => None,
        };
        let (key, step, mut says) = (key.clone(), name.to_owned(), wait.says());
        let mut sketch = self.lock();
        if matches!(wait, Wait::Ask(_)) {
            // Nobody must take what is made of a made-up answer for given.
            says += " (what follows assumes an answer)";
            let (key, says) = (Some(key.clone()), says.clone());
            sketch.changes.push(Change { key, says, args, base: Value::Null });
        }
        sketch.plan.calls.push(PlannedCall { key, step, kind: Kind::Wait, says, takes_ms });
        Ok(wait.assumed())
    }

    fn read(&self, _: &CallKey, _: &str, _: Value) -> Result<Value, CallFailure> {
        let error = StepError::permanent("bug", "a plan evaluates no conditions");
        Err(CallFailure::Error(error))
    }

    fn parallel(&self, _: &CallKey, _: u32, _: u32) -> Result<(), CallFailure> {
        Ok(())
    }

    fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A swarm moves versions by itself: an approval that was bound to one lapsed within seconds.
    #[test]
    fn what_a_step_does_not_bind_an_approval_to_is_left_out() {
        let found = |version: u32, x: u32| json!({ "version": version, "x": x });
        let on = |base| bound(base, &["version".into()]);
        assert_eq!(on(found(1, 1)), on(found(2, 1)));
        assert_ne!(on(found(1, 1)), on(found(1, 2)));
        assert_ne!(bound(found(1, 1), &[]), bound(found(2, 1), &[]));
    }
}
