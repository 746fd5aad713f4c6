//! A plan: the script evaluated against the world as it is, changing nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::call::{LOOK_DEADLINE, within};
use crate::clock::Clock;
use crate::id::{CallKey, RunId};
use crate::runbook::Runbook;
use crate::script::{CallFailure, Caller, Halt, ScriptFailure};
use crate::secret::SealedValues;
use crate::step::{Assumed, Context, Kind, Mode, Registry, StepError};

/// What a run would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Plan {
    /// The calls that would be made, in order of place.
    pub calls: Vec<PlannedCall>,
    /// Services that restart, and how often.
    pub restarts: BTreeMap<String, u32>,
    /// What to know before saying yes; each once.
    pub risks: Vec<String>,
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
}

/// Why there is no plan: the run would fail here, before it changes anything.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct PlanError {
    /// What went wrong.
    pub error: StepError,
}

struct Planner {
    steps: Registry,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    sealed: Arc<SealedValues>,
    assumed: Arc<Assumed>,
    plan: Mutex<Plan>,
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
    let planner = Arc::new(Planner {
        steps: steps.clone(),
        runtime,
        clock,
        sealed,
        assumed: Arc::default(),
        plan: Mutex::default(),
    });
    let caller: Arc<dyn Caller> = planner.clone();
    let result = runbook.script().evaluate(params, steps, caller);
    let mut plan = planner.lock().clone();
    plan.calls.sort_by(|a, b| a.key.cmp(&b.key));
    match result {
        Ok(_) => Ok(plan),
        Err(ScriptFailure::Failed(failure)) => {
            let (mut error, key, place) = *failure;
            if key.is_none() {
                error.message = format!("{}\n{place}", error.message);
            }
            Err(PlanError { error })
        }
        Err(ScriptFailure::Halted(halt)) => {
            let error = match halt {
                Halt::Stuck(error, _) | Halt::Failed(error, _) => error,
                other => StepError::permanent("bug", format!("the plan was put away: {other:?}")),
            };
            Err(PlanError { error })
        }
    }
}

impl Planner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller for Planner {
    fn call(&self, key: &CallKey, name: &str, args: Value) -> Result<Value, CallFailure> {
        let Some(step) = self.steps.get(name) else {
            let error = StepError::permanent("no_such_step", format!("there is no step `{name}`"));
            return Err(CallFailure::Error(error));
        };
        let cx = Context {
            run: RunId::from("plan"),
            key: key.clone(),
            mode: Mode::Plan(self.assumed.clone()),
            clock: self.clock.clone(),
            sealed: self.sealed.clone(),
            progress: Arc::new(|_| {}),
        };
        let looking = within(LOOK_DEADLINE, Kind::Read, step.prepare(&cx, &args));
        let preview = self.runtime.block_on(looking).map_err(CallFailure::Error)?;
        let mut plan = self.lock();
        let (step, kind) = (name.to_owned(), step.kind());
        plan.calls.push(PlannedCall { key: key.clone(), step, kind, says: preview.says });
        for service in preview.restarts {
            *plan.restarts.entry(service).or_default() += 1;
        }
        for risk in preview.risks {
            if !plan.risks.contains(&risk) {
                plan.risks.push(risk);
            }
        }
        if kind == Kind::Destroy && plan.pivot.is_none() {
            plan.pivot = Some(key.clone());
        }
        Ok(preview.expected)
    }

    fn parallel(&self, _: &CallKey, _: u32, _: u32) -> Result<(), CallFailure> {
        Ok(())
    }

    fn branch_failed(&self) {}

    fn halting(&self) -> bool {
        false
    }

    fn print(&self, _: &str) {}

    fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
}
