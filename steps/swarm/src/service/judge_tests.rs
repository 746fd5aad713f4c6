use super::*;
use serde_json::json;

fn secret() -> Object {
    Object { id: "new".into(), name: "db_v2".into() }
}

fn references(id: &str) -> Value {
    json!([{ "File": { "Name": "db" }, "SecretID": id, "SecretName": "db" }])
}

fn service(refers_to: &str, mode: Value, update: Value) -> Value {
    json!({
        "ID": "s",
        "Spec": {
            "Name": "web",
            "Mode": mode,
            "TaskTemplate": { "ContainerSpec": { "Secrets": references(refers_to) } },
        },
        "UpdateStatus": update,
    })
}

fn replicated(replicas: u64, state: &str) -> Value {
    let update = match state {
        "" => Value::Null,
        state => {
            json!({ "State": state, "StartedAt": "2026-11-21T03:00:00.5Z", "Message": "as said" })
        }
    };
    service("new", json!({ "Replicated": { "Replicas": replicas } }), update)
}

fn global(state: &str) -> Value {
    let mut service = replicated(0, state);
    service["Spec"]["Mode"] = json!({ "Global": {} });
    service
}

fn task(secret: &str, node: &str, desired: &str, state: &str) -> Value {
    json!({
        "ID": format!("{secret}-{node}-{state}"),
        "CreatedAt": "2026-11-21T03:00:01Z",
        "NodeID": node,
        "Slot": 1,
        "DesiredState": desired,
        "Status": { "State": state, "Timestamp": "2026-11-21T03:00:02Z" },
        "Spec": { "ContainerSpec": { "Secrets": references(secret) } },
    })
}

fn nodes() -> Nodes {
    let node = |state: &str, availability: &str, name: &str| {
        json!({
            "Status": { "State": state },
            "Spec": { "Availability": availability },
            "Description": { "Hostname": name },
        })
    };
    BTreeMap::from([
        ("n1".to_owned(), node("ready", "active", "alpha")),
        ("n2".to_owned(), node("ready", "active", "beta")),
        ("gone".to_owned(), node("down", "active", "gamma")),
        ("paused".to_owned(), node("ready", "pause", "delta")),
    ])
}

fn of(service: &Value, tasks: &[Value]) -> Verdict {
    judge(service, tasks, &nodes(), &secret(), 0, None)
}

fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds { watched: true, .. } => "watched",
        Verdict::Holds { .. } => "holds",
        Verdict::NotYet { .. } => "not yet",
        Verdict::Failed(failure) => failure.code,
    }
}

#[test]
fn two_running_tasks_of_two_hold_and_a_completed_update_was_watched() {
    let tasks = [
        task("new", "n1", "running", "running"),
        task("new", "n2", "running", "running"),
        task("old", "n1", "shutdown", "shutdown"),
    ];
    for (state, expected) in [("", "holds"), ("updating", "holds"), ("completed", "watched")] {
        assert_eq!(code(&of(&replicated(2, state), &tasks)), expected, "{state}");
    }
    let mut unwatched = replicated(2, "completed");
    unwatched["Spec"]["UpdateConfig"] = json!({ "FailureAction": "continue" });
    assert_eq!(code(&of(&unwatched, &tasks)), "holds");
}

#[test]
fn completed_is_not_believed_while_tasks_lack() {
    let tasks = [task("new", "n1", "running", "running"), task("new", "n2", "running", "starting")];
    assert_eq!(code(&of(&replicated(2, "completed"), &tasks)), "not yet");
    assert_eq!(code(&of(&replicated(2, "completed"), &tasks[..1])), "not yet");
}

#[test]
fn an_old_task_that_is_to_run_holds_it_up() {
    let tasks = [task("new", "n1", "running", "running"), task("old", "n2", "running", "running")];
    let verdict = of(&replicated(1, "updating"), &tasks);
    assert_eq!(code(&verdict), "not yet");
    // Start-first, and a new task that failed at first: nothing will take the old one away.
    assert_eq!(code(&of(&replicated(1, "completed"), &tasks)), "old_tasks");
}

#[test]
fn a_task_with_a_secret_of_the_same_name_and_another_id_is_old() {
    let tasks = [task("new2", "n1", "running", "running")];
    assert_eq!(code(&of(&replicated(1, ""), &tasks)), "not yet");
}

#[test]
fn tasks_on_a_node_that_is_down_don_t_count_either_way() {
    let tasks =
        [task("old", "gone", "running", "running"), task("new", "n1", "running", "running")];
    assert_eq!(code(&of(&replicated(1, "completed"), &tasks)), "watched");
    let tasks = [task("new", "gone", "running", "running")];
    assert_eq!(code(&of(&replicated(1, "completed"), &tasks)), "not yet");
}

