//! What becomes of one task: how it starts, ends, is tried again, and what is said of it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::{Place, encoded};
use crate::service::{MS, app, container, ended, fail, fates, force, ids, once, reference};

pub const CASES: &[Case] = cases![
    a_running_task_says_where_and_since_when,
    a_task_that_ends_well_is_complete,
    a_task_that_ends_badly_says_its_status,
    restart_none_leaves_a_failed_task_alone,
    restart_on_failure_ends_with_the_first_success,
    restart_on_failure_starts_a_failed_task_again,
    restart_any_starts_a_completed_task_again,
    attempts_to_restart_are_limited,
    a_slot_keeps_five_tasks,
    a_slot_keeps_as_many_tasks_as_it_may_try_and_one,
    a_missing_image_rejects_the_task,
    an_owner_that_is_no_number_fails_the_task,
    an_app_that_refuses_its_secret_ends_with_status_3,
    a_healthcheck_holds_the_task_at_starting_until_it_passes,
    a_task_that_stays_unhealthy_is_stopped_and_may_say_complete,
    a_finished_one_shot_runs_again_when_its_spec_changes,
    a_finished_one_shot_does_not_run_again_for_a_label,
    removing_a_service_removes_its_tasks,
    tasks_are_filtered_by_service_node_name_state_and_id,
    a_task_is_found_by_id_and_beginning_of_its_id,
    up_to_date_tasks_are_told_from_old_ones,
    a_list_counts_running_and_wanted_tasks_on_demand,
    scaling_down_removes_the_tasks_of_the_last_slots,
];

fn a_running_task_says_where_and_since_when(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 1));
    let task = &place.tasks(&path)[0];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let status = &task["Status"];
    let known = place.nodes.iter().any(|node| task["NodeID"] == json!(node.id));
    json!({
        "task": keys(task), "status": keys(status), "message": status["Message"],
        "container": keys(&status["ContainerStatus"]), "slot": task["Slot"], "on a node": known,
        "exit": status["ContainerStatus"]["ExitCode"],
    })
}

/// Runs a command once, and returns its end.
fn end(place: &Place, command: &[&str], state: &str) -> Value {
    let path = place.service(&once(place, "once", command));
    let task = place.newest(&path, state);
    let status = &task["Status"];
    json!({
        "fate": fates(&place.tasks(&path)), "message": status["Message"],
        "exit": status["ContainerStatus"]["ExitCode"],
    })
}

fn a_task_that_ends_well_is_complete(place: &Place) -> Value {
    end(place, &["true"], "complete")
}

fn a_task_that_ends_badly_says_its_status(place: &Place) -> Value {
    end(place, &["sh", "-c", "exit 7"], "failed")
}

/// Runs a command under a restart policy until it has as many tasks as it will ever have.
fn tries(place: &Place, command: &[&str], policy: Value, count: usize) -> Value {
    let mut spec = once(place, "once", command);
    spec["TaskTemplate"]["RestartPolicy"] = policy;
    let path = place.service(&spec);
    place.wait_until("the tasks are there, and ended", || {
        let tasks = place.tasks(&path);
        (tasks.iter().filter(|task| ended(task)).count() >= count).then_some(())
    });
    place.world.pass(Duration::from_millis(1500));
    json!(fates(&place.tasks(&path)))
}

fn restart_none_leaves_a_failed_task_alone(place: &Place) -> Value {
    tries(place, &["false"], json!({ "Condition": "none" }), 1)
}

fn restart_on_failure_ends_with_the_first_success(place: &Place) -> Value {
    tries(place, &["true"], json!({ "Condition": "on-failure", "Delay": 100 * MS }), 1)
}

fn restart_on_failure_starts_a_failed_task_again(place: &Place) -> Value {
    let policy = json!({ "Condition": "on-failure", "Delay": 100 * MS, "MaxAttempts": 1 });
    tries(place, &["false"], policy, 2)
}

fn restart_any_starts_a_completed_task_again(place: &Place) -> Value {
    let policy = json!({ "Condition": "any", "Delay": 100 * MS, "MaxAttempts": 1 });
    tries(place, &["true"], policy, 2)
}

fn attempts_to_restart_are_limited(place: &Place) -> Value {
    let policy = json!({ "Condition": "any", "Delay": 100 * MS, "MaxAttempts": 2 });
    tries(place, &["false"], policy, 3)
}

fn a_slot_keeps_five_tasks(place: &Place) -> Value {
    kept(place, json!({ "Condition": "any", "Delay": 50 * MS }), 5)
}

