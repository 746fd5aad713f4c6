//! Services as documents: what is accepted, kept, found and refused. Nothing runs here.

use serde_json::{Value, json};
use windlass_lab::image;

use crate::chapter::{Case, cases};
use crate::place::{Answer, Place};
use crate::service::{MS, app, container, fail, force, job, reference};

pub const CASES: &[Case] = cases![
    a_service_name_is_taken_once,
    service_names_have_rules,
    a_service_is_found_by_id_name_and_beginning_of_its_id,
    services_are_filtered_by_beginning_of_name_labels_and_mode,
    a_spec_comes_back_as_it_was_posted,
    defaults_are_shown_on_demand,
    an_unknown_field_is_dropped,
    an_update_moves_the_version_and_keeps_the_spec_before,
    a_new_service_has_no_previous_spec_and_no_update_status,
    an_update_without_a_change_makes_the_spec_its_own_previous_spec,
    a_stale_version_is_refused,
    an_update_of_the_name_is_refused,
    an_update_of_the_mode_is_refused,
    an_update_may_name_the_service_and_uses_its_version,
    rollback_without_a_previous_spec_is_refused,
    rollback_previous_swaps_spec_and_previous_spec,
    rollback_previous_looks_at_the_secrets_of_the_request_alone,
    rollback_to_a_word_that_is_not_known_is_refused,
    update_settings_have_rules,
    a_job_takes_no_update_settings,
    a_job_may_say_restart_always,
    a_job_takes_a_rollback,
    a_service_needs_an_image,
    an_update_keeps_what_it_does_not_name_nowhere,
    a_service_of_no_replicas_has_no_tasks_and_no_update_status,
    a_removed_service_is_gone_and_its_name_free,
    a_constraint_that_is_none_is_refused,
    a_mount_target_is_used_once,
];

/// Sends a spec that may be refused.
fn create(place: &Place, spec: &Value) -> Answer {
    place.ask("POST", "/services/create", spec)
}

/// Returns the status of what was accepted, and all that was said of what was not.
fn verdict(answer: &Answer) -> Value {
    match answer.status {
        200 | 201 => json!(answer.status.to_string()),
        _ => json!(answer.said()),
    }
}

fn a_service_name_is_taken_once(place: &Place) -> Value {
    place.service(&app(place, "api", 0));
    verdict(&create(place, &app(place, "api", 0)))
}

fn service_names_have_rules(place: &Place) -> Value {
    let long = |length: usize| "x".repeat(length - place.prefix.len());
    let mut seen = json!({});
    for name in ["A9", "a.b", "a_b", "end-", "a b", &long(63), &long(64)] {
        let name_shown = name.replace(&"x".repeat(50), "x50");
        seen[name_shown] = verdict(&create(place, &app(place, name, 0)));
    }
    let mut unnamed = app(place, "", 0);
    unnamed["Name"] = json!("");
    seen["none"] = verdict(&create(place, &unnamed));
    seen
}

fn a_service_is_found_by_id_name_and_beginning_of_its_id(place: &Place) -> Value {
    let id = place.create("/services/create", &app(place, "api", 0));
    let found = |key: &str| place.ask("GET", &format!("/services/{key}"), &Value::Null).status;
    json!({
        "id": found(&id), "name": found(&place.name("api")),
        "beginning of the id": found(&id[..12]),
        "beginning of the name": found(&place.name("ap")),
    })
}

fn services_are_filtered_by_beginning_of_name_labels_and_mode(place: &Place) -> Value {
    let case = place.name("");
    let mut ids = Vec::new();
    for (name, tier, mode) in [
        ("api", "1", json!({ "Replicated": { "Replicas": 0 } })),
        ("api-2", "2", json!({ "Replicated": { "Replicas": 0 } })),
        ("all", "2", json!({ "Global": {} })),
    ] {
        let mut spec = app(place, name, 0);
        spec["Labels"] = json!({ "case": case, "tier": tier });
        spec["Mode"] = mode;
        // Nothing of it runs.
        spec["TaskTemplate"]["Placement"] = json!({ "Constraints": ["node.labels.none==1"] });
        ids.push(place.create("/services/create", &spec));
    }
    let found = |filters: Value| {
        let list = place.list("/services", &filters);
        let mut names: Vec<Value> = list.iter().map(|s| s["Spec"]["Name"].clone()).collect();
        names.sort_by_key(Value::to_string);
        names.retain(|name| name.as_str().is_some_and(|name| name.starts_with(&case)));
        json!(names)
    };
    json!({
        "name": found(json!({ "name": [place.name("api")] })),
        "id": found(json!({ "id": [ids[0]] })),
        "beginning of id": found(json!({ "id": [ids[0][..12]] })),
        "label": found(json!({ "label": [format!("case={case}"), "tier=2"] })),
        "label alone": found(json!({ "label": ["tier"] })),
        "mode": found(json!({ "mode": ["global"] })),
        "mode and label": found(json!({ "mode": ["replicated"], "label": ["tier=2"] })),
    })
}