#[test]
fn a_global_service_on_a_paused_node_fails_by_name_once_swarm_is_done() {
    let tasks =
        [task("new", "n1", "running", "running"), task("old", "paused", "running", "running")];
    assert_eq!(code(&of(&global("updating"), &tasks)), "not yet");
    // With no other node the updater has nothing to do and says nothing.
    assert_eq!(code(&of(&global(""), &tasks[1..])), "paused_node");
    assert_eq!(code(&of(&replicated(1, ""), &tasks[1..])), "not yet");
    let verdict = of(&global("completed"), &tasks);
    let Verdict::Failed(failure) = verdict else { panic!("{verdict:?}") };
    assert_eq!(failure.code, "paused_node");
    assert!(failure.message.contains("delta"), "{}", failure.message);
}

#[test]
fn a_global_service_waits_for_a_node_whose_task_failed() {
    let mut failed = task("new", "n2", "shutdown", "failed");
    failed["CreatedAt"] = json!("2026-11-21T03:00:03.25Z");
    let tasks = [
        task("new", "n1", "running", "running"),
        task("old", "n2", "shutdown", "shutdown"),
        failed,
    ];
    assert_eq!(code(&of(&global("updating"), &tasks)), "not yet");
    assert_eq!(code(&of(&global("completed"), &tasks[..2])), "watched");
}

#[test]
fn paused_and_rolled_back_updates_fail_with_the_task_s_own_words() {
    let mut failed = task("new", "n1", "shutdown", "failed");
    failed["Status"]["Err"] = json!("task: non-zero exit (3)");
    failed["Status"]["ContainerStatus"] = json!({ "ExitCode": 3 });
    let verdict = of(&replicated(2, "paused"), &[failed.clone()]);
    let Verdict::Failed(failure) = verdict else { panic!("{verdict:?}") };
    assert_eq!(failure.code, "update_paused");
    assert!(failure.message.ends_with("task: non-zero exit (3)"), "{}", failure.message);
    assert_eq!(failure.task.as_deref(), Some("new-n1-failed"));

    for state in ["rollback_started", "rollback_paused", "rollback_completed"] {
        let mut back = replicated(2, state);
        back["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"] = references("old");
        assert_eq!(code(&of(&back, &[failed.clone()])), "rolled_back", "{state}");
    }
}

#[test]
fn after_a_rollback_the_old_secret_has_converged() {
    let tasks = [task("new", "n1", "running", "running")];
    assert_eq!(code(&of(&replicated(1, "rollback_completed"), &tasks)), "watched");
    assert_eq!(code(&of(&replicated(2, "rollback_started"), &tasks)), "not yet");
}

#[test]
fn a_spec_with_another_secret_is_a_foreign_change() {
    let mut changed = replicated(1, "");
    changed["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"] = references("third");
    let verdict = of(&changed, &[task("new", "n1", "running", "running")]);
    let Verdict::Failed(failure) = verdict else { panic!("{verdict:?}") };
    assert_eq!(failure.code, "foreign_change");
    assert!(failure.message.contains("db (third)"), "{}", failure.message);
}

#[test]
fn no_replicas_hold_at_once_and_say_so() {
    let Verdict::Holds { wanted: 0, note: Some(note), .. } = of(&replicated(0, ""), &[]) else {
        panic!("it holds")
    };
    assert!(note.contains("0 replicas"));
}

#[test]
fn the_scheduler_s_reason_is_passed_on() {
    let mut pending = task("new", "", "running", "pending");
    pending["Status"]["Err"] =
        json!("no suitable node (scheduling constraints not satisfied on 3 nodes)");
    let verdict = of(&replicated(1, "updating"), &[pending]);
    let Verdict::NotYet { why: Some(Holdup::NoNode(reason)), .. } = verdict else {
        panic!("it is pending")
    };
    assert!(reason.contains("no suitable node"));
}

#[test]
fn repeated_failures_of_this_update_end_the_wait_and_older_ones_don_t() {
    let failed = |at: &str| {
        let mut task = task("new", "n1", "shutdown", "failed");
        task["CreatedAt"] = json!(at);
        task
    };
    let late =
        ["2026-11-21T03:00:01Z", "2026-11-21T03:00:02Z", "2026-11-21T03:00:00.51Z"].map(failed);
    let early =
        ["2026-11-21T02:59:01Z", "2026-11-21T02:59:02Z", "2026-11-21T03:00:00.49Z"].map(failed);
    assert_eq!(code(&of(&replicated(2, "updating"), &late)), "task_failed");
    assert_eq!(code(&of(&replicated(2, "updating"), &early)), "not yet");
    // A retry of the wait, after a person has fixed what made them fail.
    let retried = "2026-11-21T03:00:03Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let verdict = judge(&replicated(2, "updating"), &late, &nodes(), &secret(), retried, None);
    assert_eq!(code(&verdict), "not yet");
}

