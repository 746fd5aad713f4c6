//! Has a service converged on a secret? Our own predicate, because Swarm's word is not enough.
//!
//! `UpdateStatus` is absent after scaling, for jobs, and just after each update; `completed` comes
//! although a paused node still runs the old task; and the `docker` command calls an automatic
//! rollback a success. So we look at the tasks:
//!
//! | | holds if |
//! |---|---|
//! | a | the spec refers to the secret |
//! | b | every task that is to run, on a node that is not down, has the secret and runs |
//! | c | there are as many of them as wanted; of a global service, one on each of its nodes |
//! | d | no task that is to run is still made from the old spec |
//! | e | the update was not rolled back |
//!
//! An update that the swarm paused is a failure unless all of this holds: then a person has fixed
//! what it failed of, and there is nothing left to update.
//!
//! That it stays so for the time to watch is [`super::watch`]'s part. This one is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use windlass_engine::clock::Millis;
use windlass_engine::mutant::{self, Mutant};

use super::refs;
use super::task::{self, has_failed, is_live, is_state, moment, on_down_node, paused_node, told};
use crate::docker::Nodes;
use crate::object::{Object, listed};

/// So many tasks of the new spec may fail before we stop believing that the next one will run.
const FAILURES_MAX: usize = 3;

/// What the judge finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// (a) to (e) hold now.
    Holds {
        /// How many tasks run.
        running: u64,
        /// How many are wanted.
        wanted: u64,
        /// Swarm itself has watched the tasks for the monitor time of the update.
        watched: bool,
        /// What people should know about this success.
        note: Option<String>,
    },
    /// Not yet.
    NotYet {
        /// How many tasks run with the secret.
        running: u64,
        /// How many are wanted.
        wanted: u64,
        /// What holds it up, as far as the daemon says.
        why: Option<Holdup>,
    },
    /// It will not come to pass by waiting.
    Failed(Failure),
}

/// What holds an update up that may still come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holdup {
    /// Tasks find no node: the scheduler's reason.
    NoNode(String),
    /// Tasks were on nodes that are down: the swarm waits for them, and nothing ends that but an
    /// update that begins anew.
    NodeDown(String),
}

/// Why a service will not converge by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The code of the error.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// A task whose log may tell more.
    pub task: Option<String>,
}

/// True if an update of the service is paused that `--force` would set going. A one-shot task that
/// ran to its end within the monitor time paused it too, and is to run no more.
pub(super) fn is_paused(service: &Value) -> bool {
    let one_shot = service["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"] == "none";
    matches!(update_state(service), "paused" | "rollback_paused") && !one_shot
}

/// Judges a service by its spec and the state of its update alone: enough to fail early, and for a
/// service that is to have no tasks. `None` means: look at the tasks.
pub(super) fn by_spec(service: &Value, secret: &Object, tasks: &[Value]) -> Option<Verdict> {
    let state = update_state(service);
    let carries = refs::count(&service["Spec"], &secret.id) > 0;
    let said = service["UpdateStatus"]["Message"].as_str().unwrap_or_default();
    let failed = |code, message: String| {
        Some(Verdict::Failed(with_worst_task(code, message, tasks, secret)))
    };
    match state {
        "rollback_started" | "rollback_paused" | "rollback_completed" if !carries => {
            failed("rolled_back", format!("the swarm rolled the update back ({said})"))
        }
        _ if !carries => {
            let now = refs::in_words(&service["Spec"]);
            failed(
                "foreign_change",
                format!("somebody changed the service: it now refers to {now}"),
            )
        }
        _ if service["Spec"]["Mode"]["Replicated"]["Replicas"] == 0 => Some(Verdict::Holds {
            running: 0,
            wanted: 0,
            watched: true,
            note: Some("it has 0 replicas: nothing ran with the new secret yet".to_owned()),
        }),
        _ => None,
    }
}