fn a_spec_comes_back_as_it_was_posted(place: &Place) -> Value {
    let id = place.secret("db", "x");
    let mut spec = app(place, "api", 0);
    spec["Labels"] = json!({ "b": "2", "a": "1" });
    let mut odd = reference(place, &id, "db", "/etc/app/db");
    odd["File"] = json!({ "Name": "/etc/app/db", "UID": "app", "GID": "1000", "Mode": 0o400 });
    container(&mut spec)["Secrets"] = json!([odd]);
    container(&mut spec)["Env"] = json!(["B=2", "A=1", "A=3"]);
    let path = place.service(&spec);
    let answered = &place.get(&path)["Spec"];
    json!({ "labels": answered["Labels"], "container": answered["TaskTemplate"]["ContainerSpec"] })
}

fn defaults_are_shown_on_demand(place: &Place) -> Value {
    let spec = json!({
        "Name": place.name("api"),
        "TaskTemplate": { "ContainerSpec": { "Image": image::APP } },
        "Mode": { "Replicated": { "Replicas": 0 } },
    });
    let path = place.service(&spec);
    let plain = place.get(&path)["Spec"].clone();
    let full = place.get(&format!("{path}?insertDefaults=true"))["Spec"].clone();
    json!({ "plain": plain, "with defaults": full })
}

fn an_unknown_field_is_dropped(place: &Place) -> Value {
    let mut spec = app(place, "api", 0);
    spec["Colour"] = json!("red");
    container(&mut spec)["Colour"] = json!("red");
    let path = place.service(&spec);
    let spec = &mut place.get(&path)["Spec"];
    json!([spec["Colour"], container(spec)["Colour"]])
}

/// Returns the value of the label `v` of a spec.
fn label(spec: &Value) -> Value {
    spec["Labels"]["v"].clone()
}

fn an_update_moves_the_version_and_keeps_the_spec_before(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    let mut versions = vec![place.get(&path)["Version"]["Index"].as_u64()];
    let mut seen = Vec::new();
    for value in ["1", "2"] {
        place.change(&path, |spec| spec["Labels"] = json!({ "v": value }));
        let service = place.get(&path);
        versions.push(service["Version"]["Index"].as_u64());
        seen.push(
            json!({ "spec": label(&service["Spec"]), "previous": label(&service["PreviousSpec"]) }),
        );
    }
    json!({ "versions rise": versions.is_sorted_by(|a, b| a < b), "updates": seen })
}

fn a_new_service_has_no_previous_spec_and_no_update_status(place: &Place) -> Value {
    let service = place.get(&place.service(&app(place, "api", 0)));
    json!(service.as_object().unwrap().keys().collect::<Vec<_>>())
}

fn an_update_without_a_change_makes_the_spec_its_own_previous_spec(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    place.change(&path, |_| ());
    let service = place.get(&path);
    json!({ "previous": label(&service["PreviousSpec"]), "status": service["UpdateStatus"] })
}

fn a_stale_version_is_refused(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    let before = place.get(&path);
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    let update = |version: &str| {
        let target = format!("{path}/update{version}");
        verdict(&place.ask("POST", &target, &before["Spec"]))
    };
    let index = before["Version"]["Index"].as_u64().unwrap();
    json!({
        "stale": update(&format!("?version={index}")),
        "of the future": update(&format!("?version={}", index + 10_000)),
        "none": update(""), "a word": update("?version=new"),
        "label": label(&place.get(&path)["Spec"]),
    })
}

fn an_update_of_the_name_is_refused(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    verdict(&place.try_change(&path, |spec| spec["Name"] = json!("other")))
}

fn an_update_of_the_mode_is_refused(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    verdict(&place.try_change(&path, |spec| spec["Mode"] = json!({ "Global": {} })))
}

fn an_update_may_name_the_service_and_uses_its_version(place: &Place) -> Value {
    place.service(&app(place, "api", 0));
    let path = format!("/services/{}", place.name("api"));
    let answer = place.try_change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    let label = label(&place.get(&path)["Spec"]);
    json!({ "status": answer.status, "body": answer.body, "label": label })
}

fn rollback_without_a_previous_spec_is_refused(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    verdict(&place.rollback(&path, "previous", |_| ()))
}

fn rollback_previous_swaps_spec_and_previous_spec(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "2" }));
    let seen = || {
        let status = place.rollback(&path, "previous", |_| ()).status;
        let service = place.get(&path);
        let previous = label(&service["PreviousSpec"]);
        json!({ "status": status, "spec": label(&service["Spec"]), "previous": previous })
    };
    json!([seen(), seen()])
}

