//! Secrets and configs: what may be asked, said and changed.

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::{Place, base64};
use crate::service::{app, container, reference};

pub const CASES: &[Case] = cases![
    a_secret_never_gives_its_value_back,
    a_config_gives_its_data_back,
    a_duplicate_secret_name_is_refused,
    a_duplicate_config_name_is_refused,
    what_is_missing_is_not_found,
    a_secret_in_use_is_not_removed,
    a_secret_in_use_by_two_services_names_both,
    a_config_in_use_is_not_removed,
    a_secret_that_only_the_previous_spec_has_is_removed,
    a_secret_of_a_removed_service_is_removed,
    only_labels_of_a_secret_can_be_changed,
    only_labels_of_a_config_can_be_changed,
    labels_of_a_secret_are_replaced_as_a_whole,
    a_stale_version_of_a_secret_is_refused,
    names_of_secrets_have_rules,
    names_of_configs_have_rules,
    secrets_have_limits_of_size,
    configs_have_limits_of_size,
    a_value_that_is_not_base64_is_refused,
    a_secret_is_found_by_id_name_and_beginning_of_its_id,
    secrets_are_filtered_by_beginning_of_name_exact_names_and_labels,
    configs_have_no_filter_names,
    unknown_filters_are_refused,
    templating_and_labels_of_a_secret_are_kept,
    a_secret_can_be_made_again_under_the_name_of_a_removed_one,
];

fn config(place: &Place, name: &str, data: &str) -> String {
    let body = json!({ "Name": place.name(name), "Data": base64(data.as_bytes()) });
    place.create("/configs/create", &body)
}

fn a_secret_never_gives_its_value_back(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    let secret = place.get(&format!("/secrets/{id}"));
    let listed = place.list("/secrets", &json!({ "id": [id] }));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    json!({ "inspect": keys(&secret["Spec"]), "list": keys(&listed[0]["Spec"]) })
}

fn a_config_gives_its_data_back(place: &Place) -> Value {
    let id = config(place, "app", "a = 1\n");
    json!(place.get(&format!("/configs/{id}"))["Spec"])
}

fn a_duplicate_secret_name_is_refused(place: &Place) -> Value {
    place.secret("db", "one");
    let body = json!({ "Name": place.name("db"), "Data": base64(b"two") });
    json!(place.ask("POST", "/secrets/create", &body).said())
}

fn a_duplicate_config_name_is_refused(place: &Place) -> Value {
    config(place, "app", "one");
    let body = json!({ "Name": place.name("app"), "Data": base64(b"two") });
    json!(place.ask("POST", "/configs/create", &body).said())
}

fn what_is_missing_is_not_found(place: &Place) -> Value {
    let said = |method: &str, path: &str, body: Value| place.ask(method, path, &body).said();
    json!({
        "secret": said("GET", "/secrets/nope", Value::Null),
        "config": said("GET", "/configs/nope", Value::Null),
        "service": said("GET", "/services/nope", Value::Null),
        "task": said("GET", "/tasks/nope", Value::Null),
        "node": said("GET", "/nodes/nope", Value::Null),
        "remove secret": said("DELETE", "/secrets/nope", Value::Null),
        "remove config": said("DELETE", "/configs/nope", Value::Null),
        "remove service": said("DELETE", "/services/nope", Value::Null),
        "update secret": said("POST", "/secrets/nope/update?version=1", json!({ "Name": "nope" })),
        "update service":
            said("POST", "/services/nope/update?version=1", app(place, "nope", 0)),
    })
}

/// Makes a service at rest that uses a secret of this case.
fn user(place: &Place, name: &str, id: &str, secret: &str) -> String {
    let mut spec = app(place, name, 0);
    container(&mut spec)["Secrets"] = json!([reference(place, id, secret, "db")]);
    place.service(&spec)
}

fn remove(place: &Place, path: &str) -> String {
    place.ask("DELETE", path, &Value::Null).said()
}

fn a_secret_in_use_is_not_removed(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    user(place, "api", &id, "db");
    json!(remove(place, &format!("/secrets/{id}")))
}

fn a_secret_in_use_by_two_services_names_both(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    user(place, "api", &id, "db");
    user(place, "web", &id, "db");
    let said = remove(place, &format!("/secrets/{id}"));
    let (text, names) = said.rsplit_once(": ").unwrap();
    // The order is that of the store.
    let mut names: Vec<&str> = names.split(", ").collect();
    names.sort_unstable();
    json!([text, names])
}

