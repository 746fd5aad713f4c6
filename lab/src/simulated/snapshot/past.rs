//! What the tasks of a snapshot tell of a service: where it ran, what failed there, and how.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::simulated::model::ailment::{How, Place};
use crate::simulated::model::id::Id;
use crate::simulated::model::task::Slot;

/// A task that gets no further for so long hangs.
const HANGS_MS: i64 = 60_000;
/// Tasks that end less often than this don't go round in circles.
const CIRCLE_MS_MAX: i64 = 600_000;
/// What a container needs to start, about.
const START_MS: i64 = 1_000;

/// What is known of a service.
#[derive(Debug, Default)]
pub(super) struct Past<'a> {
    /// By slot, as many as the snapshot has tasks of.
    pub(super) slots: BTreeMap<Slot, SlotPast<'a>>,
    /// What is wrong with it, and where.
    pub(super) ails: Option<(Place, How)>,
}

/// What is known of a slot.
#[derive(Debug, Default)]
pub(super) struct SlotPast<'a> {
    /// The task that is to run, if there is one.
    live: Option<&'a Value>,
    /// The tasks of the present spec that ended by themselves, in the order in which they did.
    ended: Vec<&'a Value>,
}

/// Returns the tasks' story, service by service.
pub(super) fn told(tasks: &[Value]) -> BTreeMap<Id, Past<'_>> {
    let id = |task: &Value, key: &str| task[key].as_str().and_then(Id::parse);
    let mut told: BTreeMap<Id, Past<'_>> = BTreeMap::new();
    let mut tasks: Vec<&Value> = tasks.iter().collect();
    tasks.sort_by_key(|task| moment(&task["Status"]["Timestamp"]));
    for task in tasks {
        let Some(service) = id(task, "ServiceID") else { continue };
        let slot = match (task["Slot"].as_u64(), id(task, "NodeID")) {
            (Some(slot), _) if slot > 0 => Slot::Number(slot),
            (_, Some(node)) => Slot::Node(node),
            _ => continue,
        };
        let known = told.entry(service).or_default().slots.entry(slot).or_default();
        let over = matches!(word(task), "failed" | "rejected" | "complete");
        if over && is_fresh(task) {
            known.ended.push(task);
        }
        let wanted = matches!(task["DesiredState"].as_str(), Some("running" | "ready"));
        // Of two, as in the middle of an update, the one that runs.
        if wanted && !over && known.live.is_none_or(|live| word(live) != "running") {
            known.live = Some(task);
        }
    }
    told
}

impl<'a> Past<'a> {
    /// Works out what is wrong with the service.
    pub(super) fn diagnose(&mut self, service: &Value, taken: i64) {
        let mode = &service["Spec"]["Mode"];
        // What ends is done.
        if mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object() {
            return;
        }
        let template = &service["Spec"]["TaskTemplate"];
        let policy = Policy::of(template);
        let found = self.slots.iter().filter_map(|(slot, past)| {
            let how = past.ails(&policy, taken)?;
            Some((
                *slot,
                how,
                past.ended.last().map_or(0, |task| moment(&task["Status"]["Timestamp"])),
            ))
        });
        let found: Vec<(Slot, How, i64)> = found.collect();
        let Some((_, how, _)) = found.iter().max_by_key(|(.., at)| *at).cloned() else { return };
        let ailing: BTreeSet<Slot> = found.into_iter().map(|(slot, ..)| slot).collect();
        let place = self.place(&ailing, mode["Global"].is_object());
        self.ails = Some((place, how));
    }

    /// Says where: on some nodes, if tasks fail there and run elsewhere.
    fn place(&self, ailing: &BTreeSet<Slot>, global: bool) -> Place {
        let nodes = |tasks: &mut dyn Iterator<Item = &&'a Value>| -> BTreeSet<Id> {
            tasks.filter_map(|task| task["NodeID"].as_str().and_then(Id::parse)).collect()
        };
        // What runs with an earlier spec says nothing of the present one.
        let runs = |past: &SlotPast<'_>| past.runs() && past.stale().is_none();
        let well = self.slots.iter().filter(|(slot, past)| !ailing.contains(slot) && runs(past));
        let well = nodes(&mut well.filter_map(|(_, past)| past.live.as_ref()));
        if well.is_empty() {
            return Place::Everywhere;
        }
        let ill = self.slots.iter().filter(|(slot, _)| ailing.contains(slot));
        let ill = nodes(&mut ill.flat_map(|(_, past)| &past.ended));
        let ill: BTreeSet<Id> = ill.difference(&well).copied().collect();
        match ill.is_empty() || global {
            true => Place::Slots(ailing.clone()),
            false => Place::Nodes(ill),
        }
    }
}

impl<'a> SlotPast<'a> {
    /// True if a task runs.
    pub(super) fn runs(&self) -> bool {
        self.live.is_some_and(|task| word(task) == "running")
    }