fn a_slot_keeps_as_many_tasks_as_it_may_try_and_one(place: &Place) -> Value {
    kept(place, json!({ "Condition": "any", "Delay": 50 * MS, "MaxAttempts": 6 }), 7)
}

/// Lets a task fail again and again until seven have been there, and returns the limit to which
/// their number falls back.
fn kept(place: &Place, restart: Value, limit: usize) -> Value {
    let mut spec = app(place, "api", 1);
    fail(&mut spec);
    spec["TaskTemplate"]["RestartPolicy"] = restart;
    let path = place.service(&spec);
    let mut seen = HashSet::new();
    place.wait_until("the first tasks are forgotten", || {
        let tasks = place.tasks(&path);
        seen.extend(ids(&tasks));
        (seen.len() >= 7 && tasks.len() == limit).then_some(())
    });
    json!(limit)
}

fn a_missing_image_rejects_the_task(place: &Place) -> Value {
    let mut spec = once(place, "once", &["true"]);
    container(&mut spec)["Image"] = json!("windlass/app:9");
    let path = place.service(&spec);
    let task = place.newest(&path, "rejected");
    json!({ "fate": fates(&place.tasks(&path)), "message": task["Status"]["Message"] })
}

fn an_owner_that_is_no_number_fails_the_task(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    let owned = |name: &str, owner: &str| {
        let mut spec = once(place, name, &["true"]);
        let mut odd = reference(place, &id, "db", "db");
        odd["File"]["UID"] = json!(owner);
        container(&mut spec)["Secrets"] = json!([odd]);
        let path = place.service(&spec);
        place.newest(&path, "failed");
        fates(&place.tasks(&path))
    };
    json!({ "a name": owned("named", "app"), "empty": owned("empty", "") })
}

fn an_app_that_refuses_its_secret_ends_with_status_3(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    let mut spec = app(place, "api", 1);
    spec["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    container(&mut spec)["Secrets"] = json!([reference(place, &id, "db", "db")]);
    container(&mut spec)["Env"] = json!(["REFUSE=hunter"]);
    let path = place.service(&spec);
    let task = place.newest(&path, "failed");
    let exit = &task["Status"]["ContainerStatus"]["ExitCode"];
    json!({ "fate": fates(&place.tasks(&path)), "exit": exit })
}

/// Gives a service a health check that runs this command.
fn check(spec: &mut Value, command: &str, retries: u64) {
    container(spec)["Healthcheck"] = json!({
        "Test": ["CMD-SHELL", command], "Interval": 1000 * MS, "Timeout": 30_000 * MS,
        "Retries": retries,
    });
}

fn a_healthcheck_holds_the_task_at_starting_until_it_passes(place: &Place) -> Value {
    let mut spec = app(place, "api", 1);
    check(&mut spec, "true", 1);
    let path = place.service(&spec);
    let mut states = Vec::new();
    place.wait_until("it runs", || {
        let state = place.tasks(&path).first()?["Status"]["State"].clone();
        if states.last() != Some(&state) {
            states.push(state.clone());
        }
        (state == "running").then_some(())
    });
    states.retain(|state| state == "starting" || state == "running");
    json!(states)
}

fn a_task_that_stays_unhealthy_is_stopped_and_may_say_complete(place: &Place) -> Value {
    let mut spec = app(place, "api", 1);
    spec["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    check(&mut spec, "false", 2);
    let path = place.service(&spec);
    place.wait_until("the task ends", || {
        let tasks = place.tasks(&path);
        (!tasks.is_empty() && tasks.iter().all(ended)).then_some(())
    });
    json!(fates(&place.tasks(&path)))
}

/// Runs a one-shot service to its end, changes it, and returns its tasks afterwards.
fn again(place: &Place, edit: fn(&mut Value)) -> Value {
    let mut spec = once(place, "once", &["true"]);
    spec["UpdateConfig"]["Monitor"] = json!(5000 * MS);
    let path = place.service(&spec);
    place.newest(&path, "complete");
    let first = place.tasks(&path)[0]["ID"].clone();
    place.change(&path, edit);
    place.world.pass(Duration::from_secs(2));
    let tasks = place.wait_until("nothing runs", || {
        let tasks = place.tasks(&path);
        tasks.iter().all(|task| task["Status"]["State"] == "complete").then_some(tasks)
    });
    let kept = tasks.iter().any(|task| task["ID"] == first);
    let status = place.get(&path)["UpdateStatus"]["State"].clone();
    json!({ "tasks": fates(&tasks), "the first is kept": kept, "status": status })
}

fn a_finished_one_shot_runs_again_when_its_spec_changes(place: &Place) -> Value {
    again(place, force)
}

fn a_finished_one_shot_does_not_run_again_for_a_label(place: &Place) -> Value {
    again(place, |spec| spec["Labels"] = json!({ "v": "1" }))
}

fn removing_a_service_removes_its_tasks(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 1));
    let task = format!("/tasks/{}", place.tasks(&path)[0]["ID"].as_str().unwrap());
    let removed = place.ask("DELETE", &path, &Value::Null).said();
    let gone = place.wait_until("the task is gone", || {
        let answer = place.ask("GET", &task, &Value::Null);
        (answer.status != 200).then(|| answer.said())
    });
    let id = path.rsplit('/').next().unwrap();
    let filters = encoded(&json!({ "service": [id] }).to_string());
    let list = place.ask("GET", &format!("/tasks?filters={filters}"), &Value::Null).said();
    json!({ "remove": removed, "task": gone, "list of its tasks": list })
}