/// Judges a service by its tasks too. `enough` is how many tasks of a service need run that did not
/// run as it should before; nothing of all others. What failed before `since` is not held against it: when a wait
/// is retried, a person has fixed what made those tasks fail.
pub(super) fn judge(
    service: &Value,
    tasks: &[Value],
    nodes: &Nodes,
    secret: &Object,
    since: Millis,
    enough: Option<u64>,
) -> Verdict {
    if let Some(verdict) = by_spec(service, secret, tasks) {
        return verdict;
    }
    if is_job(service) {
        return judge_job(service, tasks, secret);
    }
    let live: Vec<&Value> =
        tasks.iter().filter(|t| is_live(t) && !on_down_node(t, nodes)).collect();
    let (new, old): (Vec<&Value>, Vec<&Value>) =
        live.iter().partition(|t| refs::task_has(t, &secret.id));
    let finished = finished_slots(service, tasks, |t| refs::task_has(t, &secret.id));
    let running = new.iter().filter(|t| is_state(t, "running")).count() + finished;
    let wanted = wanted(service, &live, tasks, nodes);
    let enough = enough.and_then(|n| usize::try_from(n).ok()).filter(|n| *n < wanted);
    let all_there = match enough {
        None => running == wanted && new.iter().all(|t| is_state(t, "running")),
        Some(enough) => running >= enough,
    };
    let all_there = all_there || (running > 0 && mutant::is(Mutant::OneTaskIsEnough));
    if all_there && old.is_empty() {
        // A task that runs to its end within the monitor time counts as a failure for Swarm.
        let ended = finished > 0 && finished == wanted;
        let completed = matches!(update_state(service), "completed" | "rollback_completed");
        return Verdict::Holds {
            running: running as u64,
            wanted: wanted as u64,
            watched: ended || (completed && failure_action(service) != "continue"),
            note: note(service, running, wanted, finished),
        };
    }
    if let Some(failure) = failure(service, tasks, &old, nodes, secret, since) {
        return Verdict::Failed(failure);
    }
    let (running, wanted) = (running as u64, wanted as u64);
    Verdict::NotYet { running, wanted, why: holdup(service, &new, tasks, nodes) }
}

fn holdup(service: &Value, new: &[&Value], tasks: &[Value], nodes: &Nodes) -> Option<Holdup> {
    let mut pending = new.iter().filter(|t| is_state(t, "pending"));
    let pending = pending.find_map(|t| t["Status"]["Err"].as_str().filter(|e| !e.is_empty()));
    if let Some(reason) = pending {
        return Some(Holdup::NoNode(reason.to_owned()));
    }
    let under_way = matches!(update_state(service), "updating" | "rollback_started");
    task::on_down_nodes(tasks, nodes).filter(|_| under_way).map(Holdup::NodeDown)
}

/// Returns how long the tasks must keep running before we believe it: the monitor time of the
/// update, and the delay that Swarm itself waits after the last task.
pub(super) fn watch_time(service: &Value) -> Duration {
    let config = &service["Spec"]["UpdateConfig"];
    let nanos = |v: &Value| v.as_u64().map(Duration::from_nanos);
    let monitor = nanos(&config["Monitor"]).filter(|m| !m.is_zero());
    let monitor = monitor.unwrap_or(Duration::from_secs(5));
    match update_state(service) {
        // Swarm watches max(monitor, delay + 1 s) before it says completed; give it that chance.
        "updating" => {
            let delay = nanos(&config["Delay"]).unwrap_or_default();
            monitor.max(delay + Duration::from_secs(1)) + Duration::from_secs(2)
        }
        _ => monitor,
    }
}

/// Returns the state of the update, or "" if there is none.
pub(super) fn update_state(service: &Value) -> &str {
    service["UpdateStatus"]["State"].as_str().unwrap_or_default()
}

