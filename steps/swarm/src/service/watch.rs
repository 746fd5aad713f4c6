//! Waits until a service has converged: when to look, how long to watch, when to give up.
//!
//! Looking costs requests, and a swarm of 200 services rotates many at once. So the service itself
//! is read again only when an event says that it changed (or when there is no stream of events),
//! and the tasks, of which there are no events, at growing intervals: a rolling update of ten
//! seconds takes about four requests.

use std::time::Duration;

use serde_json::Value;
use windlass_engine::clock::{Millis, millis};
use windlass_engine::step::{Context, ErrorClass, StepError};

use super::judge::{self, Failure, Holdup, Verdict};
use crate::docker::{Nodes, Swarm, Watch, Woken};
use crate::object::Object;

/// How long a daemon may be away during a wait before the wait says so: a manager that restarts is
/// back sooner.
const TROUBLE_MAX: Duration = Duration::from_secs(60);

/// A stream of events can die without a word (a laptop that slept): what was read longer ago than
/// this is read again.
const SEEN_KEEP: Duration = Duration::from_secs(30);

/// How many lines of a failed task's log go with the error.
const LOG_LINES: u32 = 10;

/// What a wait came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    pub running: u64,
    pub wanted: u64,
    pub note: Option<String>,
    /// The manager that leads the swarm at the end, as far as it was looked at.
    pub leader: Option<String>,
}

/// What is waited for.
pub(super) struct Goal<'a> {
    pub(super) service: &'a Object,
    pub(super) secret: &'a Object,
    /// How many tasks need run, if the service did not run as it should before.
    pub(super) enough: Option<u64>,
    /// Tasks that failed before don't count.
    pub(super) since: Millis,
    pub(super) ends: Millis,
}

/// Waits until a service has converged on a secret.
pub(super) async fn until_converged(
    cx: &Context,
    swarm: &Swarm,
    goal: &Goal<'_>,
) -> Result<Settled, StepError> {
    let Goal { service, secret, ends, .. } = goal;
    let doing = format!("wait for {} to run with {}", service.name, secret.name);
    let mut watch = swarm.watch(&[&service.id]);
    let mut eye = Eye::new(goal);
    let mut patience = Patience::default();
    let mut progress = String::new();
    loop {
        let verdict = match eye.look(cx, swarm, &doing).await {
            Ok(verdict) => {
                patience.restore();
                verdict
            }
            Err(error) => {
                patience.bear(cx, error)?;
                eye.forget();
                None
            }
        };
        let (text, at_most) = match &verdict {
            Some(Verdict::Failed(failure)) => {
                return Err(failed(cx, swarm, &doing, service, failure).await);
            }
            Some(Verdict::Holds { running, wanted, note, watched }) => {
                let left = if *watched { Duration::ZERO } else { eye.left_to_watch(cx) };
                if left.is_zero() {
                    let (note, leader) = (note.clone(), eye.leader.take());
                    return Ok(Settled { running: *running, wanted: *wanted, note, leader });
                }
                (format!("{running} of {wanted} tasks run {}, watching them", secret.name), left)
            }
            Some(Verdict::NotYet { running, wanted, why }) => {
                let why = match why {
                    Some(Holdup::NoNode(reason)) => format!(": {reason}"),
                    Some(Holdup::NodeDown(down)) => {
                        format!(": {down}; {}", hint("node_down", &service.name))
                    }
                    None => String::new(),
                };
                let text = format!("{running} of {wanted} tasks run {}{why}", secret.name);
                (text, eye.interval(&watch))
            }
            None => (String::new(), eye.interval(&watch)),
        };
        if !text.is_empty() && text != progress {
            cx.progress(&format!("{}: {text}", service.name));
            progress = text;
        }
        let left = ends - cx.now();
        if left <= 0 {
            return Err(late(&doing, service, verdict));
        }
        let left = Duration::from_millis(left.unsigned_abs());
        eye.wait(cx, &mut watch, at_most.min(left)).await;
    }
}

/// One watcher of one service: what it saw, and when it wants to look again.
struct Eye<'a> {
    goal: &'a Goal<'a>,
    /// The service as last read; nothing if it must be read again.
    seen: Option<Value>,
    seen_at: Millis,
    /// Since when these tasks have been running.
    steady: Option<(Millis, Vec<String>)>,
    looks: u32,
    fresh_nodes: bool,
    leader: Option<String>,
}