    /// Returns where it runs.
    pub(super) fn node(&self) -> Option<Id> {
        let runs = self.live.filter(|task| word(task) == "running");
        runs.and_then(|task| task["NodeID"].as_str()).and_then(Id::parse)
    }

    /// True if a task is to run.
    pub(super) fn is_live(&self) -> bool {
        self.live.is_some() || self.ended.last().is_some_and(|t| t["DesiredState"] != "shutdown")
    }

    /// True if the last task ran to its end, and none is to follow.
    pub(super) fn is_complete(&self) -> bool {
        self.live.is_none() && self.ended.last().is_some_and(|task| word(task) == "complete")
    }

    /// Returns the spec of a running task that is not the service's present one.
    pub(super) fn stale(&self) -> Option<&'a Value> {
        self.live.filter(|task| word(task) == "running" && !is_fresh(task)).map(|t| &t["Spec"])
    }

    /// Returns what is wrong here, if anything is.
    fn ails(&self, policy: &Policy<'_>, taken: i64) -> Option<How> {
        let at = |task: &Value| moment(&task["Status"]["Timestamp"]);
        let period = match self.ended[..] {
            [.., before, last] => Some(at(last) - at(before)),
            _ => None,
        };
        let ended = self.ended.last().filter(|t| policy.is_failure(t));
        if self.runs() {
            let period = period.filter(|period| *period <= CIRCLE_MS_MAX)?;
            let lately = ended.filter(|last| taken - at(last) <= 2 * period + 10_000);
            return lately.map(|last| policy.how(last, Some(period))).filter(|how| how.ran());
        }
        if let Some(last) = ended {
            return Some(policy.how(last, period));
        }
        let live = self.live?;
        let since = taken - at(live);
        let err = live["Status"]["Err"].as_str().unwrap_or_default();
        match word(live) {
            "pending" if !err.is_empty() => Some(How::Pending { err: err.to_owned() }),
            "new" | "pending" if since >= HANGS_MS => Some(How::Pending { err: err.to_owned() }),
            "assigned" | "accepted" | "preparing" | "starting" if since >= HANGS_MS => {
                Some(How::Hangs)
            }
            _ => None,
        }
    }
}

impl How {
    fn ran(&self) -> bool {
        matches!(self, How::Ends { .. })
    }
}

/// What the service says of tasks that end.
struct Policy<'a> {
    image: &'a str,
    /// One that ends with status 0 is replaced too.
    any: bool,
    delay_ms: i64,
    checks_health: bool,
}

impl<'a> Policy<'a> {
    fn of(template: &'a Value) -> Self {
        let policy = &template["RestartPolicy"];
        let test = template["ContainerSpec"]["Healthcheck"]["Test"].as_array();
        Policy {
            image: template["ContainerSpec"]["Image"].as_str().unwrap_or_default(),
            any: policy["Condition"].as_str().unwrap_or("any") == "any",
            delay_ms: policy["Delay"].as_i64().map_or(5_000, |delay| delay / 1_000_000),
            checks_health: test.is_some_and(|test| !test.is_empty() && test[0] != "NONE"),
        }
    }

    fn is_failure(&self, task: &Value) -> bool {
        self.any || word(task) != "complete"
    }

    /// Returns how a task ended.
    fn how(&self, task: &Value, period: Option<i64>) -> How {
        let status = &task["Status"];
        let err = match status["Err"].as_str().unwrap_or_default() {
            // A snapshot has the image elsewhere.
            "No such image" => format!("No such image: {}", self.image),
            err => err.to_owned(),
        };
        let code = status["ContainerStatus"]["ExitCode"].as_i64();
        let complete = word(task) == "complete";
        let code = code.and_then(|code| i32::try_from(code).ok()).filter(|code| *code != 0);
        let code = code.unwrap_or(i32::from(!complete));
        let unhealthy = err.contains("unhealthy container") || (complete && self.checks_health);
        let ran = complete || matches!(status["Message"].as_str(), Some("started" | "finished"));
        match word(task) {
            "rejected" => How::Rejected { err },
            _ if unhealthy || !ran => How::NeverRuns { status: code, err },
            _ => {
                let since = moment(&status["Timestamp"]) - moment(&task["CreatedAt"]);
                let lived = period.map_or(since, |period| period - self.delay_ms) - START_MS;
                How::Ends { after_ms: lived.max(100), status: code }
            }
        }
    }
}

fn word(task: &Value) -> &str {
    task["Status"]["State"].as_str().unwrap_or_default()
}

/// True if a task is made from its service's present spec.
fn is_fresh(task: &Value) -> bool {
    task["UpToDate"] != false
}

fn moment(time: &Value) -> i64 {
    let time = time.as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    time.map_or(0, jiff::Timestamp::as_millisecond)
}