/// Returns a failure with what the task of the new spec says that failed last.
fn with_worst_task(
    code: &'static str,
    message: String,
    tasks: &[Value],
    secret: &Object,
) -> Failure {
    let failed = tasks.iter().filter(|t| has_failed(t) && refs::task_has(t, &secret.id));
    let worst = failed.max_by_key(|t| moment(&t["Status"]["Timestamp"]));
    let why = worst.map(|t| format!("; a task failed: {}", told(t))).unwrap_or_default();
    Failure {
        code,
        message: format!("{message}{why}"),
        task: worst.and_then(|t| t["ID"].as_str()).map(str::to_owned),
    }
}

fn failure(
    service: &Value,
    tasks: &[Value],
    old: &[&Value],
    nodes: &Nodes,
    secret: &Object,
    since: Millis,
) -> Option<Failure> {
    if matches!(update_state(service), "paused" | "rollback_paused") {
        let said = service["UpdateStatus"]["Message"].as_str().unwrap_or_default();
        let message = format!("the swarm paused the update ({said})");
        return Some(with_worst_task("update_paused", message, tasks, secret));
    }
    if let Some(failure) = repeated(service, tasks, secret, since) {
        return Some(failure);
    }
    // The orchestrator passes over paused nodes of global services: the update is over, or never
    // begins, and their tasks stay as they are.
    let paused: BTreeSet<&str> = old.iter().filter_map(|t| paused_node(t, nodes)).collect();
    let all_paused = !old.is_empty() && old.iter().all(|t| paused_node(t, nodes).is_some());
    let over = matches!(update_state(service), "" | "completed");
    if over && all_paused && service["Spec"]["Mode"]["Global"].is_object() {
        let paused: Vec<&str> = paused.into_iter().collect();
        return Some(Failure {
            code: "paused_node",
            message: format!("tasks on paused nodes keep the old secret: {}", listed(&paused, 5)),
            task: None,
        });
    }
    // With start-first, a new task that failed leaves the old one running. The swarm calls that
    // completed, and comes back to it with the next update only.
    if update_state(service) == "completed" && !old.is_empty() && !all_paused {
        return Some(Failure {
            code: "old_tasks",
            message: format!(
                "the swarm calls the update completed, and {} of its tasks still run without the secret",
                old.len()
            ),
            task: None,
        });
    }
    None
}

/// So many tasks of this update have failed that the next one is not worth waiting for. Failures
/// before it began don't count: an undo waits for a secret whose tasks may have failed long ago.
/// Neither do those before `since`, which is of our clock: one that is ahead of the managers' hides
/// the failures of so many seconds, and the wait ends later.
fn repeated(service: &Value, tasks: &[Value], secret: &Object, since: Millis) -> Option<Failure> {
    let started = moment(&service["UpdateStatus"]["StartedAt"])?;
    let since = started.max(jiff::Timestamp::from_millisecond(since).unwrap_or(started));
    let of_this_update = |t: &&Value| {
        has_failed(t) && refs::task_has(t, &secret.id) && moment(&t["CreatedAt"]) >= Some(since)
    };
    let failed: Vec<&Value> = tasks.iter().filter(of_this_update).collect();
    let worst = failed.iter().max_by_key(|t| moment(&t["Status"]["Timestamp"]))?;
    (failed.len() >= FAILURES_MAX).then(|| Failure {
        code: "task_failed",
        message: format!(
            "{} tasks of the new spec failed, the last with: {}",
            failed.len(),
            told(worst)
        ),
        task: worst["ID"].as_str().map(str::to_owned),
    })
}

