//! What has to be so in the moment when a secret is removed for good.
//!
//! The end of a pass does not show it: a run that removes the old secret too early, while a task
//! still starts with the new one, ends all new most of the time. So the swarm is looked at in the
//! moment before each removal.

use windlass_lab::simulated::{Removal, ServiceNow, World};

use super::{FOREIGN, live, marks, references, too_few};

/// The label by which a secret is known to be made by a run.
const RUN: &str = "io.windlass.run";

/// Returns what is wrong in the moments in which a run removed secrets. `watch_ms` is how long all
/// tasks must have run with the new secret before one is removed that the run did not make.
pub(crate) fn hasty(removals: &[Removal], run: &str, watch_ms: i64) -> Vec<String> {
    removals.iter().flat_map(|removal| at(removal, run, watch_ms)).collect()
}

fn at(Removal { secret, world }: &Removal, run: &str, watch_ms: i64) -> Vec<String> {
    let removed = world.secrets.iter().find(|known| known.id == *secret);
    let (name, watch_ms) = match removed {
        Some(removed) if removed.spec["Labels"][RUN] == run => (removed.name.as_str(), 0),
        Some(removed) => (removed.name.as_str(), watch_ms),
        None => (secret.as_str(), watch_ms),
    };
    let mut problems = Vec::new();
    for service in &world.services {
        if let Some(what) = stays_behind(world, service, secret) {
            problems.push(format!("{name} was removed while {what}"));
        } else if moved(world, service, run)
            && let Some(what) = not_proved(world, service, watch_ms)
        {
            problems.push(format!("{name} was removed before {what}"));
        }
    }
    problems
}

/// Returns which task of a service still runs, or starts, with the secret.
fn stays_behind(world: &World, service: &ServiceNow, secret: &str) -> Option<String> {
    let mut holders =
        live(world, service).filter(|task| task.secrets.iter().any(|(id, _)| id == secret));
    holders.next().map(|task| format!("a task of {} was {} with it", service.name, task.state))
}

/// True if the run has moved this service to a secret that it made, and nobody else is at it.
fn moved(world: &World, service: &ServiceNow, run: &str) -> bool {
    let made = |id: &str| {
        world.secrets.iter().any(|secret| secret.id == id && secret.spec["Labels"][RUN] == run)
    };
    let others = service.name.contains(FOREIGN) || marks(&service.spec) > 0;
    !others && references(&service.spec).iter().any(|(id, _)| made(id))
}

/// Returns what shows that a service does not run with its new secret, or not for long enough.
fn not_proved(world: &World, service: &ServiceNow, watch_ms: i64) -> Option<String> {
    if let Some(why) = too_few(world, service) {
        return Some(format!("all ran with the new one: {why}"));
    }
    let ages = live(world, service).filter(|task| task.state == "running");
    let youngest = ages.map(|task| world.now - task.since).min()?;
    (youngest < watch_ms).then(|| {
        format!(
            "the window was over: a task of {} had run for {youngest} ms of {watch_ms}",
            service.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use windlass_lab::simulated::{SecretNow, ServingNow, TaskNow};

    fn secret(id: &str, run: &str) -> SecretNow {
        let spec = json!({ "Labels": { RUN: run } });
        SecretNow { id: id.to_owned(), name: format!("name of {id}"), spec, data: Vec::new() }
    }

    fn task(state: &str, since: i64, secret: &str) -> TaskNow {
        TaskNow {
            id: "t".to_owned(),
            service: "web".to_owned(),
            slot: 1,
            node: None,
            state: state.to_owned(),
            desired: "running".to_owned(),
            created: 0,
            since,
            image: String::new(),
            secrets: vec![(secret.to_owned(), "db".to_owned())],
            err: None,
            serves: state == "running",
        }
    }

    fn removed(secret_id: &str, replicas: u64, tasks: Vec<TaskNow>) -> Vec<String> {
        let reference = json!({ "SecretID": "new", "SecretName": "db" });
        let web = ServiceNow {
            id: "web".to_owned(),
            name: "web".to_owned(),
            version: 1,
            spec: json!({
                "Mode": { "Replicated": { "Replicas": replicas } },
                "TaskTemplate": { "ContainerSpec": { "Secrets": [reference] } },
            }),
            previous_spec: None,
            update_status: None,
            iteration: 0,
            serving: ServingNow::default(),
        };
        let world = World {
            now: 60_000,
            nodes: Vec::new(),
            services: vec![web],
            tasks,
            secrets: vec![secret("old", "run_0"), secret("new", "run_1"), secret("tmp", "run_1")],
            configs: Vec::new(),
        };
        hasty(&[Removal { secret: secret_id.to_owned(), world }], "run_1", 30_000)
    }

    #[test]
    fn the_old_secret_goes_when_all_tasks_have_run_with_the_new_one_for_the_window() {
        let both = |state, since| vec![task("running", 0, "new"), task(state, since, "new")];
        assert_eq!(removed("old", 2, both("running", 30_000)), [""; 0]);
        let hasty = removed("old", 2, both("running", 30_001));
        assert_eq!(
            hasty,
            [
                "name of old was removed before the window was over: a task of web had run for 29999 ms of 30000"
            ]
        );
        let starts = removed("old", 2, both("starting", 0));
        assert_eq!(
            starts,
            ["name of old was removed before all ran with the new one: web runs 1 of 2 tasks"]
        );
        let stays = removed("old", 2, vec![task("running", 0, "new"), task("running", 0, "old")]);
        assert_eq!(stays, ["name of old was removed while a task of web was running with it"]);
    }

    #[test]
    fn a_secret_that_the_run_made_needs_no_window() {
        assert_eq!(removed("tmp", 1, vec![task("running", 59_000, "new")]), [""; 0]);
    }
}
