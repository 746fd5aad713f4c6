//! When a service may be written. Each write of a rotation comes through here.
//!
//! While a replacement that is started first is still starting, the old task serves. A second
//! update at that moment finds a task of the spec that is wanted, takes it although it does not run
//! yet, and stops the other one at once: an outage as long as the start takes. So:
//!
//! | the service | may be written |
//! |---|---|
//! | a task starts that the new spec would keep, beside one that runs | when that task runs or has failed |
//! | an update of it is under way | when it is over |
//! | an update of it is paused, and not all tasks run the present spec | not at all: any write sets it going |
//! | the swarm says `updating` for ever, because a node is down; all tasks run what they should | now: the update has nothing left to do |
//! | anything else | now |
//!
//! A change of the references makes the starting task one of another spec, which is not kept; it is
//! the write of the same spec, as a seal is, that does the harm. What decides is pure; the version
//! that an update names sees to it that nobody has written in between.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use windlass_engine::clock::{Millis, millis};
use windlass_engine::mutant::{self, Mutant};
use windlass_engine::step::{Context, StepError};

use super::judge::{self, update_state};
use super::task::{self, is_live, is_state, on_down_node};
use crate::docker::{Nodes, Swarm, Woken};
use crate::look;
use crate::object::Object;

/// How long one look before a write waits for its moment; the call is then tried again.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// How often to look while waiting: of tasks there are no events.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What of a service a write minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Minds {
    /// Tasks that start, and updates that are under way or paused.
    Updates,
    /// Tasks that start: an update may be cut short, or set going.
    Starts,
}

/// Why a service should not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Not just now.
    Passing(String),
    /// Its update is paused: a person has to decide about it.
    Paused,
}

/// Returns why a service should not be written with this task template just now.
pub(super) fn obstacle(
    service: &Value,
    template: &Value,
    tasks: &[Value],
    nodes: &Nodes,
    minds: Minds,
) -> Option<Obstacle> {
    if mutant::is(Mutant::WriteAnyTime) {
        return None;
    }
    if let Some(starting) = would_stop(template, tasks, nodes) {
        let state = starting["Status"]["State"].as_str().unwrap_or("new");
        let reason = starting["Status"]["Err"].as_str().filter(|e| !e.is_empty());
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        return Some(Obstacle::Passing(format!(
            "a task of it is still {state}{reason}, and an update now would stop the one that runs"
        )));
    }
    if minds == Minds::Starts || is_settled(service, tasks, nodes) {
        return None;
    }
    match update_state(service) {
        "updating" | "rollback_started" => {
            let down = task::on_down_nodes(tasks, nodes);
            let down = down.map(|down| format!(": {down}")).unwrap_or_default();
            Some(Obstacle::Passing(format!("an update of it is under way{down}")))
        }
        _ => judge::is_paused(service).then_some(Obstacle::Paused),
    }
}

/// True if what [`obstacle`] says depends on the tasks: they cost a request.
fn depends_on_tasks(service: &Value) -> bool {
    let before = &service["PreviousSpec"]["TaskTemplate"];
    match update_state(service) {
        "completed" | "rollback_completed" => false,
        // An update that is just beginning, unless there is nothing that it could replace.
        "" => !before.is_null() && *before != service["Spec"]["TaskTemplate"],
        _ => true,
    }
}

/// Returns a task that starts and would be kept by an update to this template, in a place where
/// another one runs, which would be stopped.
fn would_stop<'a>(template: &Value, tasks: &'a [Value], nodes: &Nodes) -> Option<&'a Value> {
    let mut places: BTreeMap<(u64, &str), Vec<&Value>> = BTreeMap::new();
    for task in tasks.iter().filter(|t| is_live(t) && !on_down_node(t, nodes)) {
        places.entry(task::slot(task)).or_default().push(task);
    }
    places.into_values().find_map(|place| {
        let kept = place.iter().find(|t| !is_state(t, "running") && task::is_of(t, template))?;
        place.iter().any(|t| is_state(t, "running")).then_some(*kept)
    })
}

/// True if as many tasks as wanted run the present spec, and no other task is to run: whatever the
/// swarm says, there is nothing left to update.
pub(super) fn is_settled(service: &Value, tasks: &[Value], nodes: &Nodes) -> bool {
    let template = &service["Spec"]["TaskTemplate"];
    let live: Vec<&Value> =
        tasks.iter().filter(|t| is_live(t) && !on_down_node(t, nodes)).collect();
    let finished = judge::finished_slots(service, tasks, |t| task::is_of(t, template));
    let all_run = live.iter().all(|t| is_state(t, "running") && task::is_of(t, template));
    all_run && live.len() + finished == judge::wanted(service, &live, tasks, nodes)
}