impl<'a> Eye<'a> {
    fn new(goal: &'a Goal<'a>) -> Self {
        let (seen, seen_at, steady, looks, fresh_nodes) = (None, 0, None, 0, false);
        Eye { goal, seen, seen_at, steady, looks, fresh_nodes, leader: None }
    }

    /// After trouble with the daemon nothing that was seen before counts: the managers may have
    /// chosen another leader.
    fn forget(&mut self) {
        self.seen = None;
        self.steady = None;
        self.fresh_nodes = true;
    }

    /// Looks and judges. Nothing if there is no point yet in looking at the tasks.
    async fn look(
        &mut self,
        cx: &Context,
        swarm: &Swarm,
        doing: &str,
    ) -> Result<Option<Verdict>, StepError> {
        let Goal { service, secret, since, enough, .. } = self.goal;
        let id = service.id.as_str();
        let read = |error: crate::docker::DockerError| error.reading(doing);
        if self.looks == 0 && swarm.was_written(id) {
            // An update of ours has just begun: its end will be told.
            self.looks = 1;
            return Ok(None);
        }
        // Before a success is believed, the service is read once more.
        let stale = cx.now() - self.seen_at > millis(SEEN_KEEP) || self.steady.is_some();
        let service = match self.seen.take().filter(|_| !stale) {
            Some(service) => service,
            None => {
                self.seen_at = cx.now();
                let found = swarm.service(id).await.map_err(read)?;
                found.ok_or_else(|| gone(doing))?
            }
        };
        self.looks += 1;
        let service = self.seen.insert(service);
        let decided = judge::by_spec(service, secret, &[]).is_some();
        if self.looks == 1 && !decided && judge::update_state(service) == "updating" {
            return Ok(None);
        }
        let tasks = swarm.tasks_of(&[id]).await.map_err(read)?;
        let verdict = if decided {
            judge::judge(service, &tasks, &Nodes::new(), secret, *since, *enough)
        } else {
            let nodes = swarm.nodes_lately(cx.now(), !self.fresh_nodes).await.map_err(read)?;
            self.fresh_nodes = false;
            self.leader = leader(&nodes);
            judge::judge(service, &tasks, &nodes, secret, *since, *enough)
        };
        self.steady = match verdict {
            Verdict::Holds { .. } => Some(self.steadied(cx, &tasks)),
            _ => None,
        };
        Ok(Some(verdict))
    }

    /// Returns since when just these tasks have been running: a task that failed and was replaced
    /// between two looks shows by its ID.
    fn steadied(&mut self, cx: &Context, tasks: &[Value]) -> (Millis, Vec<String>) {
        let running = tasks.iter().filter(|t| t["Status"]["State"] == "running");
        let mut running: Vec<String> =
            running.filter_map(|t| t["ID"].as_str().map(str::to_owned)).collect();
        running.sort();
        match self.steady.take() {
            Some((since, before)) if before == running => (since, before),
            _ => (cx.now(), running),
        }
    }

    fn left_to_watch(&self, cx: &Context) -> Duration {
        let (Some((since, _)), Some(service)) = (&self.steady, &self.seen) else {
            return Duration::from_secs(1);
        };
        let until = since + millis(judge::watch_time(service));
        Duration::from_millis((until - cx.now()).max(0).unsigned_abs())
    }

    /// How long to wait for an event before looking at the tasks.
    fn interval(&self, watch: &Watch) -> Duration {
        let (first, most) = match watch.is_open() {
            true => (10_000, 30_000),
            false => (250, 2_000),
        };
        let grown =
            f64::from(first) * 2_f64.powi(i32::try_from(self.looks).unwrap_or(30).min(30) - 1);
        Duration::from_millis((grown as u64).clamp(250, most))
    }

    /// Waits for a reason to look again.
    async fn wait(&mut self, cx: &Context, watch: &mut Watch, at_most: Duration) {
        let until = cx.now() + millis(at_most);
        loop {
            let left = Duration::from_millis((until - cx.now()).max(0).unsigned_abs());
            match watch.changed(cx, left).await {
                // An update that has begun is no news: its end will be.
                Woken::Changed(event) if event.update_state.as_deref() == Some("updating") => {
                    if let Some(seen) = &mut self.seen
                        && judge::update_state(seen).is_empty()
                    {
                        self.seen = None;
                    }
                    if left.is_zero() {
                        return;
                    }
                }
                Woken::Changed(_) => {
                    self.seen = None;
                    return;
                }
                Woken::LookAgain => {
                    self.seen = None;
                    self.fresh_nodes = true;
                    return;
                }
                Woken::TimeUp => {
                    if !watch.is_open() {
                        self.seen = None;
                    }
                    return;
                }
            }
        }
    }
}

