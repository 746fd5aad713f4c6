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

use super::health::{self, Unhealthy};
use super::switch_secret::version;
use super::write::{self, Minds, Moment};
use super::{judge, refs};
use crate::docker::Swarm;
use crate::look;
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
    /// Services that did not run as they should before, as `service.check` returned them: these are
    /// sealed although an update of theirs is paused or under way, and it starts again.
    #[serde(default)]
    pub unhealthy: Vec<Unhealthy>,
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
            name: "service.seal".into(),
            summary: "Make a service forget its previous spec, so that a rollback can't bring a removed secret back.".into(),
            reads: "The service.".into(),
            changes: "Writes the spec again as it is. No task restarts.".into(),
            undo: "Nothing to undo: what runs has not changed.".into(),
            example: r#"service::seal(#{ service: s, secret: old });"#.into(),
        }
    }

    /// A swarm moves versions by itself.
    fn unbound(&self) -> &'static [&'static str] {
        &["version"]
    }

    async fn prepare(
        &self,
        cx: &Context,
        args: &Args,
    ) -> Result<Prepared<Base, Output>, StepError> {
        let doing = args.doing();
        let to_seal = |service: &Value| check(service, args, &doing).is_ok();
        let found = look::service_for_update(cx, &self.swarm, &args.service.id, to_seal).await;
        let mut found = found.map_err(|e| e.reading(&doing))?;
        if found.as_ref().is_some_and(|service| is_referred_to(cx, args, service)) {
            let moment = args.moment(cx, &doing);
            found =
                moment.come(cx, &self.swarm, found, |s| s["Spec"]["TaskTemplate"].clone()).await?;
        }
        let nothing = |version, why: &str| {
            let (base, output) = (Base { version, needed: false }, Output { sealed: false });
            Ok(Prepared::new(base, output, format!("nothing: {why}")))
        };
        let Some(mut service) = found else {
            return nothing(0, &format!("{} was removed", args.service.name));
        };
        planned::service(cx, &mut service);
        if refs::count(&service["PreviousSpec"], &args.secret.id) == 0 {
            let (service_name, secret) = (&args.service.name, &args.secret.name);
            let why = format!("the previous spec of {service_name} does not refer to {secret}");
            return nothing(version(&service), &why);
        }
        check(&service, args, &doing)?;
        match cx.assumed() {
            Some(_) => planned::sealed(cx, &args.service.id),
            None => self.swarm.hand_on(&service),
        }
        let base = Base { version: version(&service), needed: true };
        Ok(Prepared::new(base, Output { sealed: true }, doing))
    }

    async fn apply(&self, cx: &Context, args: &Args, base: &Base) -> Result<Output, StepError> {
        let doing = args.doing();
        if !base.needed {
            return Ok(Output { sealed: false });
        }
        let moment = args.moment(cx, &doing);
        let template = |service: &Value| service["Spec"]["TaskTemplate"].clone();
        let Some(service) = moment.prepared(cx, &self.swarm, base.version, template).await? else {
            return Ok(Output { sealed: false });
        };
        check(&service, args, &doing)?;
        match self.swarm.update_service(&args.service.id, version(&service), &service["Spec"]).await
        {
            Ok(()) => Ok(Output { sealed: true }),
            Err(error) if error.is_not_found() => Ok(Output { sealed: false }),
            Err(error) => Err(error.writing(&doing)),
        }
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
            return Ok(Probe::Applied(Output { sealed: false }));
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

    fn moment<'a>(&'a self, cx: &Context, doing: &'a str) -> Moment<'a> {
        let minds = match health::of(&self.unhealthy, &self.service) {
            Some(_) => Minds::Starts,
            None => Minds::Updates,
        };
        Moment { service: &self.service, doing, minds, ends: write::for_now(cx) }
    }
}

/// True if the previous spec refers to the secret: only then is the service written.
fn is_referred_to(cx: &Context, args: &Args, service: &Value) -> bool {
    let mut service = service.clone();
    planned::service(cx, &mut service);
    refs::count(&service["PreviousSpec"], &args.secret.id) > 0
}

/// True if `docker service rollback` would make the service refer to the secret. Any update of a
/// job runs it again, so a job is never sealed.
pub(super) fn is_needed(service: &Value, secret: &Object) -> bool {
    !judge::is_job(service) && refs::count(&service["PreviousSpec"], &secret.id) > 0
}

/// Refuses where writing the same spec would do more than forget the previous one.
fn check(service: &Value, args: &Args, doing: &str) -> Result<(), StepError> {
    if judge::is_job(service) {
        let message = format!("{doing}: it is a job, and any update runs it again");
        return Err(StepError::permanent("job_service", message));
    }
    if refs::count(&service["Spec"], &args.secret.id) > 0 {
        let message = format!("{doing}: its present spec refers to the secret");
        return Err(StepError::permanent("in_use", message)
            .hint("Switch it to another secret first: service.switch_secret."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_seal_is_refused_where_it_would_restart_something() {
        let object = |id: &str| Object { id: id.into(), name: id.into() };
        let args = Args { service: object("s"), secret: object("old"), unhealthy: vec![] };
        let code = |mode: Value, uses: &str| {
            let secrets = json!([{ "SecretID": uses }]);
            let spec = json!({ "Mode": mode, "TaskTemplate": { "ContainerSpec": { "Secrets": secrets } } });
            check(&json!({ "Spec": spec }), &args, "seal").map_err(|e| e.code)
        };
        let replicated = || json!({ "Replicated": {} });
        assert_eq!(code(replicated(), "new"), Ok(()));
        assert_eq!(code(json!({ "ReplicatedJob": {} }), "new"), Err("job_service".into()));
        assert_eq!(code(replicated(), "old"), Err("in_use".into()));
    }
}