/// A service that is about to be written.
pub(super) struct Moment<'a> {
    pub(super) service: &'a Object,
    /// What is being done, for errors.
    pub(super) doing: &'a str,
    pub(super) minds: Minds,
    /// When waiting ends.
    pub(super) ends: Millis,
}

impl Moment<'_> {
    /// Waits until the service may be written with the template that `template` makes of it, and
    /// returns it as it is then; nothing if it was removed. `found` is the service if it was just
    /// read. A plan does not wait.
    ///
    /// # Errors
    /// If it can't be read, if the moment does not come in time (transient), or if its update is
    /// paused (permanent).
    pub(super) async fn come(
        &self,
        cx: &Context,
        swarm: &Swarm,
        mut found: Option<Value>,
        template: impl Fn(&Value) -> Value,
    ) -> Result<Option<Value>, StepError> {
        let mut watch = None;
        let mut said = String::new();
        let mut nodes_changed = false;
        loop {
            let service = match found.take() {
                Some(service) => service,
                None => match self.read(swarm).await? {
                    Some(service) => service,
                    None => return Ok(None),
                },
            };
            let template = template(&service);
            let why = match self.obstacle(cx, swarm, &service, &template, nodes_changed).await? {
                Some(Obstacle::Paused) => return Err(self.paused(&service)),
                Some(Obstacle::Passing(why)) if cx.assumed().is_none() => why,
                Some(Obstacle::Passing(_)) | None => return Ok(Some(service)),
            };
            let left = self.ends - cx.now();
            if left <= 0 {
                return Err(self.late(&why));
            }
            if said != why {
                cx.progress(&format!("{}: waiting, because {why}", self.service.name));
                said = why;
            }
            // From here on events are not missed; what happened before shows in the next look.
            let watch = watch.get_or_insert_with(|| swarm.watch(&[&self.service.id]));
            let left = Duration::from_millis(left.unsigned_abs());
            nodes_changed = watch.changed(cx, LOOK_EVERY.min(left)).await == Woken::LookAgain;
        }
    }

    /// Returns the service that was prepared for this write, as it was then; nothing if it was
    /// removed. If it has changed since, its moment may have passed: that is a conflict, and the
    /// call is prepared again.
    pub(super) async fn prepared(
        &self,
        cx: &Context,
        swarm: &Swarm,
        version: u64,
        template: impl Fn(&Value) -> Value,
    ) -> Result<Option<Value>, StepError> {
        if let Some(service) = swarm.handed_on(&self.service.id, version) {
            return Ok(Some(service));
        }
        let Some(service) = self.read(swarm).await? else { return Ok(None) };
        match self.obstacle(cx, swarm, &service, &template(&service), false).await? {
            None => Ok(Some(service)),
            Some(_) => {
                let message = format!("{}: it was changed meanwhile", self.doing);
                Err(StepError::conflict("update_in_progress", message))
            }
        }
    }

    /// Returns why the service should not be written with this template just now.
    async fn obstacle(
        &self,
        cx: &Context,
        swarm: &Swarm,
        service: &Value,
        template: &Value,
        nodes_changed: bool,
    ) -> Result<Option<Obstacle>, StepError> {
        // A plan does not wait, and tells of nothing but an update that is paused.
        let planning = cx.assumed().is_some();
        if !depends_on_tasks(service) || (planning && !judge::is_paused(service)) {
            return Ok(None);
        }
        let tasks = swarm.tasks_of(&[&self.service.id]).await;
        let tasks = tasks.map_err(|e| e.reading(self.doing))?;
        let nodes = look::nodes(cx, swarm, !nodes_changed).await;
        let nodes = nodes.map_err(|e| e.reading(self.doing))?;
        Ok(obstacle(service, template, &tasks, &nodes, self.minds))
    }

    async fn read(&self, swarm: &Swarm) -> Result<Option<Value>, StepError> {
        swarm.service(&self.service.id).await.map_err(|e| e.reading(self.doing))
    }

    fn paused(&self, service: &Value) -> StepError {
        let said = service["UpdateStatus"]["Message"].as_str().unwrap_or_default();
        let message =
            format!("{}: its update is paused ({said}), and writing would resume it", self.doing);
        StepError::permanent("update_paused", message).hint(format!(
            "`docker service ps --no-trunc {0}` shows why. When that is fixed, `docker service \
             update --force {0}` lets the update go on.",
            self.service.name
        ))
    }

    fn late(&self, why: &str) -> StepError {
        let message = format!("{}: {why}", self.doing);
        StepError::transient("update_in_progress", message).hint(format!(
            "`docker service ps --no-trunc {0}` shows the update. If it makes no progress, `docker \
             service update --force {0}` restarts it, also while a node is down.",
            self.service.name
        ))
    }
}

/// Returns when a look before a write gives up for now.
pub(super) fn for_now(cx: &Context) -> Millis {
    cx.now() + millis(PATIENCE)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