/// Bears with a daemon that is away for a while.
#[derive(Default)]
pub(super) struct Patience {
    since: Option<Millis>,
}

impl Patience {
    /// Returns the error if it can't be borne with.
    pub(super) fn bear(&mut self, cx: &Context, error: StepError) -> Result<(), StepError> {
        let since = *self.since.get_or_insert(cx.now());
        if error.class != ErrorClass::Transient || cx.now() - since > millis(TROUBLE_MAX) {
            return Err(error);
        }
        cx.progress(&format!("still waiting: {}", error.message));
        Ok(())
    }

    pub(super) fn restore(&mut self) {
        self.since = None;
    }
}

/// Returns the name of the manager that leads the swarm.
pub(super) fn leader(nodes: &Nodes) -> Option<String> {
    let leader = nodes.values().find(|node| node["ManagerStatus"]["Leader"] == true)?;
    leader["Description"]["Hostname"].as_str().map(str::to_owned)
}

/// The code of the error that a service was removed.
pub(super) const GONE: &str = "service_gone";

/// The service is no more.
pub(super) fn gone(doing: &str) -> StepError {
    StepError::permanent(GONE, format!("{doing}: the service was removed"))
}

/// Makes an error of a failure, with the last lines of the task that failed.
pub(super) async fn failed(
    cx: &Context,
    swarm: &Swarm,
    doing: &str,
    service: &Object,
    failure: &Failure,
) -> StepError {
    let mut message = format!("{doing}: {}", failure.message);
    let log = match &failure.task {
        Some(task) => swarm.last_log_lines(task, LOG_LINES).await,
        None => None,
    };
    if let Some(log) = log {
        message.push_str("; its last lines:\n");
        message.push_str(&cx.redact_foreign(&log));
    }
    StepError::permanent(failure.code, message).hint(hint(failure.code, &service.name))
}

fn hint(code: &str, service: &str) -> String {
    match code {
        "paused_node" => {
            "Run `docker node update --availability active NODE`, or remove the task from it."
                .to_owned()
        }
        "old_tasks" => {
            format!("`docker service update --force {service}` restarts all of its tasks.")
        }
        "update_paused" => format!(
            "`docker service ps --no-trunc {service}` shows why. When that is fixed, `docker service \
             update --force {service}` sets the update going again."
        ),
        "rolled_back" => format!(
            "`docker service ps --no-trunc {service}` shows why. If it is to be tried again after \
             that is fixed: `docker service update --secret-rm ... --secret-add \
             source=...,target=... {service}`."
        ),
        "node_down" => format!(
            "`docker service update --force {service}` restarts the update, without that node"
        ),
        "foreign_change" => {
            format!("See who deploys {service}: `docker service inspect {service}`.")
        }
        _ => format!(
            "`docker service ps --no-trunc {service}` and `docker service logs {service}` show why."
        ),
    }
}

fn late(doing: &str, service: &Object, verdict: Option<Verdict>) -> StepError {
    let (code, message) = match verdict {
        Some(Verdict::NotYet { why: Some(Holdup::NoNode(why)), running, wanted }) => (
            "pending",
            format!(
                "{doing}: {running} of {wanted} tasks run, and the others can't be placed: {why}"
            ),
        ),
        Some(Verdict::NotYet { why: Some(Holdup::NodeDown(why)), running, wanted }) => (
            "node_down",
            format!(
                "{doing}: {running} of {wanted} tasks run, and the update makes no progress: {why}"
            ),
        ),
        Some(Verdict::NotYet { running, wanted, .. } | Verdict::Holds { running, wanted, .. }) => (
            "timed_out",
            format!(
                "{doing}: only {running} of {wanted} tasks run steadily after the time allowed"
            ),
        ),
        _ => ("timed_out", format!("{doing}: timed out")),
    };
    StepError::permanent(code, message).hint(hint(code, &service.name))
}
