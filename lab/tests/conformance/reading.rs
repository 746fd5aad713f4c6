//! What is read of a swarm beside its objects: the daemon itself, events, logs.

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::{Place, base64, encoded};
use crate::service::{app, container, force, once};

pub const CASES: &[Case] = cases![
    a_ping_tells_the_version_of_the_api,
    the_version_has_what_windlass_reads,
    info_has_what_windlass_reads,
    the_swarm_has_an_id_and_a_version,
    every_path_may_begin_with_a_version,
    a_version_that_is_too_new_is_refused,
    a_version_that_is_too_old_is_refused,
    unknown_paths_are_not_found,
    a_body_that_is_missing_is_refused,
    events_of_secrets_and_configs,
    events_of_a_service_tell_its_update,
    there_are_no_events_of_tasks,
    events_are_filtered_by_kind_and_service,
    events_are_repeated_since_a_time,
    logs_of_a_service_are_framed,
    logs_of_a_task_are_framed,
    logs_of_a_command_are_its_output,
    logs_have_details_on_demand,
    logs_end_with_the_last_lines_on_demand,
    logs_need_a_stream,
    logs_of_what_is_missing_are_not_found,
];

fn a_ping_tells_the_version_of_the_api(place: &Place) -> Value {
    let seen = |method: &str| {
        let answer = place.ask(method, "/_ping", &Value::Null);
        let wanted = ["api-version", "ostype", "docker-experimental", "builder-version"];
        let header = |name: &&str| {
            let line = answer.head.lines().find(|line| line.to_lowercase().starts_with(*name));
            json!(line.and_then(|line| line.split_once(": ")).map(|(_, value)| value))
        };
        let headers: Vec<Value> = wanted.iter().map(header).collect();
        json!({ "status": answer.status, "headers": headers, "body": answer.body })
    };
    json!({ "GET": seen("GET"), "HEAD": seen("HEAD") })
}

fn the_version_has_what_windlass_reads(place: &Place) -> Value {
    let version = place.get("/version");
    // Packagers add a suffix of their own.
    let engine = version["Version"].as_str().and_then(|text| text.split('+').next());
    json!([version["ApiVersion"], version["MinAPIVersion"], engine, version["Os"]])
}

fn info_has_what_windlass_reads(place: &Place) -> Value {
    let info = place.get("/info");
    let swarm = &info["Swarm"];
    let known = place.nodes.iter().position(|node| swarm["NodeID"] == json!(node.id));
    json!({
        "name": info["Name"], "asked node": known, "state": swarm["LocalNodeState"],
        "control": swarm["ControlAvailable"], "error": swarm["Error"],
        "managers": swarm["Managers"], "nodes": swarm["Nodes"],
        "remote managers": swarm["RemoteManagers"].as_array().map(Vec::len),
        "cluster id": swarm["Cluster"]["ID"],
        "has a time": info["SystemTime"].as_str().is_some_and(|time| &time[10..11] == "T"),
    })
}

fn the_swarm_has_an_id_and_a_version(place: &Place) -> Value {
    let swarm = place.get("/swarm");
    let same = swarm["ID"] == place.get("/info")["Swarm"]["Cluster"]["ID"];
    let spec = &swarm["Spec"];
    json!({
        "id of info": same, "version": swarm["Version"]["Index"].is_u64(), "name": spec["Name"],
        "history": spec["Orchestration"]["TaskHistoryRetentionLimit"],
    })
}

fn every_path_may_begin_with_a_version(place: &Place) -> Value {
    let paths = ["/v1.41/services", "/v1.30/nodes", "/v1.41/_ping"];
    paths.iter().map(|path| json!(place.ask("GET", path, &Value::Null).status)).collect()
}

fn a_version_that_is_too_new_is_refused(place: &Place) -> Value {
    json!(place.ask("GET", "/v1.99/services", &Value::Null).said())
}