fn a_config_in_use_is_not_removed(place: &Place) -> Value {
    let id = config(place, "app", "a = 1");
    let mut spec = app(place, "api", 0);
    let file = json!({ "Name": "app", "UID": "0", "GID": "0", "Mode": 0o444 });
    container(&mut spec)["Configs"] =
        json!([{ "ConfigID": id, "ConfigName": place.name("app"), "File": file }]);
    place.service(&spec);
    json!(remove(place, &format!("/configs/{id}")))
}

fn a_secret_that_only_the_previous_spec_has_is_removed(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    let path = user(place, "api", &id, "db");
    place.change(&path, |spec| container(spec)["Secrets"] = json!([]));
    let said = remove(place, &format!("/secrets/{id}"));
    let before = &place.get(&path)["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Secrets"];
    json!({ "remove": said, "previous spec still names it": before[0]["SecretID"] == json!(id) })
}

fn a_secret_of_a_removed_service_is_removed(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    let path = user(place, "api", &id, "db");
    json!([remove(place, &path), remove(place, &format!("/secrets/{id}"))])
}

fn only_labels_of_a_secret_can_be_changed(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    let path = format!("/secrets/{id}");
    let said = |edit: fn(&mut Value)| place.try_change(&path, edit).said();
    json!({
        "labels": said(|spec| spec["Labels"] = json!({ "a": "1" })),
        "name": said(|spec| spec["Name"] = json!("other")),
        "same data": said(|spec| spec["Data"] = json!(base64(b"hunter2"))),
        "other data": said(|spec| spec["Data"] = json!(base64(b"hunter3"))),
        "templating": said(|spec| spec["Templating"] = json!({ "Name": "golang" })),
    })
}

fn only_labels_of_a_config_can_be_changed(place: &Place) -> Value {
    let id = config(place, "app", "a = 1");
    let path = format!("/configs/{id}");
    let said = |edit: fn(&mut Value)| place.try_change(&path, edit).said();
    json!({
        "labels": said(|spec| spec["Labels"] = json!({ "a": "1" })),
        "name": said(|spec| spec["Name"] = json!("other")),
        "data": said(|spec| spec["Data"] = json!(base64(b"a = 2"))),
    })
}

fn labels_of_a_secret_are_replaced_as_a_whole(place: &Place) -> Value {
    let labels = json!({ "a": "1", "b": "2" });
    let body = json!({ "Name": place.name("db"), "Labels": labels, "Data": base64(b"x") });
    let path = format!("/secrets/{}", place.create("/secrets/create", &body));
    place.change(&path, |spec| spec["Labels"] = json!({ "c": "3" }));
    let replaced = place.get(&path)["Spec"]["Labels"].clone();
    place.change(&path, |spec| *spec = json!({ "Name": spec["Name"] }));
    json!({ "replaced": replaced, "left out": place.get(&path)["Spec"]["Labels"] })
}

fn a_stale_version_of_a_secret_is_refused(place: &Place) -> Value {
    let path = format!("/secrets/{}", place.secret("db", "hunter2"));
    let before = place.get(&path);
    place.change(&path, |spec| spec["Labels"] = json!({ "a": "1" }));
    let update = |version: &str| {
        let target = format!("{path}/update{version}");
        place.ask("POST", &target, &before["Spec"]).said()
    };
    let index = &before["Version"]["Index"];
    json!({ "stale": update(&format!("?version={index}")), "none": update("") })
}

/// Returns what is said to which names.
fn names(place: &Place, kind: &str) -> Value {
    let long = |length: usize| format!("{}{}", place.prefix, "x".repeat(length - 4));
    let names = [
        String::new(),
        place.name("a.b_c-D9"),
        place.name("end-"),
        place.name("a b"),
        place.name("ä"),
        format!("-{}", place.prefix),
        long(64),
        long(65),
    ];
    let (mut accepted, mut refused) = (Vec::new(), json!({}));
    for name in names {
        let body = json!({ "Name": name, "Data": base64(b"x") });
        let answer = place.ask("POST", &format!("/{kind}/create"), &body);
        let name = name.replace(&"x".repeat(60), "x60");
        if answer.status == 201 {
            accepted.push(name);
        } else if let Some(list) = refused[answer.said()].as_array_mut() {
            list.push(json!(name));
        } else {
            refused[answer.said()] = json!([name]);
        }
    }
    json!({ "accepted": accepted, "refused": refused })
}

fn names_of_secrets_have_rules(place: &Place) -> Value {
    names(place, "secrets")
}

