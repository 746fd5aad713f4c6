//! Rolling updates: what is replaced, in which order, and what the status says of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::Place;
use crate::service::{MS, app, container, ended, fates, force, ids, reference, run};

pub const CASES: &[Case] = cases![
    a_label_only_update_restarts_nothing,
    the_seal_restarts_nothing_and_clears_the_status,
    changed_update_settings_restart_nothing,
    scale_only_updates_leave_no_update_status,
    a_forced_update_replaces_every_task,
    a_published_port_replaces_every_task,
    another_order_of_references_replaces_every_task,
    switching_a_reference_replaces_the_tasks_and_they_say_so,
    slots_are_updated_one_after_another,
    parallelism_0_updates_all_slots_at_once,
    a_delay_lies_between_two_slots,
    stop_first_never_has_more_tasks_than_replicas,
    start_first_has_more_tasks_than_replicas_for_a_while,
    a_newer_update_cancels_the_running_one,
    every_update_clears_the_status,
    an_update_that_can_not_be_placed_stays_updating,
    a_constraint_that_still_holds_restarts_nothing,
    a_new_healthcheck_is_waited_for,
    a_failing_healthcheck_pauses_the_update,
    a_label_in_a_start_first_replacement_stops_the_old_task_at_once,
    a_scaling_in_a_start_first_replacement_stops_the_old_task_at_once,
    a_new_spec_in_a_start_first_replacement_keeps_both_older_tasks,
];

/// Returns whether the tasks that are wanted are those that were.
fn same_tasks(place: &Place, path: &str, before: &[Value]) -> bool {
    ids(&place.wanted(path)) == ids(before)
}

/// Changes a service whose two tasks must survive that.
fn restarts_nothing(place: &Place, edit: impl Fn(&mut Value)) -> Value {
    let path = place.running(&app(place, "api", 2));
    let before = place.wanted(&path);
    place.change(&path, edit);
    place.world.pass(Duration::from_millis(1500));
    let service = place.get(&path);
    json!({
        "same tasks": same_tasks(place, &path, &before),
        "tasks": place.tasks(&path).len(), "status": service["UpdateStatus"],
        "previous spec": service["PreviousSpec"].is_object(),
    })
}

fn a_label_only_update_restarts_nothing(place: &Place) -> Value {
    restarts_nothing(place, |spec| spec["Labels"] = json!({ "v": "1" }))
}

fn changed_update_settings_restart_nothing(place: &Place) -> Value {
    restarts_nothing(place, |spec| {
        spec["UpdateConfig"]["Parallelism"] = json!(2);
        spec["RollbackConfig"]["Parallelism"] = json!(2);
    })
}

fn a_constraint_that_still_holds_restarts_nothing(place: &Place) -> Value {
    restarts_nothing(place, |spec| {
        let constraint = json!({ "Constraints": ["node.platform.os==linux"] });
        spec["TaskTemplate"]["Placement"] = constraint;
    })
}

fn the_seal_restarts_nothing_and_clears_the_status(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    place.change(&path, force);
    let settled = place.settled(&path);
    let before = place.runs(&path, 2);
    place.change(&path, |_| ());
    place.world.pass(Duration::from_millis(1500));
    let service = place.get(&path);
    json!({
        "before": settled, "same tasks": same_tasks(place, &path, &before),
        "status": service["UpdateStatus"],
        "previous spec is the spec": service["PreviousSpec"] == service["Spec"],
    })
}

fn scale_only_updates_leave_no_update_status(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 1));
    let before = place.wanted(&path);
    place.change(&path, |spec| spec["Mode"]["Replicated"]["Replicas"] = json!(3));
    let after = place.runs(&path, 3);
    let service = place.get(&path);
    json!({
        "the first stays": after[0]["ID"] == before[0]["ID"], "status": service["UpdateStatus"],
        "previous replicas": service["PreviousSpec"]["Mode"]["Replicated"]["Replicas"],
    })
}