fn a_version_that_is_too_old_is_refused(place: &Place) -> Value {
    json!(place.ask("GET", "/v1.11/services", &Value::Null).said())
}

fn unknown_paths_are_not_found(place: &Place) -> Value {
    let paths = ["/nothing", "/v1.41/services/a/b", "/v1.41/nothing"];
    paths.iter().map(|path| json!(place.ask("GET", path, &Value::Null).said())).collect()
}

fn a_body_that_is_missing_is_refused(place: &Place) -> Value {
    let paths = ["/secrets/create", "/services/create"];
    paths.iter().map(|path| json!(place.ask("POST", path, &Value::Null).said())).collect()
}

/// Returns the events of this case between two times: kind, action, and the attributes that are
/// not about IDs.
fn events(place: &Place, since: &str, filters: &Value) -> Vec<String> {
    let until = place.clock();
    let filters = encoded(&filters.to_string());
    let bytes = place.bytes(&format!("/events?since={since}&until={until}&filters={filters}"));
    let text = String::from_utf8(bytes).unwrap();
    let ours = |event: &Value| {
        let name = event["Actor"]["Attributes"]["name"].as_str();
        name.is_some_and(|name| name.starts_with(&place.prefix))
    };
    let mut shown = Vec::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if ours(&event) {
            let attributes = &event["Actor"]["Attributes"];
            shown.push(
                format!("{} {} {attributes}", event["Type"], event["Action"]).replace('"', ""),
            );
        }
    }
    shown
}

fn events_of_secrets_and_configs(place: &Place) -> Value {
    let since = place.clock();
    let secret = format!("/secrets/{}", place.secret("db", "x"));
    place.change(&secret, |spec| spec["Labels"] = json!({ "a": "1" }));
    place.ask("DELETE", &secret, &Value::Null);
    let body = json!({ "Name": place.name("app"), "Data": base64(b"x") });
    let config = format!("/configs/{}", place.create("/configs/create", &body));
    place.ask("DELETE", &config, &Value::Null);
    json!(all_events(place, &since, 5))
}

/// Waits until so many events of this case are there, and returns them.
fn all_events(place: &Place, since: &str, count: usize) -> Vec<String> {
    place.wait_until(&format!("{count} events"), || {
        let events = events(place, since, &json!({ "scope": ["swarm"] }));
        (events.len() >= count).then_some(events)
    })
}

fn events_of_a_service_tell_its_update(place: &Place) -> Value {
    let since = place.clock();
    let path = place.running(&app(place, "api", 1));
    place.change(&path, force);
    place.settled(&path);
    place.change(&path, |spec| spec["Mode"]["Replicated"]["Replicas"] = json!(2));
    place.ask("DELETE", &path, &Value::Null);
    json!(all_events(place, &since, 6))
}

fn there_are_no_events_of_tasks(place: &Place) -> Value {
    let since = place.clock();
    let path = place.running(&app(place, "api", 1));
    place.ask("DELETE", &path, &Value::Null);
    all_events(place, &since, 2);
    let seen = events(place, &since, &json!({ "type": ["task"] }));
    let mut kinds: Vec<String> = events(place, &since, &json!({ "scope": ["swarm"] }))
        .iter()
        .filter_map(|event| event.split(' ').next().map(str::to_owned))
        .collect();
    kinds.dedup();
    json!({ "of tasks": seen, "kinds": kinds })
}

fn events_are_filtered_by_kind_and_service(place: &Place) -> Value {
    let since = place.clock();
    place.secret("db", "x");
    let path = place.service(&app(place, "api", 0));
    place.service(&app(place, "web", 0));
    all_events(place, &since, 3);
    let id = path.rsplit('/').next().unwrap();
    json!({
        "type": events(place, &since, &json!({ "type": ["secret"] })),
        "service id": events(place, &since, &json!({ "service": [id] })),
        "service name": events(place, &since, &json!({ "service": [place.name("web")] })),
        "action": events(place, &since, &json!({ "event": ["create"], "type": ["service"] })).len(),
    })
}