fn rollback_previous_looks_at_the_secrets_of_the_request_alone(place: &Place) -> Value {
    let id = place.secret("db", "x");
    let mut spec = app(place, "api", 0);
    container(&mut spec)["Secrets"] = json!([reference(place, &id, "db", "db")]);
    let path = place.service(&spec);
    place.change(&path, |spec| container(spec)["Secrets"] = json!([]));
    place.ask("DELETE", &format!("/secrets/{id}"), &Value::Null);
    let with = |secrets: Value| {
        verdict(&place.rollback(&path, "previous", |s| container(s)["Secrets"] = secrets.clone()))
    };
    let named = with(json!([reference(place, &id, "db", "db")]));
    let unnamed = with(json!([]));
    let refs = container(&mut place.get(&path)["Spec"])["Secrets"][0]["SecretID"] == json!(id);
    json!({ "request names it": named, "request does not": unnamed, "spec names it again": refs })
}

fn rollback_to_a_word_that_is_not_known_is_refused(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    verdict(&place.rollback(&path, "yesterday", |_| ()))
}

fn update_settings_have_rules(place: &Place) -> Value {
    let said = |name: &str, setting: &str, value: Value| {
        let mut spec = app(place, name, 0);
        spec["UpdateConfig"][setting] = value;
        verdict(&create(place, &spec))
    };
    json!({
        "failure action": said("a", "FailureAction", json!("panic")),
        "order": said("b", "Order", json!("random")),
        "ratio": said("c", "MaxFailureRatio", json!(1.5)),
        "negative delay": said("d", "Delay", json!(-1)),
        "negative monitor": said("e", "Monitor", json!(-1)),
    })
}

fn a_job_takes_no_update_settings(place: &Place) -> Value {
    let mut spec = job(place, "job", &["true"], &json!({ "ReplicatedJob": {} }));
    spec["UpdateConfig"] = json!({ "Parallelism": 1 });
    verdict(&create(place, &spec))
}

fn a_job_may_say_restart_always(place: &Place) -> Value {
    let mode = json!({ "ReplicatedJob": { "MaxConcurrent": 1, "TotalCompletions": 0 } });
    let mut spec = job(place, "job", &["true"], &mode);
    spec["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "any" });
    verdict(&create(place, &spec))
}

fn a_job_takes_a_rollback(place: &Place) -> Value {
    let mode = json!({ "ReplicatedJob": { "MaxConcurrent": 1, "TotalCompletions": 0 } });
    let path = place.service(&job(place, "job", &["true"], &mode));
    place.change(&path, |spec| spec["Labels"] = json!({ "v": "1" }));
    verdict(&place.rollback(&path, "previous", |_| ()))
}

fn a_service_needs_an_image(place: &Place) -> Value {
    let mut spec = app(place, "api", 0);
    container(&mut spec)["Image"] = json!("");
    let empty = verdict(&create(place, &spec));
    container(&mut spec)["Image"] = json!("NOT//valid");
    json!({ "empty": empty, "not a name": verdict(&create(place, &spec)) })
}

fn an_update_keeps_what_it_does_not_name_nowhere(place: &Place) -> Value {
    let mut spec = app(place, "api", 0);
    spec["Labels"] = json!({ "v": "1" });
    let path = place.service(&spec);
    place.change(&path, |spec| {
        let whole = spec.as_object_mut().unwrap();
        whole.retain(|key, _| !["Labels", "UpdateConfig"].contains(&key.as_str()));
    });
    let spec = &place.get(&path)["Spec"];
    json!({ "labels": spec["Labels"], "update settings": spec["UpdateConfig"] })
}

fn a_service_of_no_replicas_has_no_tasks_and_no_update_status(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    place.change(&path, force);
    place.change(&path, fail);
    place.world.pass(std::time::Duration::from_millis(500));
    json!({ "tasks": place.tasks(&path).len(), "status": place.get(&path)["UpdateStatus"] })
}

fn a_removed_service_is_gone_and_its_name_free(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    let ask = |method: &str| place.ask(method, &path, &Value::Null).said();
    let (first, again, get) = (ask("DELETE"), ask("DELETE"), ask("GET"));
    let other = place.service(&app(place, "api", 0)) != path;
    json!({ "remove": first, "again": again, "inspect": get, "name taken by another": other })
}

fn a_constraint_that_is_none_is_refused(place: &Place) -> Value {
    let mut spec = app(place, "api", 0);
    let mut said = |constraint: &str| {
        spec["TaskTemplate"]["Placement"] = json!({ "Constraints": [constraint] });
        spec["Name"] = json!(place.name(&format!("s{}", constraint.len())));
        verdict(&create(place, &spec))
    };
    json!({
        "no operator": said("node.role"), "less than": said("node.role<manager"),
        "unknown key": said("node.colour==red"), "no value": said("node.role=="),
    })
}

fn a_mount_target_is_used_once(place: &Place) -> Value {
    let mut spec = app(place, "api", 0);
    let mount = json!({ "Type": "volume", "Source": "data", "Target": "/data" });
    container(&mut spec)["Mounts"] = json!([mount, mount]);
    spec["UpdateConfig"]["Delay"] = json!(10 * MS);
    verdict(&create(place, &spec))
}
