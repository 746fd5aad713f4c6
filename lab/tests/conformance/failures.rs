//! Updates that fail: pause, continue, roll back; and rollbacks that are asked for.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::Place;
use crate::service::{MS, app, container, ended, fail, fates, reference, run};

pub const CASES: &[Case] = cases![
    a_failing_update_pauses,
    a_failing_update_continues_if_told_so,
    a_failing_update_rolls_back_if_told_so,
    a_failing_rollback_pauses,
    a_rollback_of_tasks_that_ended_for_good_completes_without_them,
    a_failure_after_the_monitor_does_not_count,
    a_failure_within_the_monitor_counts,
    a_tolerated_share_of_failures_does_not_pause,
    the_same_spec_again_does_not_resume_a_paused_update_and_loses_the_way_back,
    a_paused_update_is_undone_by_the_old_spec,
    rollback_previous_replaces_the_tasks_and_says_so,
    rollback_previous_of_a_rollback_goes_forward_again,
    rollback_previous_of_a_paused_update_restores_the_tasks,
    rollback_previous_restores_refs_to_deleted_secrets_and_then_tasks_fail,
    an_automatic_rollback_restores_the_reference,
];

/// Makes the tasks fail, and stay as they failed. A slot is left alone long enough for the swarm
/// to note the failure before it goes on to the next.
fn fail_for_good(spec: &mut Value) {
    fail(spec);
    spec["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    spec["UpdateConfig"]["Delay"] = json!(2500 * MS);
    spec["RollbackConfig"]["Delay"] = json!(2500 * MS);
    spec["UpdateConfig"]["Monitor"] = json!(5000 * MS);
    spec["RollbackConfig"]["Monitor"] = json!(5000 * MS);
}

/// Makes nobody wait for the end of an update that does not stop at failures.
fn hurry(settings: &mut Value) {
    settings["Delay"] = json!(0);
    settings["Monitor"] = json!(300 * MS);
}

/// Makes a service of two tasks that run, then makes it fail with these settings.
fn failing(place: &Place, settings: impl Fn(&mut Value)) -> String {
    let path = place.running(&app(place, "api", 2));
    place.change(&path, |spec| {
        fail_for_good(spec);
        settings(&mut spec["UpdateConfig"]);
    });
    path
}

/// Returns the command of a service's or a task's spec: which of the two it is.
fn command(spec: &Value) -> Value {
    let task = spec.get("TaskTemplate").unwrap_or(spec);
    task["ContainerSpec"]["Command"][2].clone()
}

fn a_failing_update_pauses(place: &Place) -> Value {
    let path = failing(place, |_| ());
    let settled = place.settled(&path);
    let service = place.get(&path);
    json!({
        "status": settled, "still running": run(&place.tasks(&path)),
        "spec": command(&service["Spec"]), "previous": command(&service["PreviousSpec"]),
    })
}

fn a_failing_update_continues_if_told_so(place: &Place) -> Value {
    let path = failing(place, |settings| {
        settings["FailureAction"] = json!("continue");
        hurry(settings);
    });
    let settled = place.settled(&path);
    // The update is over when its last task has started, which then has yet to end.
    let still = place.wait_until("the last task has failed", || {
        let still = run(&place.tasks(&path));
        (still == 0).then_some(still)
    });
    json!({ "status": settled, "still running": still })
}

fn a_failing_update_rolls_back_if_told_so(place: &Place) -> Value {
    let path = failing(place, |settings| settings["FailureAction"] = json!("rollback"));
    let settled = place.settled(&path);
    let run = place.runs(&path, 2).len();
    let service = place.get(&path);
    json!({
        "status": settled, "running": run, "spec": command(&service["Spec"]),
        "key previous spec": service.as_object().unwrap().contains_key("PreviousSpec"),
    })
}

/// Lets an update fail after its old secret was removed, at a time when no node has a task with
/// that secret any more: such a node would start another one with it, although nobody else can
/// get it.
fn failing_back(place: &Place, replicas: u64, restart: &str) -> Value {
    let (path, old) = switched(place, replicas, |spec| {
        spec["UpdateConfig"]["FailureAction"] = json!("rollback");
        spec["UpdateConfig"]["Delay"] = json!(0);
        spec["UpdateConfig"]["Monitor"] = json!(10_000 * MS);
        spec["TaskTemplate"]["RestartPolicy"]["Condition"] = json!(restart);
        container(spec)["Command"] = json!(["sh", "-c", "sleep 4; exit 3"]);
    });
    let removed = place.ask("DELETE", &format!("/secrets/{old}"), &Value::Null).status;
    let settled = place.settled(&path);
    let refs = container(&mut place.get(&path)["Spec"])["Secrets"][0]["SecretName"].clone();
    json!({ "remove": removed, "status": settled, "spec names": refs })
}

/// The second task still runs when the first one fails, so there is something to roll back. In
/// the slot of the first, swarm may have put a task of the old spec already.
fn a_failing_rollback_pauses(place: &Place) -> Value {
    failing_back(place, 2, "any")
}

fn a_rollback_of_tasks_that_ended_for_good_completes_without_them(place: &Place) -> Value {
    failing_back(place, 1, "none")
}

fn a_failure_after_the_monitor_does_not_count(place: &Place) -> Value {
    late(place, 300)
}

fn a_failure_within_the_monitor_counts(place: &Place) -> Value {
    late(place, 6000)
}

/// Updates to tasks that run for three seconds, then fail.
fn late(place: &Place, monitor_ms: u64) -> Value {
    let spec = app(place, "api", 1);
    let path = place.running(&spec);
    place.change(&path, |spec| {
        fail_for_good(spec);
        spec["UpdateConfig"]["Delay"] = json!(0);
        spec["UpdateConfig"]["Monitor"] = json!(monitor_ms * MS);
        container(spec)["Command"] = json!(["sh", "-c", "sleep 3; exit 3"]);
    });
    let settled = place.settled(&path);
    let failed = place.wait_until("the task fails", || {
        let failed = |task: &Value| ended(task) && task["Status"]["State"] == "failed";
        place.tasks(&path).into_iter().find(failed)
    });
    // The status does not change any more.
    json!({ "status": settled, "then": fates(&[failed]), "at the end": place.settled(&path) })
}

fn a_tolerated_share_of_failures_does_not_pause(place: &Place) -> Value {
    let path = failing(place, |settings| {
        settings["MaxFailureRatio"] = json!(1);
        hurry(settings);
    });
    json!(place.settled(&path))
}

fn the_same_spec_again_does_not_resume_a_paused_update_and_loses_the_way_back(
    place: &Place,
) -> Value {
    let path = failing(place, |_| ());
    let first = place.settled(&path);
    place.change(&path, |_| ());
    place.world.pass(Duration::from_secs(3));
    let service = place.get(&path);
    json!({
        "first": first,
        "previous spec is the failing one": service["PreviousSpec"] == service["Spec"],
        "status": service["UpdateStatus"], "still running": run(&place.tasks(&path)),
    })
}

fn a_paused_update_is_undone_by_the_old_spec(place: &Place) -> Value {
    let path = failing(place, |_| ());
    let first = place.settled(&path);
    place.change(&path, |spec| *spec = app(place, "api", 2));
    let settled = place.settled(&path);
    json!({ "first": first, "then": settled, "running": place.runs(&path, 2).len() })
}

/// Asks for the previous spec.
fn rollback(place: &Place, path: &str) -> u16 {
    place.rollback(path, "previous", |_| ()).status
}

/// Returns the first line of the environment of each task that runs.
fn versions(place: &Place, path: &str) -> Vec<Value> {
    let line = |task: &Value| task["Spec"]["ContainerSpec"]["Env"][0].clone();
    place.runs(path, 2).iter().map(line).collect()
}

/// Makes a service of two tasks, and updates it once.
fn updated(place: &Place) -> String {
    let mut spec = app(place, "api", 2);
    container(&mut spec)["Env"] = json!(["V=1"]);
    let path = place.running(&spec);
    place.change(&path, |spec| container(spec)["Env"] = json!(["V=2"]));
    place.settled(&path);
    path
}

fn rollback_previous_replaces_the_tasks_and_says_so(place: &Place) -> Value {
    let path = updated(place);
    let status = rollback(place, &path);
    let settled = place.settled(&path);
    let previous = &place.get(&path)["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Env"];
    json!({
        "answer": status, "status": settled, "tasks": versions(place, &path), "previous": previous,
    })
}

fn rollback_previous_of_a_rollback_goes_forward_again(place: &Place) -> Value {
    let path = updated(place);
    rollback(place, &path);
    place.settled(&path);
    let status = rollback(place, &path);
    let settled = place.wait_until("the tasks are the new ones", || {
        let new = versions(place, &path) == [json!("V=2"), json!("V=2")];
        new.then(|| place.settled(&path))
    });
    json!({ "answer": status, "status": settled })
}

fn rollback_previous_of_a_paused_update_restores_the_tasks(place: &Place) -> Value {
    let path = failing(place, |_| ());
    let first = place.settled(&path);
    let status = rollback(place, &path);
    let settled = place.settled(&path);
    let run = place.runs(&path, 2).len();
    json!({ "first": first, "answer": status, "then": settled, "running": run })
}

/// Makes a service with a secret, and switches it to another one.
fn switched(place: &Place, replicas: u64, edit: impl Fn(&mut Value)) -> (String, String) {
    let (old, new) = (place.secret("old", "1"), place.secret("new", "2"));
    let mut spec = app(place, "api", replicas);
    // The swarm notes a failure in this time, before it goes on to the next slot.
    spec["RollbackConfig"]["Delay"] = json!(2500 * MS);
    spec["UpdateConfig"]["Delay"] = json!(2500 * MS);
    container(&mut spec)["Secrets"] = json!([reference(place, &old, "old", "db")]);
    let path = place.running(&spec);
    place.change(&path, |spec| {
        container(spec)["Secrets"] = json!([reference(place, &new, "new", "db")]);
        edit(spec);
    });
    (path, old)
}

fn rollback_previous_restores_refs_to_deleted_secrets_and_then_tasks_fail(place: &Place) -> Value {
    let (path, old) = switched(place, 2, |_| ());
    place.settled(&path);
    let removed = place.ask("DELETE", &format!("/secrets/{old}"), &Value::Null).status;
    let status = rollback(place, &path);
    let settled = place.settled(&path);
    let failed = place.tasks(&path).into_iter().find(|task| task["Status"]["Err"].is_string());
    json!({
        "remove": removed, "answer": status, "status": settled, "task": fates(failed.as_slice()),
        "still running": run(&place.tasks(&path)),
    })
}

fn an_automatic_rollback_restores_the_reference(place: &Place) -> Value {
    let (path, _) = switched(place, 2, |spec| {
        spec["UpdateConfig"]["FailureAction"] = json!("rollback");
        container(spec)["Env"] = json!(["REFUSE=2"]);
    });
    let settled = place.settled(&path);
    let of = |task: &Value| task["Spec"]["ContainerSpec"]["Secrets"][0]["SecretName"].clone();
    let now: Vec<Value> = place.runs(&path, 2).iter().map(of).collect();
    let failed = place.tasks(&path).into_iter().find(|task| task["Status"]["State"] == "failed");
    json!({ "status": settled, "tasks": now, "failed": fates(failed.as_slice()) })
}
