//! Does a service run as it should? Asked before a run changes anything: an update of a service
//! whose rollout is paused sets that rollout going, and one that can't run does not run any better
//! with another secret. Pure.
//!
//! | it does not, if | because |
//! |---|---|
//! | its update or its rollback is paused | any write sets it going again |
//! | an update or a rollback of it is under way | a second one would cut in |
//! | fewer tasks run than are wanted | the wait for the new ones would not end |
//! | tasks of another spec run | its present spec has not shown yet that it works |
//!
//! A service with 0 replicas is healthy, and so is a job: what it does is its own affair.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::judge::{self, is_paused, update_state};
use super::task::{self, is_live, is_state, on_down_node};
use crate::docker::Nodes;
use crate::object::Object;

/// A service that does not run as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unhealthy {
    /// The full ID.
    pub id: String,
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
    /// How many of its tasks run.
    pub running: u64,
    /// True if its update or its rollback is paused: any update of it sets that going again.
    pub paused: bool,
    /// True if it may be over in a moment: an update is under way, or tasks start, and none failed.
    #[serde(skip)]
    pub(super) passing: bool,
}

/// Returns what is known to be wrong with a service.
pub(super) fn of<'a>(unhealthy: &'a [Unhealthy], service: &Object) -> Option<&'a Unhealthy> {
    unhealthy.iter().find(|one| one.id == service.id)
}

/// Returns what is wrong with a service; nothing if it runs as it should.
pub fn unhealthy(service: &Value, tasks: &[Value], nodes: &Nodes) -> Option<Unhealthy> {
    if judge::is_job(service) {
        return None;
    }
    let live: Vec<&Value> =
        tasks.iter().filter(|t| is_live(t) && !on_down_node(t, nodes)).collect();
    let wanted = judge::wanted(service, &live, tasks, nodes);
    let running = live.iter().filter(|t| is_state(t, "running")).count()
        + judge::finished_slots(service, tasks, |_| true);
    if wanted == 0 {
        return None;
    }
    let mut wrong = Vec::from_iter(of_update(service));
    let mut passing = matches!(update_state(service), "" | "updating" | "rollback_started");
    if running < wanted {
        let why = lacking(tasks, nodes);
        passing &= why.is_none();
        let why = why.or_else(|| starting(tasks));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        wrong.push(format!("{running} of {wanted} tasks run{why}"));
    } else if wrong.is_empty() {
        let stale = live.iter().filter(|t| !task::is_of(t, &service["Spec"]["TaskTemplate"]));
        let stale = stale.count();
        if stale > 0 {
            wrong.push(format!(
                "{stale} of {wanted} tasks run with another spec than the service has now"
            ));
        }
    }
    let Object { id, name } = Object::of(service);
    (!wrong.is_empty()).then(|| Unhealthy {
        id,
        name,
        why: wrong.join("; "),
        running: running as u64,
        paused: is_paused(service),
        passing,
    })
}

fn of_update(service: &Value) -> Option<String> {
    let said = service["UpdateStatus"]["Message"].as_str().filter(|said| !said.is_empty());
    let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
    match update_state(service) {
        "paused" if is_paused(service) => Some(format!("its update is paused{said}")),
        "rollback_paused" if is_paused(service) => Some(format!("its rollback is paused{said}")),
        "updating" => Some("an update of it is under way".to_owned()),
        "rollback_started" => Some(format!("the swarm is rolling it back{said}")),
        _ => None,
    }
}

/// Returns why tasks are missing, if the daemon gives a reason that waiting does not fix.
fn lacking(tasks: &[Value], nodes: &Nodes) -> Option<String> {
    let pending = |t: &&Value| is_live(t) && is_state(t, "pending");
    let reason =
        |t: &Value| t["Status"]["Err"].as_str().filter(|e| !e.is_empty()).map(str::to_owned);
    if let Some(reason) = tasks.iter().filter(pending).find_map(reason) {
        return Some(reason);
    }
    let runs =
        |slot| tasks.iter().any(|t| is_live(t) && is_state(t, "running") && task::slot(t) == slot);
    let failed = tasks.iter().filter(|t| task::has_failed(t) && !runs(task::slot(t)));
    if let Some(failed) = failed.max_by_key(|t| task::moment(&t["Status"]["Timestamp"])) {
        return Some(format!("a task failed: {}", task::told(failed)));
    }
    task::on_down_nodes(tasks, nodes)
}

fn starting(tasks: &[Value]) -> Option<String> {
    let starting = tasks.iter().find(|t| is_live(t) && !is_state(t, "running"))?;
    Some(format!("a task is {}", starting["Status"]["State"].as_str().unwrap_or("new")))
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
