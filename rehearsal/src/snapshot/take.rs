//! Asking the daemon.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};
use windlass_engine::clock::{Millis, utc};
use windlass_lab::simulated::Snapshot;
use windlass_swarm::docker::{DockerError, Swarm};

use super::{VERSION, strip};

/// How often it is tried to read a swarm that stands still.
const TRIES_MAX: usize = 5;

/// A snapshot, just taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The snapshot, with everything hidden that must stay in the swarm.
    pub snapshot: Snapshot,
    /// False if services, secrets or configs went on changing while they were read, so that the
    /// lists may not fit together.
    pub at_rest: bool,
}

/// Takes a snapshot of a live swarm: reads, and changes nothing. `now` is its time if the daemon
/// does not tell its own.
///
/// # Errors
/// If the daemon can't be reached, or is no manager: [`DockerError`] tells which.
pub async fn take(swarm: &Swarm, now: Millis) -> Result<Taken, DockerError> {
    let api = swarm.api().await?;
    let info = swarm.info().await?;
    let engine = info["ServerVersion"].as_str().unwrap_or_default().to_owned();
    // The daemon's time, as that of its tasks: how long one has hung is the difference.
    let daemon = info["SystemTime"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let now = daemon.map_or(now, jiff::Timestamp::as_millisecond);
    let mut lists = Lists::read(swarm).await?;
    let mut at_rest = lists.still_hold(swarm).await?;
    for _ in 1..TRIES_MAX {
        if at_rest {
            break;
        }
        lists = Lists::read(swarm).await?;
        at_rest = lists.still_hold(swarm).await?;
    }
    let networks = networks(swarm, &lists.services).await?;
    let Lists { nodes, services, secrets, configs, mut tasks } = lists;
    tasks.retain(|task| services.iter().any(|service| service["ID"] == task["ServiceID"]));
    let fresh: HashSet<String> = ids(&swarm.tasks_up_to_date().await?).collect();
    for task in &mut tasks {
        if task["ID"].as_str().is_some_and(|id| !fresh.contains(id)) {
            task["UpToDate"] = json!(false);
        }
    }
    // RFC 3339: whoever reads it may have to compute with it.
    let taken = utc(now).replace(' ', "T");
    let version = VERSION;
    let mut snapshot = Snapshot {
        version,
        taken,
        api,
        engine,
        nodes,
        services,
        secrets,
        configs,
        networks,
        tasks,
    };
    strip(&mut snapshot);
    Ok(Taken { snapshot, at_rest })
}

/// Returns the networks of the swarm, and those that its services are attached to and the list
/// keeps back: `host` and `bridge` are such.
async fn networks(swarm: &Swarm, services: &[Value]) -> Result<Vec<Value>, DockerError> {
    let mut networks = swarm.networks().await?;
    networks.retain(|network| network["Scope"] == "swarm");
    let lists = ["/Spec/TaskTemplate/Networks", "/Spec/Networks"];
    let attached = services.iter().flat_map(|s| lists.map(|list| s.pointer(list)));
    let attached = attached.flatten().filter_map(Value::as_array).flatten();
    let targets: BTreeSet<&str> = attached.filter_map(|n| n["Target"].as_str()).collect();
    for target in targets {
        let known = networks.iter().any(|n| n["Id"] == target || n["Name"] == target);
        if !known {
            networks.extend(swarm.network(target).await?);
        }
    }
    Ok(networks)
}

fn ids(objects: &[Value]) -> impl Iterator<Item = String> + '_ {
    objects.iter().filter_map(|object| object["ID"].as_str().map(str::to_owned))
}

/// What the daemon says, read one after the other: it has no request for all at once.
struct Lists {
    nodes: Vec<Value>,
    services: Vec<Value>,
    secrets: Vec<Value>,
    configs: Vec<Value>,
    tasks: Vec<Value>,
}

impl Lists {
    async fn read(swarm: &Swarm) -> Result<Self, DockerError> {
        Ok(Lists {
            nodes: swarm.nodes().await?,
            services: swarm.services().await?,
            secrets: swarm.secrets().await?,
            configs: swarm.configs().await?,
            tasks: swarm.tasks().await?,
        })
    }

    /// True if services, secrets and configs are still as they were read.
    async fn still_hold(&self, swarm: &Swarm) -> Result<bool, DockerError> {
        Ok(same(&self.services, &swarm.services().await?)
            && same(&self.secrets, &swarm.secrets().await?)
            && same(&self.configs, &swarm.configs().await?))
    }
}

/// True if both lists hold the same objects in the same versions.
fn same(before: &[Value], after: &[Value]) -> bool {
    let marks = |list: &[Value]| {
        let mark = |object: &Value| (object["ID"].to_string(), object["Version"].to_string());
        let mut marks: Vec<_> = list.iter().map(mark).collect();
        marks.sort();
        marks
    };
    marks(before) == marks(after)
}
