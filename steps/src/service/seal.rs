//! `service.seal`: makes a service forget a spec that refers to a secret.
//!
//! | | |
//! |---|---|
//! | reads | the service |
//! | changes | writes the spec as it is; the swarm keeps it as the previous one too. No task restarts |
//! | undoes | nothing: only the target of `docker service rollback` is different |
//! | a `kill -9` before or during | probe finds the previous spec as it was: applied again |
//! | a `kill -9` after | probe finds no reference in it: recorded as applied |
//!
//! Why: the swarm looks only at the present spec when it is asked to remove a secret. Without the
//! seal, a `docker service rollback` after the removal answers "ok" and starts tasks that fail.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_engine::step::{About, ChangeStep, Context, Prepared, Probe, StepError};

use super::switch_secret::version;
use super::{judge, refs, watch};
use crate::docker::Swarm;
use crate::object::Object;
use crate::planned;

/// The step.
pub struct Seal {
    /// Where it changes.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The service.
    pub service: Object,
    /// The secret that its previous spec must not refer to.
    pub secret: Object,
}

/// What was found before the change.
#[derive(Debug, Serialize, Deserialize)]
pub struct Base {
    /// The version of the service that was read.
    version: u64,
    /// False if its previous spec does not refer to the secret.
    needed: bool,
}

/// What it returns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// False if there was nothing to do.
    pub sealed: bool,
}

#[async_trait]
impl ChangeStep for Seal {
    type Args = Args;
    type Base = Base;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "service.seal",
            summary: "Make a service forget its previous spec, so that a rollback can't bring a removed secret back.",
            reads: "The service.",
            changes: "Writes the spec again as it is. No task restarts.",
            undo: "Nothing to undo: what runs has not changed.",
            example: r#"service::seal(#{ service: s, secret: old });"#,
        }
    }

    async fn prepare(
        &self,
        cx: &Context,
        args: &Args,
    ) -> Result<Prepared<Base, Output>, StepError> {
        let doing = args.doing();
        let to_seal = |service: &Value| check(service, args, &doing, false).is_ok();
        let found = self.swarm.service_for_update(&args.service.id, to_seal).await;
        let found = found.map_err(|e| e.reading(&doing))?;
        let mut service = found.ok_or_else(|| watch::gone(&doing))?;
        planned::service(cx, &mut service);
        let needed = refs::count(&service["PreviousSpec"], &args.secret.id) > 0;
        let base = Base { version: version(&service), needed };
        let output = Output { sealed: needed };
        if !needed {
            let says = format!(
                "nothing: the previous spec of {} does not refer to {}",
                args.service.name, args.secret.name
            );
            return Ok(Prepared::new(base, output, says));
        }
        check(&service, args, &doing, cx.assumed().is_some())?;
        match cx.assumed() {
            Some(_) => planned::sealed(cx, &args.service.id),
            None => self.swarm.hand_on(&service),
        }
        Ok(Prepared::new(base, output, doing))
    }

    async fn apply(&self, _: &Context, args: &Args, base: &Base) -> Result<Output, StepError> {
        let doing = args.doing();
        if !base.needed {
            return Ok(Output { sealed: false });
        }
        let service = match self.swarm.handed_on(&args.service.id, base.version) {
            Some(service) => service,
            None => {
                let found =
                    self.swarm.service(&args.service.id).await.map_err(|e| e.reading(&doing))?;
                let service = found.ok_or_else(|| watch::gone(&doing))?;
                check(&service, args, &doing, false)?;
                service
            }
        };
        let written =
            self.swarm.update_service(&args.service.id, version(&service), &service["Spec"]).await;
        written.map_err(|e| e.writing(&doing))?;
        Ok(Output { sealed: true })
    }

    async fn probe(
        &self,
        _: &Context,
        args: &Args,
        base: &Base,
    ) -> Result<Probe<Output>, StepError> {
        let doing = format!("look at the service {}", args.service.name);
        let found = self.swarm.service(&args.service.id).await.map_err(|e| e.reading(&doing))?;
        let Some(service) = found else {
            return Ok(Probe::Foreign(format!("service {} was removed", args.service.name)));
        };
        Ok(match refs::count(&service["PreviousSpec"], &args.secret.id) {
            0 => Probe::Applied(Output { sealed: base.needed }),
            _ => Probe::NotApplied,
        })
    }

    async fn undo(&self, _: &Context, _: &Args, _: &Base, _: &Output) -> Result<(), StepError> {
        Ok(())
    }
}

impl Args {
    fn doing(&self) -> String {
        format!("seal {} against a rollback to {}", self.service.name, self.secret.name)
    }
}

/// True if `docker service rollback` would make the service refer to the secret. Any update of a
/// job runs it again, so a job is never sealed.
pub(super) fn is_needed(service: &Value, secret: &Object) -> bool {
    let mode = &service["Spec"]["Mode"];
    let job = mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object();
    !job && refs::count(&service["PreviousSpec"], &secret.id) > 0
}

/// Refuses where writing the same spec would do more than forget the previous one.
fn check(service: &Value, args: &Args, doing: &str, planning: bool) -> Result<(), StepError> {
    let mode = &service["Spec"]["Mode"];
    if mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object() {
        let message = format!("{doing}: it is a job, and any update runs it again");
        return Err(StepError::permanent("job_service", message));
    }
    if refs::count(&service["Spec"], &args.secret.id) > 0 {
        let message = format!("{doing}: its present spec refers to the secret");
        return Err(StepError::permanent("in_use", message)
            .hint("Switch it to another secret first: service.switch_secret."));
    }
    match judge::update_state(service) {
        _ if planning => Ok(()),
        // The update would begin anew, and its rollback would lead to the spec that failed.
        "updating" | "rollback_started" => {
            let message = format!("{doing}: an update of it is in progress");
            Err(StepError::transient("update_in_progress", message))
        }
        // A one-shot task that ended within the monitor time paused it; there is nothing to resume.
        "paused" if service["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"] == "none" => {
            Ok(())
        }
        "paused" | "rollback_paused" => {
            let message =
                format!("{doing}: its update is paused, and writing would set it going again");
            Err(StepError::permanent("update_paused", message)
                .hint(format!("See why: `docker service ps --no-trunc {}`.", args.service.name)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_seal_is_refused_where_it_would_restart_something() {
        let object = |id: &str| Object { id: id.into(), name: id.into() };
        let args = Args { service: object("s"), secret: object("old") };
        let code = |mode: Value, uses: &str, state: &str| {
            let secrets = json!([{ "SecretID": uses }]);
            let spec = json!({ "Mode": mode, "TaskTemplate": { "ContainerSpec": { "Secrets": secrets } } });
            let service = json!({ "Spec": spec, "UpdateStatus": { "State": state } });
            check(&service, &args, "seal", false).map_err(|e| e.code)
        };
        let replicated = || json!({ "Replicated": {} });
        assert_eq!(code(replicated(), "new", "completed"), Ok(()));
        assert_eq!(code(json!({ "ReplicatedJob": {} }), "new", ""), Err("job_service".into()));
        assert_eq!(code(replicated(), "old", ""), Err("in_use".into()));
        assert_eq!(code(replicated(), "new", "updating"), Err("update_in_progress".into()));
        assert_eq!(code(replicated(), "new", "paused"), Err("update_paused".into()));
    }
}
