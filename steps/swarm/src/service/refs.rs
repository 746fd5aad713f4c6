//! The references to secrets in the spec of a service.
//!
//! They are matched by full ID, never by name or a part of one: `db` is not `x-db`, and a secret
//! made anew under an old name is another secret. A reference keeps its place in the list and its
//! `File` (path, owner, mode), so that the containers see the same file, and the next
//! `stack deploy` finds nothing to change.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use windlass_engine::step::{Context, StepError};

use crate::docker::{DockerError, Swarm};
use crate::look;
use crate::object::{Object, names};

const PATH: &str = "/TaskTemplate/ContainerSpec/Secrets";

/// Returns how many references a spec has to a secret.
pub fn count(spec: &Value, secret: &str) -> usize {
    of_list(spec.pointer(PATH)).filter(|r| r["SecretID"] == secret).count()
}

/// True if the spec of a task refers to a secret.
pub fn task_has(task: &Value, secret: &str) -> bool {
    of_list(task.pointer("/Spec/ContainerSpec/Secrets")).any(|r| r["SecretID"] == secret)
}

fn of_list(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// Makes every reference to `from` one to `to`, and returns how many there were.
pub fn swap(spec: &mut Value, from: &Object, to: &Object) -> usize {
    let list = spec.pointer_mut(PATH).and_then(Value::as_array_mut);
    let mut swapped = 0;
    for reference in list.into_iter().flatten() {
        if reference["SecretID"] == from.id.as_str() {
            reference["SecretID"] = json!(to.id);
            reference["SecretName"] = json!(to.name);
            swapped += 1;
        }
    }
    swapped
}

/// The services that refer to a secret, by name.
#[derive(Debug, Default)]
pub struct Users {
    /// Those whose spec does.
    pub now: Vec<Object>,
    /// Those whose previous spec alone does.
    pub before: Vec<Object>,
}

/// Returns the services that refer to a secret; for a plan, those that would by then.
///
/// # Errors
/// If the services can't be listed.
pub async fn users(cx: &Context, swarm: &Swarm, secret: &str) -> Result<Users, DockerError> {
    let mut users = Users::default();
    let each = |service: Value| {
        if count(&service["Spec"], secret) > 0 {
            users.now.push(Object::of(&service));
        } else if count(&service["PreviousSpec"], secret) > 0 {
            users.before.push(Object::of(&service));
        }
    };
    look::each_that_names(cx, swarm, secret, each).await?;
    users.now.sort_by(|a, b| a.name.cmp(&b.name));
    users.before.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(users)
}

/// Returns the references of a spec in words: "db_password (abc), api_key (def)".
pub fn in_words(spec: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or("?").to_owned();
    let found: Vec<String> = of_list(spec.pointer(PATH))
        .map(|r| format!("{} ({})", text(&r["SecretName"]), text(&r["SecretID"])))
        .collect();
    match found.is_empty() {
        true => "no secret at all".to_owned(),
        false => found.join(", "),
    }
}

/// Returns the error that a secret is in use.
pub fn used(doing: &str, secret: &Object, users: &[Object]) -> StepError {
    let message = format!("{doing}: it is in use by {}", names(users));
    StepError::permanent("in_use", message).hint(format!(
        "Switch those services to another secret first; `docker secret inspect {}` shows the secret.",
        secret.name
    ))
}

/// Puts the names of the services into the error of a removal, if being in use is its reason.
pub async fn in_use(cx: &Context, swarm: &Swarm, secret: &Object, error: StepError) -> StepError {
    if error.code != "in_use" {
        return error;
    }
    match users(cx, swarm, &secret.id).await {
        Ok(Users { now, .. }) if !now.is_empty() => {
            used(&format!("remove the secret {}", secret.name), secret, &now)
        }
        _ => error,
    }
}

/// Returns a fingerprint of what the tasks of a service are made from.
///
/// The environment is left out: it may hold passwords, and a plain hash of it could be guessed at.
pub fn fingerprint(spec: &Value) -> String {
    let mut template = spec["TaskTemplate"].clone();
    if let Some(container) = template["ContainerSpec"].as_object_mut() {
        container.remove("Env");
    }
    template.sort_all_objects();
    let hash = Sha256::digest(template.to_string().as_bytes());
    hash.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(id: &str, name: &str) -> Object {
        Object { id: id.into(), name: name.into() }
    }

    fn reference(id: &str, name: &str, file: &str) -> Value {
        json!({ "File": { "Name": file, "UID": "33", "GID": "33", "Mode": 256 }, "SecretID": id, "SecretName": name })
    }

    fn spec(references: Value) -> Value {
        json!({ "Name": "web", "TaskTemplate": { "ContainerSpec": { "Image": "web", "Secrets": references } } })
    }

    #[test]
    fn a_swap_keeps_file_and_place_and_takes_every_reference() {
        let mut web = spec(json!([
            reference("old", "db", "/etc/db.conf"),
            reference("other", "db.tmp", "x"),
            reference("old", "db", "db_again"),
        ]));
        assert_eq!(swap(&mut web, &object("old", "db"), &object("new", "db_v2")), 2);
        assert_eq!(
            web,
            spec(json!([
                reference("new", "db_v2", "/etc/db.conf"),
                reference("other", "db.tmp", "x"),
                reference("new", "db_v2", "db_again"),
            ]))
        );
    }

    #[test]
    fn names_and_parts_of_ids_don_t_match() {
        let mut web = spec(json!([reference("old2", "db", "db")]));
        let before = web.clone();
        assert_eq!(swap(&mut web, &object("old", "db"), &object("new", "db_v2")), 0);
        assert_eq!(web, before);
    }

    #[test]
    fn services_without_containers_or_secrets_have_no_references() {
        for spec in
            [spec(Value::Null), json!({ "TaskTemplate": { "PluginSpec": {} } }), Value::Null]
        {
            assert_eq!(count(&spec, "old"), 0);
            assert_eq!(in_words(&spec), "no secret at all");
        }
    }

    #[test]
    fn the_fingerprint_knows_no_order_of_fields_and_no_environment() {
        let a = json!({ "TaskTemplate": { "ForceUpdate": 0, "ContainerSpec": { "Image": "web", "Env": ["A=1"] } } });
        let b =
            json!({ "TaskTemplate": { "ContainerSpec": { "Image": "web" }, "ForceUpdate": 0 } });
        let c =
            json!({ "TaskTemplate": { "ContainerSpec": { "Image": "web:2" }, "ForceUpdate": 0 } });
        assert_eq!(fingerprint(&a), fingerprint(&b));
        assert_ne!(fingerprint(&a), fingerprint(&c));
    }
}