fn names_of_configs_have_rules(place: &Place) -> Value {
    names(place, "configs")
}

/// Returns what is said to each size.
fn sizes(place: &Place, kind: &str, sizes: [usize; 3]) -> Value {
    let said = |size: &usize| {
        let data = base64(&vec![b'x'; *size]);
        let body = json!({ "Name": place.name(&format!("s{size}")), "Data": data });
        let answer = place.ask("POST", &format!("/{kind}/create"), &body);
        let said = if answer.status == 201 { "201".to_owned() } else { answer.said() };
        format!("{size}: {said}")
    };
    sizes.iter().map(said).collect()
}

fn secrets_have_limits_of_size(place: &Place) -> Value {
    sizes(place, "secrets", [0, 511_999, 512_000])
}

fn configs_have_limits_of_size(place: &Place) -> Value {
    sizes(place, "configs", [0, 1_023_999, 1_024_000])
}

fn a_value_that_is_not_base64_is_refused(place: &Place) -> Value {
    let body = json!({ "Name": place.name("db"), "Data": "not base64!" });
    json!(place.ask("POST", "/secrets/create", &body).said())
}

fn a_secret_is_found_by_id_name_and_beginning_of_its_id(place: &Place) -> Value {
    let id = place.secret("db", "hunter2");
    let found = |key: &str| place.ask("GET", &format!("/secrets/{key}"), &Value::Null).status;
    json!({
        "id": found(&id), "name": found(&place.name("db")),
        "beginning of the id": found(&id[..12]), "beginning of the name": found(&place.name("d")),
        "end of the id": found(&id[12..]),
    })
}

fn secrets_are_filtered_by_beginning_of_name_exact_names_and_labels(place: &Place) -> Value {
    let name = |name: &str| place.name(name);
    for (secret, tier) in [("db", "1"), ("db_2", "2"), ("xdb", "2")] {
        let labels = json!({ "case": name(""), "tier": tier });
        let body = json!({ "Name": name(secret), "Labels": labels, "Data": base64(b"x") });
        place.create("/secrets/create", &body);
    }
    let found = |filters: Value| {
        let list = place.list("/secrets", &filters);
        let mut names: Vec<&str> = list.iter().filter_map(|s| s["Spec"]["Name"].as_str()).collect();
        names.sort_unstable();
        json!(names)
    };
    let id = place.list("/secrets", &json!({ "names": [name("db")] }))[0]["ID"].clone();
    let case = format!("case={}", name(""));
    json!({
        "name": found(json!({ "name": [name("db")] })),
        "names": found(json!({ "names": [name("db")] })),
        "two names": found(json!({ "names": [name("db"), name("xdb")] })),
        "beginning of id": found(json!({ "id": [id.as_str().unwrap()[..12]] })),
        "label with value": found(json!({ "label": [case, "tier=2"] })),
        "label": found(json!({ "label": [case, "tier"] })),
        "label and name": found(json!({ "label": ["tier=2"], "name": [name("db")] })),
    })
}

fn configs_have_no_filter_names(place: &Place) -> Value {
    let filters = crate::place::encoded(&json!({ "names": ["a"] }).to_string());
    json!(place.ask("GET", &format!("/configs?filters={filters}"), &Value::Null).said())
}

fn unknown_filters_are_refused(place: &Place) -> Value {
    let filters = crate::place::encoded(&json!({ "colour": ["red"] }).to_string());
    let said = |kind: &str| {
        let path = format!("/{kind}?filters={filters}");
        (kind.to_owned(), json!(place.ask("GET", &path, &Value::Null).said()))
    };
    Value::Object(["secrets", "services", "tasks", "nodes"].map(said).into_iter().collect())
}

fn templating_and_labels_of_a_secret_are_kept(place: &Place) -> Value {
    let body = json!({
        "Name": place.name("db"), "Labels": { "a": "1" }, "Data": base64(b"x"),
        "Templating": { "Name": "golang" },
    });
    let id = place.create("/secrets/create", &body);
    place.get(&format!("/secrets/{id}"))["Spec"].clone()
}

fn a_secret_can_be_made_again_under_the_name_of_a_removed_one(place: &Place) -> Value {
    let first = place.secret("db", "one");
    let removed = remove(place, &format!("/secrets/{first}"));
    let second = place.secret("db", "two");
    let path = format!("/secrets/{}", place.name("db"));
    let found = place.get(&path)["ID"] == json!(second);
    json!({ "remove": removed, "another id": first != second, "found by name": found })
}
