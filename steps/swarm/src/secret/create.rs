//! `secret.create`: a new secret out of a sealed value.
//!
//! | | |
//! |---|---|
//! | reads | secrets of that name; the secret whose labels are copied |
//! | changes | creates the secret, labelled with run, call and a keyed fingerprint of the value |
//! | undoes | removes it again, if it is still ours |
//! | a `kill -9` before or during | probe finds no secret of that name: applied again |
//! | a `kill -9` after | probe finds the name with our labels: recorded as applied |

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_engine::step::{
    About, Assumed, ChangeStep, Context, Prepared, Probe, SealedRef, StepError,
};

use super::ansible::{self, AnsibleKey};
use super::value::{self, Newline};
use super::{label, name};
use crate::docker::{DockerError, Swarm};
use crate::object::{Object, names};
use crate::planned;
use crate::service::refs;

/// The step.
pub struct Create {
    /// Where it creates.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The name of the new secret.
    pub name: String,
    /// The value.
    pub value: SealedRef,
    /// The ID of a secret whose labels and templating are copied.
    #[serde(default)]
    pub like: Option<String>,
    /// What to do with a newline at the end of the value.
    #[serde(default)]
    pub newline: Newline,
    /// What to do with Ansible's hash of the value, if the secret that is copied has one.
    #[serde(default)]
    pub ansible_key: AnsibleKey,
}

/// What was found before creating.
#[derive(Debug, Serialize, Deserialize)]
pub struct Base {
    /// The keyed fingerprint of the value.
    mac: String,
    /// The labels copied.
    labels: BTreeMap<String, String>,
    /// The templating copied.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    templating: Value,
    /// True if Ansible's label with a hash of the value is written. The hash is worked out when the
    /// secret is created: it is not for journals.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ansible_key: bool,
}

#[async_trait]
impl ChangeStep for Create {
    type Args = Args;
    type Base = Base;
    type Output = Object;

    fn about(&self) -> About {
        About {
            name: "secret.create".into(),
            summary: "Create a secret.".into(),
            reads: "Secrets of that name, and the secret whose labels are copied.".into(),
            changes: "Creates the secret.".into(),
            undo: "Removes it, if it is still the one that this run made and no service uses it.".into(),
            example: r#"let next = secret::create(#{ name: "db_password_v2", value: password, like: old.id });"#.into(),
        }
    }

    /// A value that is still to be made is another one in each plan, and one that was made can't
    /// change.
    fn unbound(&self) -> &'static [&'static str] {
        &["mac"]
    }

    async fn prepare(
        &self,
        cx: &Context,
        args: &Args,
    ) -> Result<Prepared<Base, Object>, StepError> {
        let doing = format!("create the secret {}", args.name);
        if let Some((code, problem)) = name::wrong(&args.name) {
            return Err(StepError::permanent(code, format!("{doing}: {problem}"))
                .hint("Choose a shorter or simpler name."));
        }
        let mac = value::fingerprint(cx, &args.value, args.newline, &doing)?;
        let named = self.swarm.secret_named(&args.name).await.map_err(|e| e.reading(&doing))?;
        let named = planned::secrets(cx, named.into_iter().collect());
        let named = named.iter().find(|s| s["Spec"]["Name"] == args.name);
        if let Some(other) = named.filter(|s| !label::is_ours(cx, &mac, s)) {
            return Err(self.taken(cx, &doing, other).await);
        }
        let like = self.like(cx, args, &doing).await?;
        let mut labels = like.as_ref().map(label::theirs).unwrap_or_default();
        let risk = like.as_ref().and_then(|like| {
            let origin = planned::labels_origin(cx, like);
            ansible::risk(&labels, &origin, &args.name, args.ansible_key)
        });
        planned::created(cx, &args.name, &labels, like.as_ref());
        let has_key = ansible::renew(&mut labels, &args.name);
        let ansible_key = has_key && args.ansible_key == AnsibleKey::Update;
        let templating = like.map(|like| like["Spec"]["Templating"].clone()).unwrap_or_default();
        let expected = Object { id: Assumed::id(&args.name), name: args.name.clone() };
        let says = format!("create secret {}", args.name);
        let base = Base { mac, labels, templating, ansible_key };
        let mut prepared = Prepared::new(base, expected, says);
        prepared.risks.extend(risk);
        Ok(prepared)
    }

    async fn apply(&self, cx: &Context, args: &Args, base: &Base) -> Result<Object, StepError> {
        let doing = format!("create the secret {}", args.name);
        let body = value::body(cx, &spec(cx, args, base)?, &args.value, args.newline)?;
        match self.swarm.create_secret(body).await {
            Ok(id) => Ok(Object { id, name: args.name.clone() }),
            // An earlier attempt of ours whose answer was lost, or somebody else in between?
            Err(DockerError::Refused { status: 409, .. }) => {
                let named = self.swarm.secret_named(&args.name).await;
                match named.map_err(|e| e.writing(&doing))? {
                    Some(secret) if label::is_ours(cx, &base.mac, &secret) => {
                        Ok(Object::of(&secret))
                    }
                    Some(other) => Err(self.taken(cx, &doing, &other).await),
                    None => Err(StepError::conflict(
                        "exists",
                        format!("{doing}: its name was just freed"),
                    )),
                }
            }
            Err(error) => Err(error.writing(&doing)),
        }
    }

    async fn probe(
        &self,
        cx: &Context,
        args: &Args,
        base: &Base,
    ) -> Result<Probe<Object>, StepError> {
        let doing = format!("look for the secret {}", args.name);
        let named = self.swarm.secret_named(&args.name).await.map_err(|e| e.reading(&doing))?;
        Ok(match named {
            None => Probe::NotApplied,
            Some(secret) if label::is_ours(cx, &base.mac, &secret) => {
                Probe::Applied(Object::of(&secret))
            }
            Some(other) => {
                Probe::Foreign(format!("secret {} was made by {}", args.name, maker(&other)))
            }
        })
    }

    async fn undo(
        &self,
        cx: &Context,
        args: &Args,
        base: &Base,
        output: &Object,
    ) -> Result<(), StepError> {
        let doing = format!("remove the secret {}", args.name);
        let found = self.swarm.secret(&output.id).await.map_err(|e| e.reading(&doing))?;
        let Some(secret) = found else {
            return Ok(());
        };
        if !label::is_ours(cx, &base.mac, &secret) {
            let message = format!("{doing}: its labels no longer say that this run made it");
            return Err(StepError::needs_operator("foreign", message).hint(format!(
                "See `docker secret inspect {0}`; if nobody needs it, `docker secret rm {0}`.",
                args.name
            )));
        }
        match self.swarm.remove_secret(&output.id).await {
            Ok(_) => Ok(()),
            Err(error) => Err(refs::in_use(cx, &self.swarm, output, error.writing(&doing)).await),
        }
    }
}