/// Changes a service of two tasks, waits for the end of the update, and returns what is left.
fn replaces(place: &Place, path: &str, edit: impl Fn(&mut Value)) -> Value {
    let before = place.runs(path, 2);
    place.change(path, edit);
    let settled = place.settled(path);
    let after = place.runs(path, 2);
    let same = ids(&after).iter().filter(|id| ids(&before).contains(id)).count();
    let slots = |tasks: &[Value]| tasks.iter().map(|t| t["Slot"].clone()).collect::<Vec<_>>();
    json!({
        "status": settled, "tasks that stayed": same, "tasks": fates(&place.tasks(path)),
        "same slots": slots(&before) == slots(&after),
    })
}

fn a_forced_update_replaces_every_task(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    replaces(place, &path, force)
}

fn a_published_port_replaces_every_task(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    replaces(place, &path, |spec| {
        let port = json!({ "Protocol": "tcp", "TargetPort": 8080, "PublishMode": "host" });
        spec["EndpointSpec"] = json!({ "Mode": "vip", "Ports": [port] });
    })
}

fn another_order_of_references_replaces_every_task(place: &Place) -> Value {
    let (a, b) = (place.secret("a", "1"), place.secret("b", "2"));
    let refs = [reference(place, &a, "a", "a"), reference(place, &b, "b", "b")];
    let mut spec = app(place, "api", 2);
    container(&mut spec)["Secrets"] = json!(refs);
    let path = place.running(&spec);
    replaces(place, &path, |spec| container(spec)["Secrets"] = json!([refs[1], refs[0]]))
}

fn switching_a_reference_replaces_the_tasks_and_they_say_so(place: &Place) -> Value {
    let (old, new) = (place.secret("old", "1"), place.secret("new", "2"));
    let mut spec = app(place, "api", 2);
    container(&mut spec)["Secrets"] = json!([reference(place, &old, "old", "db")]);
    let path = place.running(&spec);
    let seen = replaces(place, &path, |spec| {
        container(spec)["Secrets"] = json!([reference(place, &new, "new", "db")]);
    });
    let of = |task: &Value| task["Spec"]["ContainerSpec"]["Secrets"][0]["SecretName"].clone();
    let tasks: Vec<Value> = place.tasks(&path).iter().map(of).collect();
    json!({ "update": seen["status"], "secrets of all tasks": tasks })
}

/// Updates a service of three tasks, and returns how many ran at least, at most, and the end. The
/// tasks' own times tell it: whoever looks now and then would miss what is short.
fn watched(place: &Place, settings: impl Fn(&mut Value)) -> (usize, usize, Value) {
    let mut spec = app(place, "api", 3);
    settings(&mut spec["UpdateConfig"]);
    let path = place.running(&spec);
    let before = ids(&place.runs(&path, 3));
    place.change(&path, force);
    let settled = place.settled(&path);
    let (old, new) = place.wait_until("the old tasks have ended, and the new ones run", || {
        let is_old = |task: &Value| before.contains(&task["ID"].to_string());
        let (old, new): (Vec<_>, Vec<_>) = place.tasks(&path).into_iter().partition(is_old);
        let done = old.iter().all(ended) && run(&new) == 3;
        done.then_some((old, new))
    });
    let since = |task: &Value| ms(&task["Status"]["Timestamp"]);
    let (gone, come): (Vec<i64>, Vec<i64>) =
        (old.iter().map(since).collect(), new.iter().map(since).collect());
    let at = |time: &i64| {
        let still = gone.iter().filter(|end| *end > time).count();
        still + come.iter().filter(|start| *start <= time).count()
    };
    let counts: Vec<usize> = gone.iter().chain(&come).map(at).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    (*least.min(&3), *most.max(&3), json!(settled.split(':').next()))
}

fn slots_are_updated_one_after_another(place: &Place) -> Value {
    let (least, _, end) = watched(place, |_| ());
    json!({ "least running of three": least, "end": end })
}

fn stop_first_never_has_more_tasks_than_replicas(place: &Place) -> Value {
    let (_, most, end) = watched(place, |_| ());
    json!({ "most running of three": most, "end": end })
}

