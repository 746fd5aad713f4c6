//! What a plan assumes to have been done.
//!
//! A plan writes nothing, so a later call would read a world in which the earlier ones never
//! happened. Changes therefore note what they would have done, and reads look at the world through
//! these notes: a rotation under the same name can be planned end to end.
//!
//! | topic | note |
//! |---|---|
//! | `secret.created` | the secret, which has the ID `planned:<name>` |
//! | `secret.removed` | the secret |
//! | `service.secret/ID` | `from` and `to`; or nothing, if it would be sealed |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_engine::step::{Assumed, Context};

use crate::object::Object;
use crate::service::refs;

const CREATED: &str = "secret.created";
const REMOVED: &str = "secret.removed";

/// Each service has a topic of its own: a plan for thousands must not go through the notes of all
/// for each of them.
fn topic_of(service: &str) -> String {
    format!("service.secret/{service}")
}

/// A secret that would have been created.
#[derive(Serialize, Deserialize)]
struct SecretNote {
    name: String,
    labels: BTreeMap<String, String>,
    /// The name of the secret of before the plan whose labels it has.
    origin: Option<String>,
}

/// What would have been done to a service: a switch from one secret to another, or a seal.
type ServiceNote = Option<(Object, Object)>;

/// Notes that a secret would have been created, with the labels of the secret `like`.
pub fn created(cx: &Context, name: &str, labels: &BTreeMap<String, String>, like: Option<&Value>) {
    let origin = like.map(|like| labels_origin(cx, like));
    let note = SecretNote { name: name.to_owned(), labels: labels.clone(), origin };
    if let (Some(assumed), Ok(note)) = (cx.assumed(), serde_json::to_value(note)) {
        assumed.note(CREATED, note);
    }
}

/// Returns the name of the secret of before the plan whose labels this one has: its own, unless the
/// plan creates it.
pub fn labels_origin(cx: &Context, secret: &Value) -> String {
    let name = secret["Spec"]["Name"].as_str().unwrap_or_default();
    if !secret["ID"].as_str().is_some_and(Assumed::is_id) {
        return name.to_owned();
    }
    let notes = noted::<SecretNote>(cx, CREATED).into_iter().rev();
    let origin = notes.filter(|note| note.name == name).find_map(|note| note.origin);
    origin.unwrap_or_else(|| name.to_owned())
}

/// Notes that a secret would have been removed.
pub fn removed(cx: &Context, secret: &Object) {
    if let Some(assumed) = cx.assumed() {
        assumed.note(REMOVED, json!({ "id": secret.id, "name": secret.name }));
    }
}

/// Notes that a service would have been switched from one secret to another.
pub fn switched(cx: &Context, service: &str, from: &Object, to: &Object) {
    note_service(cx, service, Some((from.clone(), to.clone())));
}

/// Notes that a service would have been sealed.
pub fn sealed(cx: &Context, service: &str) {
    note_service(cx, service, None);
}

fn note_service(cx: &Context, service: &str, note: ServiceNote) {
    if let (Some(assumed), Ok(note)) = (cx.assumed(), serde_json::to_value(note)) {
        assumed.note(&topic_of(service), note);
    }
}

fn noted<T: serde::de::DeserializeOwned>(cx: &Context, topic: &str) -> Vec<T> {
    let notes = cx.assumed().map(|r| r.noted(topic)).unwrap_or_default();
    notes.into_iter().filter_map(|note| serde_json::from_value(note).ok()).collect()
}

/// True if the plan has removed this secret.
pub fn is_removed(cx: &Context, id: &str) -> bool {
    noted::<Object>(cx, REMOVED).iter().any(|s| s.id == id)
}

/// Returns the secret that a service referred to before the plan where it now refers to `now`.
pub fn origin(cx: &Context, service: &str, now: &Object) -> Object {
    let switches = noted::<ServiceNote>(cx, &topic_of(service)).into_iter().rev().flatten();
    switches.fold(now.clone(), |now, (from, to)| if to.id == now.id { from } else { now })
}

/// Makes the list of secrets what it would be after the changes noted.
pub fn secrets(cx: &Context, mut secrets: Vec<Value>) -> Vec<Value> {
    for SecretNote { name, labels, .. } in noted(cx, CREATED) {
        secrets
            .push(json!({ "ID": Assumed::id(&name), "Spec": { "Name": name, "Labels": labels } }));
    }
    let removed = noted::<Object>(cx, REMOVED);
    secrets.retain(|secret| removed.iter().all(|gone| secret["ID"] != gone.id));
    secrets
}

/// True if the plan has changed this service.
pub fn is_changed(cx: &Context, service: &str) -> bool {
    cx.assumed().is_some_and(|assumed| assumed.has_noted(&topic_of(service)))
}

/// Makes a service what it would be after the changes noted.
pub fn service(cx: &Context, service: &mut Value) {
    let notes = service["ID"].as_str().map(|id| noted::<ServiceNote>(cx, &topic_of(id)));
    for switch in notes.unwrap_or_default() {
        service["PreviousSpec"] = service["Spec"].clone();
        if let Some((from, to)) = switch {
            refs::swap(&mut service["Spec"], &from, &to);
        }
    }
}