fn tasks_are_filtered_by_service_node_name_state_and_id(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    place.running(&app(place, "api-2", 1));
    place.change(&path, |spec| spec["Mode"]["Replicated"]["Replicas"] = json!(1));
    place.runs(&path, 1);
    let tasks = place.tasks(&path);
    let (service, one) = (&tasks[0]["ServiceID"], tasks[0]["ID"].as_str().unwrap());
    let count = |filters: Value| place.list("/tasks", &filters).len();
    let wanted =
        |key: &str, value: &Value| count(json!({ key: [value], "desired-state": ["running"] }));
    let said = |filters: Value| {
        let filters = encoded(&filters.to_string());
        place.ask("GET", &format!("/tasks?filters={filters}"), &Value::Null).said()
    };
    json!({
        "service id": wanted("service", service),
        "service name": wanted("service", &json!(place.name("api"))),
        "beginning of service name": said(json!({ "service": [place.name("ap")] })),
        "name": wanted("name", &json!(place.name("api"))),
        "node": count(json!({ "service": [service], "node": [tasks[0]["NodeID"]] })),
        "another node": said(json!({ "node": ["nope"] })),
        "id": count(json!({ "id": [one] })),
        "beginning of id": count(json!({ "id": [one[..12]] })),
        "another state": said(json!({ "desired-state": ["up"] })),
    })
}

fn a_task_is_found_by_id_and_beginning_of_its_id(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 1));
    let id = place.tasks(&path)[0]["ID"].as_str().unwrap().to_owned();
    let found = |key: &str| place.ask("GET", &format!("/tasks/{key}"), &Value::Null).status;
    json!({ "id": found(&id), "beginning of the id": found(&id[..12]) })
}

fn up_to_date_tasks_are_told_from_old_ones(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    place.change(&path, force);
    place.settled(&path);
    let id = path.rsplit('/').next().unwrap();
    let count = |filters: Value| place.list("/tasks", &filters).len();
    let service = json!([id]);
    json!({
        "all": count(json!({ "service": service })),
        "up to date": count(json!({ "service": service, "_up-to-date": ["true"] })),
        "not": count(json!({ "service": service, "_up-to-date": ["false"] })),
    })
}

fn a_list_counts_running_and_wanted_tasks_on_demand(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 2));
    let mut spec = app(place, "stuck", 3);
    spec["TaskTemplate"]["Placement"] = json!({ "Constraints": ["node.labels.none==1"] });
    let stuck = place.service(&spec);
    let done = place.service(&once(place, "once", &["true"]));
    place.newest(&done, "complete");
    let filters = encoded(&json!({ "name": [place.name("")] }).to_string());
    let list = |query: &str| place.get(&format!("/services?filters={filters}{query}"));
    let counted = |path: &str| {
        let id = path.rsplit('/').next().unwrap();
        let list = list("&status=true");
        let found = list.as_array().unwrap().iter().find(|service| service["ID"] == json!(id));
        found.unwrap()["ServiceStatus"].clone()
    };
    let plain = list("")[0].get("ServiceStatus").is_some();
    json!({
        "two run": counted(&path), "none can": counted(&stuck), "one has ended": counted(&done),
        "without being asked": plain,
    })
}

fn scaling_down_removes_the_tasks_of_the_last_slots(place: &Place) -> Value {
    let path = place.running(&app(place, "api", 3));
    place.change(&path, |spec| spec["Mode"]["Replicated"]["Replicas"] = json!(1));
    let left = place.wait_until("one task is left", || {
        let tasks = place.tasks(&path);
        (tasks.len() == 1).then_some(tasks)
    });
    json!({ "tasks": fates(&left), "status": place.get(&path)["UpdateStatus"] })
}