fn start_first_has_more_tasks_than_replicas_for_a_while(place: &Place) -> Value {
    let (least, most, end) = watched(place, |settings| settings["Order"] = json!("start-first"));
    json!({ "least running of three": least, "more for a while": most > 3, "end": end })
}

/// Returns when the newest task of each slot was made, in milliseconds since the first.
fn births(place: &Place, path: &str) -> Vec<i64> {
    let mut at: Vec<i64> = place.wanted(path).iter().map(|task| ms(&task["CreatedAt"])).collect();
    at.sort_unstable();
    at.iter().map(|ms| ms - at[0]).collect()
}

/// Returns the milliseconds of a time of day in RFC 3339. No case lasts until midnight twice.
fn ms(time: &Value) -> i64 {
    let clock = &time.as_str().unwrap()[11..];
    let part = |range| clock.get(range).and_then(|text: &str| text.parse::<i64>().ok());
    let fraction: String =
        clock[8..].chars().filter(char::is_ascii_digit).chain("000".chars()).take(3).collect();
    let seconds = part(0..2).unwrap() * 3600 + part(3..5).unwrap() * 60 + part(6..8).unwrap();
    seconds * 1000 + fraction.parse::<i64>().unwrap()
}

fn parallelism_0_updates_all_slots_at_once(place: &Place) -> Value {
    let mut spec = app(place, "api", 3);
    spec["UpdateConfig"]["Parallelism"] = json!(0);
    spec["UpdateConfig"]["Delay"] = json!(1500 * MS);
    let path = place.running(&spec);
    place.change(&path, force);
    let settled = place.settled(&path);
    let births = births(place, &path);
    json!({ "status": settled, "all made before a delay has passed": births[2] < 1500 })
}

fn a_delay_lies_between_two_slots(place: &Place) -> Value {
    let mut spec = app(place, "api", 2);
    spec["UpdateConfig"]["Delay"] = json!(1500 * MS);
    let path = place.running(&spec);
    place.change(&path, force);
    let settled = place.settled(&path);
    json!({ "status": settled, "second made after the delay": births(place, &path)[1] >= 1500 })
}

fn a_newer_update_cancels_the_running_one(place: &Place) -> Value {
    let mut spec = app(place, "api", 2);
    spec["UpdateConfig"]["Delay"] = json!(10_000 * MS);
    let path = place.running(&spec);
    place.change(&path, |spec| container(spec)["Env"] = json!(["V=1"]));
    place.wait_until("the first slot is updated", || {
        let new = |task: &Value| task["Spec"]["ContainerSpec"]["Env"] == json!(["V=1"]);
        let run = place.wanted(&path);
        run.iter().any(|t| new(t) && t["Status"]["State"] == "running").then_some(())
    });
    place.change(&path, |spec| {
        container(spec)["Env"] = json!(["V=2"]);
        spec["UpdateConfig"]["Delay"] = json!(0);
    });
    let settled = place.settled(&path);
    let env = |task: &Value| task["Spec"]["ContainerSpec"]["Env"].clone();
    let now: Vec<Value> = place.runs(&path, 2).iter().map(env).collect();
    let service = place.get(&path);
    let previous = &service["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Env"];
    json!({ "status": settled, "tasks": now, "previous spec": previous })
}

fn every_update_clears_the_status(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 1));
    let before = place.get(&path)["UpdateStatus"].clone();
    place.change(&path, force);
    let settled = place.settled(&path);
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    let service = place.get(&path);
    let has = service.as_object().unwrap().contains_key("UpdateStatus");
    json!({ "new": before, "updated": settled, "key after a label": has })
}

fn an_update_that_can_not_be_placed_stays_updating(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    place.change(&path, |spec| {
        spec["TaskTemplate"]["Placement"] = json!({ "Constraints": ["node.labels.none==1"] });
    });
    let pending = place.wait_until("a task is pending", || {
        let task = place.wanted(&path).into_iter().find(|t| t["Status"]["State"] == "pending")?;
        task["Status"]["Err"].as_str().map(str::to_owned)
    });
    place.world.pass(Duration::from_secs(2));
    let still = run(&place.tasks(&path));
    let status = place.get(&path)["UpdateStatus"]["State"].clone();
    json!({ "why": pending, "status": status, "still running": still })
}