impl Create {
    /// Returns the error that the name is taken: by whom, who uses it, what to type next.
    async fn taken(&self, cx: &Context, doing: &str, other: &Value) -> StepError {
        let secret = Object::of(other);
        let message = format!("{doing}: there is one already, made by {}", maker(other));
        let users = match Assumed::is_id(&secret.id) {
            true => Ok(Vec::new()),
            false => refs::users(cx, &self.swarm, &secret.id).await.map(|users| users.now),
        };
        let (message, hint) = match (users, label::run_of(other)) {
            (Ok(users), None) if users.is_empty() => (
                format!("{message}; no service uses it"),
                format!("If it is a leftover: `docker secret rm {}`, then try again.", secret.name),
            ),
            (Ok(users), None) => (
                format!("{message}; used by {}", names(&users)),
                "Choose another name, or move those services off it first.".to_owned(),
            ),
            (_, Some(run)) => (
                message,
                format!(
                    "That run may be unfinished: `windlass show {run}`, then `windlass resume {run}` or `windlass undo {run}`."
                ),
            ),
            (Err(_), None) => (message, format!("See `docker secret inspect {}`.", secret.name)),
        };
        StepError::permanent("exists", message).hint(hint)
    }

    /// Returns the secret whose labels are copied.
    async fn like(
        &self,
        cx: &Context,
        args: &Args,
        doing: &str,
    ) -> Result<Option<Value>, StepError> {
        let Some(id) = args.like.as_deref() else {
            return Ok(None);
        };
        let found = match Assumed::is_id(id) {
            true => planned::secrets(cx, Vec::new()).into_iter().find(|s| s["ID"] == id),
            false => self.swarm.secret(id).await.map_err(|e| e.reading(doing))?,
        };
        let like = found.ok_or_else(|| {
            let message = format!("{doing}: the secret {id}, whose labels it should have, is gone");
            StepError::permanent("not_found", message).hint(
                "Give `like` the ID of a secret that still exists at this point of the runbook.",
            )
        })?;
        Ok(Some(like))
    }
}

fn maker(secret: &Value) -> String {
    let created = secret["CreatedAt"].as_str().and_then(|at| at.get(..19));
    let when = created.map(|at| format!(" on {}", at.replace('T', " "))).unwrap_or_default();
    match label::run_of(secret) {
        Some(run) => format!("the windlass run {run}{when}"),
        None => format!("somebody else{when}"),
    }
}

/// Returns the spec of the new secret, but for its value.
fn spec(cx: &Context, args: &Args, base: &Base) -> Result<Value, StepError> {
    let mut labels = base.labels.clone();
    if base.ansible_key {
        let hash = value::sha224(cx, &args.value, args.newline)?;
        labels.insert(ansible::KEY.to_owned(), hash);
    }
    labels.extend(label::ours(cx, &base.mac));
    let mut spec = json!({ "Name": args.name, "Labels": labels });
    if !base.templating.is_null() {
        spec["Templating"] = base.templating.clone();
    }
    Ok(spec)
}
