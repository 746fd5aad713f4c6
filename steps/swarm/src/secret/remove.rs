//! `secret.remove`: a secret, and with it its value, for good.
//!
//! | | |
//! |---|---|
//! | reads | the secret and the services, to say what would break |
//! | changes | removes the secret by its full ID; nobody can read its value back: the pivot |
//! | undoes | nothing: it can't be undone |
//! | a `kill -9` before or during | probe finds the secret: applied again |
//! | a `kill -9` after | probe finds it gone: recorded as applied |

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::step::{
    About, Assumed, ChangeStep, Context, Prepared, Probe, Risk, Severity, StepError,
};

use crate::docker::Swarm;
use crate::object::Object;
use crate::planned;
use crate::service::refs;

/// The step.
pub struct Remove {
    /// Where it removes.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The full ID.
    pub id: String,
    /// The name, for people.
    pub name: String,
}

impl Args {
    fn secret(&self) -> Object {
        Object { id: self.id.clone(), name: self.name.clone() }
    }
}

/// What was found before removing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Base {
    /// False if somebody had removed it already.
    existed: bool,
}

#[async_trait]
impl ChangeStep for Remove {
    type Args = Args;
    type Base = Base;
    type Output = Object;

    fn about(&self) -> About {
        About {
            name: "secret.remove".into(),
            summary: "Remove a secret for good.".into(),
            reads: "The secret, and which services refer to it.".into(),
            changes: "Removes the secret.".into(),
            undo: "Can't be undone: the swarm never gives a value back.".into(),
            example: r#"secret::remove(#{ id: old.id, name: old.name });"#.into(),
        }
    }

    fn destroys(&self) -> bool {
        true
    }

    async fn prepare(
        &self,
        cx: &Context,
        args: &Args,
    ) -> Result<Prepared<Base, Object>, StepError> {
        let secret = args.secret();
        let doing = format!("remove the secret {}", args.name);
        let existed = match Assumed::is_id(&args.id) {
            true => !planned::is_removed(cx, &args.id),
            false => {
                let found = self.swarm.secret(&args.id).await.map_err(|e| e.reading(&doing))?;
                found.is_some() && !planned::is_removed(cx, &args.id)
            }
        };
        let users = refs::users(cx, &self.swarm, &args.id);
        let users = users.await.map_err(|e| e.reading(&doing))?;
        if !users.now.is_empty() {
            return Err(refs::used(&doing, &secret, &users.now));
        }
        planned::removed(cx, &secret);
        let says = match existed {
            true => format!("remove secret {} for good", args.name),
            false => format!("nothing: secret {} is gone already", args.name),
        };
        let mut prepared = Prepared::new(Base { existed }, secret, says);
        prepared.risks = users.before.into_iter().map(of_rollback).collect();
        Ok(prepared)
    }

    async fn apply(&self, cx: &Context, args: &Args, _: &Base) -> Result<Object, StepError> {
        let secret = args.secret();
        let doing = format!("remove the secret {}", args.name);
        // The swarm itself checks in the same transaction that no service refers to it; a check
        // of ours before it would only open a gap.
        match self.swarm.remove_secret(&args.id).await {
            Ok(_) => Ok(secret),
            Err(error) => Err(refs::in_use(cx, &self.swarm, &secret, error.writing(&doing)).await),
        }
    }

    async fn probe(&self, _: &Context, args: &Args, _: &Base) -> Result<Probe<Object>, StepError> {
        let doing = format!("look for the secret {}", args.name);
        let found = self.swarm.secret(&args.id).await.map_err(|e| e.reading(&doing))?;
        Ok(match found {
            None => Probe::Applied(args.secret()),
            Some(_) => Probe::NotApplied,
        })
    }

    async fn undo(
        &self,
        _: &Context,
        args: &Args,
        base: &Base,
        _: &Object,
    ) -> Result<(), StepError> {
        if !base.existed {
            return Ok(());
        }
        let message =
            format!("bring the secret {} back: its value is gone from the swarm", args.name);
        Err(StepError::needs_operator("cannot_undo", message).hint(
            "Go forward with `windlass resume`, or create it again from where its value is kept.",
        ))
    }
}

fn of_rollback(service: Object) -> Risk {
    let text = "`docker service rollback` would start tasks that fail: the previous spec refers to a removed secret";
    Risk {
        severity: Severity::Danger,
        kind: "rollback".into(),
        about: service.name,
        text: text.to_owned(),
    }
}