/// Gives the spec a health check.
fn check(spec: &mut Value, command: &str) {
    container(spec)["Healthcheck"] = json!({
        "Test": ["CMD-SHELL", command], "Interval": 1000 * MS, "Timeout": 30_000 * MS, "Retries": 1,
    });
}

fn a_new_healthcheck_is_waited_for(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    place.change(&path, |spec| check(spec, "true"));
    let settled = place.settled(&path);
    let births = births(place, &path);
    json!({ "status": settled, "second made after the check of the first": births[1] >= 1000 })
}

fn a_failing_healthcheck_pauses_the_update(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    place.change(&path, |spec| {
        check(spec, "false");
        spec["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    });
    let settled = place.settled(&path);
    let new = place.wait_until("the new task ends", || {
        let new = |task: &Value| task["Spec"]["ContainerSpec"]["Healthcheck"].is_object();
        place.tasks(&path).into_iter().find(|task| new(task) && ended(task))
    });
    json!({ "status": settled, "new task": fates(&[new]) })
}

/// Returns the spec of a service of one task, whose replacements are started first.
pub fn slow(place: &Place) -> Value {
    let mut spec = app(place, "slow", 1);
    spec["UpdateConfig"]["Order"] = json!("start-first");
    spec
}

/// Makes the service, and begins a replacement that is not healthy for a minute; returns when it
/// is starting, and the old task still there.
pub fn starting(place: &Place, spec: &Value) -> String {
    let path = place.running(spec);
    place.change(&path, |spec| {
        check(spec, "true");
        container(spec)["Healthcheck"]["Interval"] = json!(60_000 * MS);
    });
    place.wait_until("the replacement is starting", || {
        let wanted = place.wanted(&path);
        wanted.iter().any(|task| task["Status"]["State"] == "starting").then_some(())
    });
    path
}

/// Changes a service in the middle of a start-first replacement. Returns what is wanted of its
/// tasks before, and when the update is over or a third task is starting.
fn disturbed(place: &Place, edit: impl Fn(&mut Value)) -> Value {
    let path = starting(place, &slow(place));
    let before = fates(&place.tasks(&path));
    place.change(&path, edit);
    let wanted = |tasks: &[Value]| -> Vec<Value> {
        tasks.iter().map(|task| task["DesiredState"].clone()).collect()
    };
    let after = place.wait_until("the change has shown", || {
        let tasks = place.tasks(&path);
        let stopped = tasks[0]["DesiredState"] != "running";
        let third = tasks.iter().any(|task| {
            let count = tasks.iter().filter(|t| t["Slot"] == task["Slot"]).count();
            count == 3 && task["Status"]["State"] == "starting" && task["ID"] != tasks[1]["ID"]
        });
        (stopped || third).then(|| (wanted(&tasks), tasks[1]["Status"]["State"].clone()))
    });
    json!({ "before": before, "wanted after": after.0, "replacement": after.1 })
}

fn a_label_in_a_start_first_replacement_stops_the_old_task_at_once(place: &Place) -> Value {
    disturbed(place, |spec| spec["Labels"] = json!({ "v": "1" }))
}

fn a_scaling_in_a_start_first_replacement_stops_the_old_task_at_once(place: &Place) -> Value {
    let mut seen = disturbed(place, |spec| spec["Mode"]["Replicated"]["Replicas"] = json!(2));
    // The second slot's task comes sooner or later.
    seen["wanted after"].as_array_mut().unwrap().truncate(2);
    seen
}

fn a_new_spec_in_a_start_first_replacement_keeps_both_older_tasks(place: &Place) -> Value {
    disturbed(place, |spec| container(spec)["Env"] = json!(["V=2"]))
}

#[test]
fn milliseconds_are_read_from_a_time() {
    assert_eq!(ms(&json!("2026-11-21T01:02:03.0456789Z")), 3_723_045);
    assert_eq!(ms(&json!("2026-11-21T01:02:03Z")), 3_723_000);
}