#[test]
fn a_one_shot_service_is_done_when_its_newest_task_has_ended_well() {
    let mut one_shot = replicated(1, "completed");
    one_shot["Spec"]["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    let done = task("new", "n1", "shutdown", "complete");
    assert_eq!(code(&of(&one_shot, std::slice::from_ref(&done))), "watched");
    assert_eq!(code(&of(&replicated(1, "completed"), std::slice::from_ref(&done))), "not yet");
    // The end came within the monitor time, and Swarm took it for a failure.
    one_shot["UpdateStatus"]["State"] = json!("paused");
    assert_eq!(code(&of(&one_shot, std::slice::from_ref(&done))), "watched");
    let old = task("old", "n1", "shutdown", "complete");
    assert_eq!(code(&of(&one_shot, &[old])), "update_paused");
}

#[test]
fn a_job_has_converged_when_its_new_tasks_have_begun() {
    let mut job = service("new", json!({ "ReplicatedJob": {} }), Value::Null);
    job["JobStatus"] = json!({ "JobIteration": { "Index": 7 } });
    let of_iteration = |n: u64, state: &str| {
        let mut task = task("new", "n1", "complete", state);
        task["JobIteration"] = json!({ "Index": n });
        task
    };
    assert_eq!(code(&of(&job, &[of_iteration(6, "complete")])), "not yet");
    assert_eq!(code(&of(&job, &[of_iteration(7, "running")])), "watched");
    assert_eq!(code(&of(&job, &[of_iteration(7, "failed")])), "task_failed");
}

#[test]
fn the_watch_time_is_the_monitor_s_and_more_while_swarm_still_watches() {
    assert_eq!(watch_time(&replicated(1, "")), Duration::from_secs(5));
    let mut slow = replicated(1, "updating");
    slow["Spec"]["UpdateConfig"] =
        json!({ "Monitor": 1_000_000_000_u64, "Delay": 9_000_000_000_u64 });
    assert_eq!(watch_time(&slow), Duration::from_secs(12));
}

/// After the pivot a person fixed what an update was paused for, all tasks ran with the new
/// secret, and `retry` was stuck again: the swarm still says `paused`.
#[test]
fn a_paused_update_with_nothing_left_to_update_holds() {
    let tasks = [task("new", "n1", "running", "running"), task("new", "n2", "running", "running")];
    for state in ["paused", "rollback_paused"] {
        let Verdict::Holds { watched: false, note: Some(note), .. } =
            of(&replicated(2, state), &tasks)
        else {
            panic!("it holds, and is watched by us")
        };
        assert!(note.contains("paused"), "{note}");
        assert_eq!(code(&of(&replicated(3, state), &tasks)), "update_paused");
    }
    let mixed = [task("new", "n1", "running", "running"), task("old", "n2", "running", "running")];
    assert_eq!(code(&of(&replicated(2, "paused"), &mixed)), "update_paused");
}

/// A worker went down in the middle of an update, and the swarm said `updating` for ever.
#[test]
fn a_node_that_is_down_is_named_while_an_update_waits_for_it() {
    let mut lost = task("new", "gone", "shutdown", "preparing");
    lost["Slot"] = json!(2);
    let tasks =
        [task("new", "n1", "running", "running"), lost, task("old", "n2", "running", "running")];
    let Verdict::NotYet { why: Some(Holdup::NodeDown(why)), .. } =
        of(&replicated(2, "updating"), &tasks)
    else {
        panic!("it waits for the node")
    };
    assert_eq!(why, "gamma is down, and 1 task of it is there");
    let Verdict::NotYet { why: None, .. } = of(&replicated(2, ""), &tasks) else {
        panic!("nothing is under way")
    };
}

#[test]
fn of_a_service_that_ran_badly_as_many_tasks_as_before_are_enough() {
    let mut pending = task("new", "", "running", "pending");
    pending["Status"]["Err"] = json!("no suitable node");
    let tasks = [task("new", "n1", "running", "running"), pending];
    let of = |enough: Option<u64>, tasks: &[Value]| {
        judge(&replicated(2, "updating"), tasks, &nodes(), &secret(), 0, enough)
    };
    assert_eq!(code(&of(None, &tasks)), "not yet");
    assert_eq!(code(&of(Some(2), &tasks)), "not yet");
    assert_eq!(code(&of(Some(1), &tasks)), "holds");
    assert_eq!(code(&of(Some(0), &tasks[1..])), "holds", "nothing ran before");
    let old = [task("old", "n1", "running", "running")];
    assert_eq!(code(&of(Some(0), &old)), "not yet", "what runs with the old secret is to go");
    let Verdict::Holds { note: Some(note), .. } = of(Some(1), &tasks) else { panic!("it holds") };
    assert!(note.contains("1 of 2"), "{note}");
}