/// How many tasks should run: the replicas, or one for each node that the service has tasks on.
pub(super) fn wanted(service: &Value, live: &[&Value], tasks: &[Value], nodes: &Nodes) -> usize {
    let mode = &service["Spec"]["Mode"];
    if !mode["Global"].is_object() {
        let replicas = mode["Replicated"]["Replicas"].as_u64().unwrap_or(1);
        return usize::try_from(replicas).unwrap_or(usize::MAX);
    }
    // Between the end of a node's old task and the making of its new one, the old one counts.
    let usable = |t: &&Value| {
        let node = t["NodeID"].as_str().and_then(|id| nodes.get(id));
        node.is_some_and(|n| {
            n["Spec"]["Availability"] == "active" && n["Status"]["State"] == "ready"
        })
    };
    let mut newest: BTreeMap<&str, &Value> = BTreeMap::new();
    for task in tasks.iter().filter(usable) {
        let slot = newest.entry(task["NodeID"].as_str().unwrap_or_default()).or_insert(task);
        if moment(&task["CreatedAt"]) > moment(&slot["CreatedAt"]) {
            *slot = task;
        }
    }
    let mut wanted: BTreeSet<&str> = live.iter().filter_map(|t| t["NodeID"].as_str()).collect();
    // A constraint that stopped matching leaves a node's last task shut down for good; a task that
    // failed there is going to be tried again.
    wanted.extend(newest.iter().filter(|(_, t)| has_failed(t)).map(|(node, _)| *node));
    wanted.len()
}

/// Of a service whose tasks don't restart, a slot whose newest task has ended well is as good as
/// one that runs.
pub(super) fn finished_slots(
    service: &Value,
    tasks: &[Value],
    counts: impl Fn(&Value) -> bool,
) -> usize {
    let condition = service["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"].as_str();
    if !matches!(condition, Some("none" | "on-failure")) {
        return 0;
    }
    let mut newest: BTreeMap<(u64, &str), &Value> = BTreeMap::new();
    for task in tasks {
        let seen = newest.entry(task::slot(task)).or_insert(task);
        if moment(&task["CreatedAt"]) > moment(&seen["CreatedAt"]) {
            *seen = task;
        }
    }
    newest.values().filter(|t| is_state(t, "complete") && counts(t)).count()
}

/// A job is not waited for to its end, which may be hours away: its new tasks must have begun.
fn judge_job(service: &Value, tasks: &[Value], secret: &Object) -> Verdict {
    let iteration = &service["JobStatus"]["JobIteration"]["Index"];
    let now =
        |t: &&Value| t["JobIteration"]["Index"] == *iteration && refs::task_has(t, &secret.id);
    let tasks: Vec<&Value> = tasks.iter().filter(now).collect();
    let begun = tasks.iter().filter(|t| is_state(t, "running") || is_state(t, "complete")).count();
    if let Some(bad) = tasks.iter().find(|t| has_failed(t)).filter(|_| begun == 0) {
        return Verdict::Failed(Failure {
            code: "task_failed",
            message: format!("a task failed: {}", told(bad)),
            task: bad["ID"].as_str().map(str::to_owned),
        });
    }
    match begun {
        0 => Verdict::NotYet { running: 0, wanted: 1, why: None },
        begun => Verdict::Holds {
            running: begun as u64,
            wanted: begun as u64,
            watched: true,
            note: Some("it is a job: it was run again, and its end was not waited for".to_owned()),
        },
    }
}

pub(super) fn is_job(service: &Value) -> bool {
    let mode = &service["Spec"]["Mode"];
    mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object()
}

/// What people should know of a service that holds.
fn note(service: &Value, running: usize, wanted: usize, finished: usize) -> Option<String> {
    let said = service["UpdateStatus"]["Message"].as_str().unwrap_or_default();
    match update_state(service) {
        _ if running < wanted => {
            Some(format!("{running} of {wanted} tasks run: it did not run as it should before"))
        }
        _ if wanted == 0 => Some("no node is suitable for it at the moment".to_owned()),
        _ if finished == wanted => {
            Some("its tasks ran again with the new secret, and to their end".to_owned())
        }
        "paused" | "rollback_paused" => Some(format!(
            "the swarm paused its update ({said}), and all its tasks run nevertheless"
        )),
        _ => None,
    }
}

fn failure_action(service: &Value) -> &str {
    service["Spec"]["UpdateConfig"]["FailureAction"].as_str().unwrap_or("pause")
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