fn events_are_repeated_since_a_time(place: &Place) -> Value {
    let first = place.clock();
    place.secret("one", "x");
    all_events(place, &first, 1);
    place.world.pass(std::time::Duration::from_millis(1100));
    let second = place.clock();
    place.secret("two", "x");
    let both = all_events(place, &first, 2).len();
    json!({ "since the first": both, "since the second": all_events(place, &second, 1).len() })
}

/// Waits until the log has so many frames, and returns them: stream and text.
fn frames(place: &Place, path: &str, count: usize) -> Vec<(u8, String)> {
    place.wait_until(&format!("{count} frames of the log"), || {
        let bytes = place.bytes(path);
        let mut rest = bytes.as_slice();
        let mut frames = Vec::new();
        while let [stream, 0, 0, 0, a, b, c, d, more @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            frames.push((*stream, String::from_utf8_lossy(&more[..length]).into_owned()));
            rest = &more[length..];
        }
        assert!(rest.is_empty(), "the log is not framed: {rest:?}");
        (frames.len() >= count).then_some(frames)
    })
}

/// Runs the app on a value that it refuses: the one thing that it says is why.
fn refused(place: &Place) -> String {
    let id = place.secret("db", "hunter2");
    let mut spec = once(place, "api", &[]);
    container(&mut spec).as_object_mut().unwrap().remove("Command");
    container(&mut spec)["Env"] = json!(["REFUSE=hunter"]);
    container(&mut spec)["Secrets"] = json!([crate::service::reference(place, &id, "db", "db")]);
    let path = place.service(&spec);
    place.newest(&path, "failed");
    path
}

fn logs_of_a_service_are_framed(place: &Place) -> Value {
    let path = refused(place);
    json!(frames(place, &format!("{path}/logs?stdout=1&stderr=1"), 1))
}

fn logs_of_a_task_are_framed(place: &Place) -> Value {
    let path = refused(place);
    let task = place.tasks(&path)[0]["ID"].as_str().unwrap().to_owned();
    json!(frames(place, &format!("/tasks/{task}/logs?stdout=1&stderr=1"), 1))
}

fn logs_of_a_command_are_its_output(place: &Place) -> Value {
    let path = place.service(&once(place, "job", &["sh", "-c", "echo one; sleep 1; echo two"]));
    place.newest(&path, "complete");
    let both = frames(place, &format!("{path}/logs?stdout=1&stderr=1"), 2);
    let errors = frames(place, &format!("{path}/logs?stderr=1"), 0);
    json!({ "both": both, "errors": errors })
}

fn logs_have_details_on_demand(place: &Place) -> Value {
    let path = refused(place);
    let query = "logs?stdout=1&stderr=1&details=1";
    let frames = frames(place, &format!("{path}/{query}"), 1);
    let (details, text) = frames[0].1.split_once(' ').unwrap();
    let mut keys: Vec<&str> = details.split(',').filter_map(|d| d.split('=').next()).collect();
    keys.sort_unstable();
    json!({ "details": keys, "text": text })
}

fn logs_end_with_the_last_lines_on_demand(place: &Place) -> Value {
    let path = refused(place);
    frames(place, &format!("{path}/logs?stderr=1"), 1);
    let count = |query: &str| frames(place, &format!("{path}/logs?{query}"), 0).len();
    json!({ "tail 0": count("stderr=1&tail=0"), "tail 1": count("stderr=1&tail=1"),
        "stdout alone": count("stdout=1") })
}

fn logs_need_a_stream(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    json!(place.ask("GET", &format!("{path}/logs"), &Value::Null).said())
}

fn logs_of_what_is_missing_are_not_found(place: &Place) -> Value {
    let said = |path: &str| place.ask("GET", path, &Value::Null).said();
    json!([said("/services/nope/logs?stdout=1"), said("/tasks/nope/logs?stdout=1")])
}
