//! Services that run to an end: replicated and global jobs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::{Place, encoded};
use crate::service::{MS, ended, fates, job};

pub const CASES: &[Case] = cases![
    a_job_runs_as_often_as_it_is_told,
    a_job_runs_so_many_at_a_time,
    a_global_job_runs_once_on_every_node,
    a_job_without_numbers_runs_once,
    a_job_runs_again_on_a_label_only_update,
    a_job_never_has_an_update_status,
    a_job_starts_a_failed_task_again,
    a_job_that_may_not_restart_ends_failed,
    a_list_counts_completed_tasks_of_a_job,
];

fn replicated(concurrent: u64, total: u64) -> Value {
    json!({ "ReplicatedJob": { "MaxConcurrent": concurrent, "TotalCompletions": total } })
}

/// Waits until so many tasks are complete, and returns all tasks.
fn completed(place: &Place, path: &str, count: usize) -> Vec<Value> {
    place.wait_until(&format!("{count} tasks are complete"), || {
        let tasks = place.tasks(path);
        let complete = tasks.iter().filter(|task| task["Status"]["State"] == "complete").count();
        (complete == count && tasks.iter().all(ended)).then_some(tasks)
    })
}

fn a_job_runs_as_often_as_it_is_told(place: &Place) -> Value {
    let path = place.service(&job(place, "job", &["true"], &replicated(2, 4)));
    let tasks = completed(place, &path, 4);
    let slots: Vec<&Value> = tasks.iter().map(|task| &task["Slot"]).collect();
    let iteration = &tasks[0]["JobIteration"];
    json!({ "slots": slots, "fate": fates(&tasks[..1]), "has an iteration": iteration.is_object() })
}

fn a_job_runs_so_many_at_a_time(place: &Place) -> Value {
    let path = place.service(&job(place, "job", &["sleep", "1"], &replicated(2, 4)));
    let mut most = 0;
    place.wait_until("the job is done", || {
        let tasks = place.tasks(&path);
        most = most.max(tasks.iter().filter(|task| !ended(task)).count());
        (tasks.len() == 4 && tasks.iter().all(ended)).then_some(())
    });
    json!({ "most at a time": most })
}

fn a_global_job_runs_once_on_every_node(place: &Place) -> Value {
    let path = place.service(&job(place, "job", &["true"], &json!({ "GlobalJob": {} })));
    let tasks = completed(place, &path, place.nodes.len());
    let nodes: Vec<&Value> = tasks.iter().map(|task| &task["NodeID"]).collect();
    json!({ "nodes": nodes, "fates": fates(&tasks) })
}

fn a_job_without_numbers_runs_once(place: &Place) -> Value {
    let mode = json!({ "ReplicatedJob": {} });
    let path = place.service(&job(place, "job", &["true"], &mode));
    let tasks = completed(place, &path, 1);
    json!({ "tasks": tasks.len(), "mode": place.get(&path)["Spec"]["Mode"] })
}

fn a_job_runs_again_on_a_label_only_update(place: &Place) -> Value {
    let path = place.service(&job(place, "job", &["true"], &replicated(1, 1)));
    let first = completed(place, &path, 1)[0]["ID"].clone();
    let before = place.get(&path)["JobStatus"]["JobIteration"]["Index"].clone();
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    let after = place.get(&path)["JobStatus"]["JobIteration"]["Index"].as_u64();
    let again = place.wait_until("another task completes", || {
        let tasks = place.tasks(&path);
        tasks.into_iter().find(|t| t["ID"] != first && t["Status"]["State"] == "complete")
    });
    let index = &again["JobIteration"]["Index"];
    json!({ "iteration": [before, after], "of the new task": index,
        "fate": fates(std::slice::from_ref(&again)),
    })
}

fn a_job_never_has_an_update_status(place: &Place) -> Value {
    let path = place.service(&job(place, "job", &["true"], &replicated(1, 1)));
    completed(place, &path, 1);
    place.change(&path, crate::service::force);
    place.world.pass(Duration::from_secs(2));
    let service = place.get(&path);
    let keys: Vec<&String> = service.as_object().unwrap().keys().collect();
    let status: Vec<&String> = service["JobStatus"].as_object().unwrap().keys().collect();
    json!({ "keys": keys, "keys of its status": status })
}

fn a_job_starts_a_failed_task_again(place: &Place) -> Value {
    let mut spec = job(place, "job", &["false"], &replicated(1, 1));
    spec["TaskTemplate"]["RestartPolicy"] =
        json!({ "Condition": "on-failure", "Delay": 100 * MS, "MaxAttempts": 1 });
    let path = place.service(&spec);
    place.wait_until("two tasks fail", || {
        let tasks = place.tasks(&path);
        (tasks.iter().filter(|task| ended(task)).count() >= 2).then_some(())
    });
    place.world.pass(Duration::from_millis(1500));
    let tasks = place.tasks(&path);
    let slots: Vec<&Value> = tasks.iter().map(|task| &task["Slot"]).collect();
    json!({ "fates": fates(&tasks), "slots": slots })
}

fn a_job_that_may_not_restart_ends_failed(place: &Place) -> Value {
    let path = place.service(&job(place, "job", &["sh", "-c", "exit 3"], &replicated(1, 1)));
    place.wait_until("it fails", || place.tasks(&path).iter().any(ended).then_some(()));
    place.world.pass(Duration::from_secs(2));
    json!(fates(&place.tasks(&path)))
}

fn a_list_counts_completed_tasks_of_a_job(place: &Place) -> Value {
    let path = place.service(&job(place, "job", &["true"], &replicated(2, 3)));
    completed(place, &path, 3);
    let filters = encoded(&json!({ "name": [place.name("job")] }).to_string());
    place.get(&format!("/services?status=true&filters={filters}"))[0]["ServiceStatus"].clone()
}
