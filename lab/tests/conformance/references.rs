//! References of services to secrets and configs, before anything runs.

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::Place;
use crate::service::{app, container, reference};

pub const CASES: &[Case] = cases![
    a_reference_to_a_missing_secret_is_refused,
    a_reference_needs_id_and_name_of_one_secret,
    two_references_with_one_target_are_refused,
    one_secret_under_two_targets_is_accepted,
    a_reference_without_a_file_is_refused,
    an_owner_that_is_no_number_is_accepted,
    references_keep_their_order_and_files,
    a_reference_to_a_missing_config_is_refused,
    two_configs_with_one_target_are_refused,
    a_secret_and_a_config_may_share_a_target,
    an_update_to_a_missing_secret_is_refused_and_changes_nothing,
    null_and_empty_references_are_the_same,
];

/// Posts a service with these references, and returns what is said.
fn said(place: &Place, name: &str, secrets: &Value) -> Value {
    let mut spec = app(place, name, 0);
    container(&mut spec)["Secrets"] = secrets.clone();
    let answer = place.ask("POST", "/services/create", &spec);
    if answer.status == 201 { json!("201") } else { json!(answer.said()) }
}

/// An ID that nothing has.
const NOTHING: &str = "0000000000000000000000000";

fn a_reference_to_a_missing_secret_is_refused(place: &Place) -> Value {
    let missing = |name: &str| reference(place, NOTHING, name, name);
    json!({
        "one": said(place, "a", &json!([missing("a")])),
        "two": said(place, "b", &json!([missing("a"), missing("b")])),
    })
}

fn a_reference_needs_id_and_name_of_one_secret(place: &Place) -> Value {
    let id = place.secret("db", "x");
    let file = json!({ "Name": "db", "UID": "0", "GID": "0", "Mode": 0o444 });
    let with = |service: &str, id: &str, name: &str| {
        let one = json!({ "SecretID": id, "SecretName": name, "File": file });
        said(place, service, &json!([one]))
    };
    json!({
        "id and name": with("a", &id, &place.name("db")),
        "id and another name": with("b", &id, &place.name("other")),
        "id alone": with("c", &id, ""),
        "name alone": with("d", "", &place.name("db")),
        "beginning of the id": with("e", &id[..12], &place.name("db")),
    })
}

fn two_references_with_one_target_are_refused(place: &Place) -> Value {
    let (one, two) = (place.secret("one", "1"), place.secret("two", "2"));
    let refs = json!([reference(place, &one, "one", "x"), reference(place, &two, "two", "x")]);
    said(place, "api", &refs)
}

fn one_secret_under_two_targets_is_accepted(place: &Place) -> Value {
    let id = place.secret("db", "x");
    let refs = json!([reference(place, &id, "db", "a"), reference(place, &id, "db", "b")]);
    said(place, "api", &refs)
}

fn a_reference_without_a_file_is_refused(place: &Place) -> Value {
    let id = place.secret("db", "x");
    let mut reference = reference(place, &id, "db", "");
    let empty = said(place, "a", &json!([reference]));
    reference.as_object_mut().unwrap().remove("File");
    json!({ "empty target": empty, "no file": said(place, "b", &json!([reference])) })
}

fn an_owner_that_is_no_number_is_accepted(place: &Place) -> Value {
    let id = place.secret("db", "x");
    let mut reference = reference(place, &id, "db", "db");
    reference["File"]["UID"] = json!("app");
    said(place, "api", &json!([reference]))
}

fn references_keep_their_order_and_files(place: &Place) -> Value {
    let (a, b) = (place.secret("a", "1"), place.secret("b", "2"));
    let mut first = reference(place, &b, "b", "z");
    first["File"]["Mode"] = json!(0o400);
    let mut spec = app(place, "api", 0);
    container(&mut spec)["Secrets"] = json!([first, reference(place, &a, "a", "y")]);
    let path = place.service(&spec);
    container(&mut place.get(&path)["Spec"])["Secrets"].clone()
}

/// Returns a config of this case, and a reference to it.
fn config(place: &Place, name: &str, target: &str) -> Value {
    let body = json!({ "Name": place.name(name), "Data": "eA==" });
    let id = place.create("/configs/create", &body);
    let file = json!({ "Name": target, "UID": "0", "GID": "0", "Mode": 0o444 });
    json!({ "ConfigID": id, "ConfigName": place.name(name), "File": file })
}

fn with_configs(place: &Place, configs: &Value) -> Value {
    let mut spec = app(place, "api", 0);
    container(&mut spec)["Configs"] = configs.clone();
    let answer = place.ask("POST", "/services/create", &spec);
    if answer.status == 201 { json!("201") } else { json!(answer.said()) }
}

fn a_reference_to_a_missing_config_is_refused(place: &Place) -> Value {
    let mut missing = config(place, "a", "a");
    missing["ConfigID"] = json!(NOTHING);
    with_configs(place, &json!([missing]))
}

fn two_configs_with_one_target_are_refused(place: &Place) -> Value {
    with_configs(place, &json!([config(place, "a", "/x"), config(place, "b", "/x")]))
}

fn a_secret_and_a_config_may_share_a_target(place: &Place) -> Value {
    let mut spec = app(place, "api", 0);
    container(&mut spec)["Configs"] = json!([config(place, "a", "/x")]);
    let id = place.secret("db", "x");
    container(&mut spec)["Secrets"] = json!([reference(place, &id, "db", "/x")]);
    json!(place.ask("POST", "/services/create", &spec).status)
}

fn an_update_to_a_missing_secret_is_refused_and_changes_nothing(place: &Place) -> Value {
    let path = place.service(&app(place, "api", 0));
    let before = place.get(&path);
    let answer = place.try_change(&path, |spec| {
        container(spec)["Secrets"] = json!([reference(place, NOTHING, "db", "db")]);
    });
    json!({ "said": answer.said(), "unchanged": place.get(&path) == before })
}

fn null_and_empty_references_are_the_same(place: &Place) -> Value {
    let mut spec = app(place, "a", 0);
    container(&mut spec)["Secrets"] = Value::Null;
    let nothing = container(&mut place.get(&place.service(&spec))["Spec"])["Secrets"].clone();
    spec["Name"] = json!(place.name("b"));
    container(&mut spec)["Secrets"] = json!([]);
    let empty = container(&mut place.get(&place.service(&spec))["Spec"])["Secrets"].clone();
    json!({ "null": nothing, "empty": empty })
}
