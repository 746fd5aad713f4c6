//! `service.switch_secret`: makes a service refer to another secret, at the same path.
//!
//! | | |
//! |---|---|
//! | reads | the service, as raw JSON; the nodes, if it is global |
//! | changes | the ID and the name in every reference to `from`, in one update; nothing else |
//! | undoes | the inverse on the spec as it is then, waits until the tasks run again, and seals it |
//! | a `kill -9` before or during | probe finds all references old: prepared and applied again |
//! | a `kill -9` after | probe finds all references new: recorded as applied |
//!
//! The undo is not `docker service rollback` and not the spec of before: either would also take
//! back what others (a new image from CI) changed in the meantime.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_engine::clock::millis;
use windlass_engine::step::{
    About, ChangeStep, Context, ErrorClass, Prepared, Probe, Risk, StepError,
};

use super::{judge, refs, risk, seal, watch};
use crate::docker::{Nodes, Swarm};
use crate::object::Object;
use crate::planned;

/// How long an undo waits for the tasks to run with the old secret again.
const UNDO_WAIT: Duration = Duration::from_secs(600);

/// How often an undo tries again when others write to the service at the same time.
const UNDO_TRIES: u32 = 8;

/// The step.
pub struct SwitchSecret {
    /// Where it changes.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The service.
    pub service: Object,
    /// The secret that it refers to.
    pub from: Object,
    /// The secret that it is to refer to.
    pub to: Object,
}

/// What was found before the change.
#[derive(Debug, Serialize, Deserialize)]
pub struct Base {
    /// The version of the service that was read.
    version: u64,
    /// How many references there were to `from`.
    references: usize,
    /// A fingerprint of the task template as it was.
    before: String,
    /// A fingerprint of the task template as we make it.
    after: String,
}

/// What it returns.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The service's ID.
    pub id: String,
    /// The service's name.
    pub name: String,
    /// How many references there are to the new secret.
    pub references: usize,
    /// True if the rest of the task template is as it was read before the change.
    pub untouched: bool,
}

#[async_trait]
impl ChangeStep for SwitchSecret {
    type Args = Args;
    type Base = Base;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "service.switch_secret",
            summary: "Make a service use another secret at the same path.",
            reads: "The service; the nodes, if it is global.",
            changes: "The secret's ID and name in each reference; the service's tasks are replaced by its own update rules.",
            undo: "Switches back on the spec as it is then, waits until all tasks run, and seals the service against a rollback.",
            example: r#"service::switch_secret(#{ service: s, from: old, to: next });"#,
        }
    }

    async fn prepare(
        &self,
        cx: &Context,
        args: &Args,
    ) -> Result<Prepared<Base, Output>, StepError> {
        let doing = args.doing();
        let to_switch = |service: &Value| refs::count(&service["Spec"], &args.from.id) > 0;
        let found = self.swarm.service_for_update(&args.service.id, to_switch).await;
        let found = found.map_err(|e| e.reading(&doing))?;
        let mut service = found.ok_or_else(|| watch::gone(&doing))?;
        planned::service(cx, &mut service);
        let mut after = service["Spec"].clone();
        let swapped = refs::swap(&mut after, &args.from, &args.to);
        let references = refs::count(&after, &args.to.id);
        if references == 0 {
            return Err(neither(&doing, args, &service));
        }
        let base = Base {
            version: version(&service),
            references: swapped,
            before: refs::fingerprint(&service["Spec"]),
            after: refs::fingerprint(&after),
        };
        let output = args.output(references, true);
        if swapped == 0 {
            let says = format!("nothing: {} uses {} already", args.service.name, args.to.name);
            return Ok(Prepared::new(base, output, says));
        }
        let mut prepared = Prepared::new(base, output, args.doing());
        prepared.risks = self.risks(cx, args, &service).await?;
        if service["Spec"]["Mode"]["Replicated"]["Replicas"] != 0 {
            prepared.restarts.push(args.service.name.clone());
        }
        match cx.assumed() {
            Some(_) => planned::switched(cx, &args.service.id, &args.from, &args.to),
            None => self.swarm.hand_on(&service),
        }
        Ok(prepared)
    }

    async fn apply(&self, _: &Context, args: &Args, base: &Base) -> Result<Output, StepError> {
        let doing = args.doing();
        let mut service = match self.swarm.handed_on(&args.service.id, base.version) {
            Some(service) => service,
            None => self.read(args, &doing).await?.ok_or_else(|| watch::gone(&doing))?,
        };
        let swapped = refs::swap(&mut service["Spec"], &args.from, &args.to);
        let references = refs::count(&service["Spec"], &args.to.id);
        if references == 0 {
            // The same words again from `prepare`, as a permanent error.
            return Err(StepError::conflict(
                "foreign_change",
                format!("{doing}: somebody changed it"),
            ));
        }
        if swapped > 0 {
            self.write(&service, &doing).await?;
            self.swarm.note_written(&args.service.id);
        }
        let untouched = refs::fingerprint(&service["Spec"]) == base.after;
        Ok(args.output(references, untouched))
    }

    async fn probe(
        &self,
        _: &Context,
        args: &Args,
        base: &Base,
    ) -> Result<Probe<Output>, StepError> {
        let doing = format!("look at the service {}", args.service.name);
        let Some(service) = self.read(args, &doing).await? else {
            return Ok(Probe::Foreign(format!("service {} was removed", args.service.name)));
        };
        Ok(found(args, base, &service["Spec"]))
    }

    async fn undo(&self, cx: &Context, args: &Args, _: &Base, _: &Output) -> Result<(), StepError> {
        let doing = format!("switch {} back to {}", args.service.name, args.from.name);
        let back = |service: &mut Value| {
            let swapped = refs::swap(&mut service["Spec"], &args.to, &args.from);
            if swapped == 0 && refs::count(&service["Spec"], &args.from.id) == 0 {
                return Err(neither(&doing, args, service));
            }
            // An undo that is tried again sets an update going that was paused meanwhile. The same
            // spec would not: it only makes the swarm forget that the update is not through.
            let paused = swapped == 0 && judge::is_paused(service);
            if paused {
                let force = &mut service["Spec"]["TaskTemplate"]["ForceUpdate"];
                *force = json!(force.as_u64().unwrap_or_default() + 1);
            }
            Ok(swapped > 0 || paused)
        };
        let began = cx.now();
        self.rewrite(cx, args, &doing, back).await?;
        let time = (began, began + millis(UNDO_WAIT));
        let waited = watch::until_converged(cx, &self.swarm, &args.service, &args.from, time).await;
        match waited {
            Err(error) if error.code == "service_gone" => return Ok(()),
            waited => waited?,
        };
        // What follows takes `to` away, and `docker service rollback` must not lead to it.
        let seal = |service: &mut Value| Ok(seal::is_needed(service, &args.to));
        self.rewrite(cx, args, &doing, seal).await
    }

    fn undo_deadline(&self, _: &Args) -> Duration {
        UNDO_WAIT + Duration::from_secs(60)
    }
}

impl Args {
    fn doing(&self) -> String {
        format!("switch {} from {} to {}", self.service.name, self.from.name, self.to.name)
    }

    fn output(&self, references: usize, untouched: bool) -> Output {
        Output {
            id: self.service.id.clone(),
            name: self.service.name.clone(),
            references,
            untouched,
        }
    }
}

impl SwitchSecret {
    async fn read(&self, args: &Args, doing: &str) -> Result<Option<Value>, StepError> {
        let found = self.swarm.service(&args.service.id).await;
        found.map_err(|e| e.reading(doing))
    }

    /// Writes the service as `patch` makes it, if `patch` says so; again if others write meanwhile.
    async fn rewrite(
        &self,
        cx: &Context,
        args: &Args,
        doing: &str,
        patch: impl Fn(&mut Value) -> Result<bool, StepError>,
    ) -> Result<(), StepError> {
        let mut tries = 0;
        loop {
            let Some(mut service) = self.read(args, doing).await? else {
                return Ok(());
            };
            if !patch(&mut service)? {
                return Ok(());
            }
            tries += 1;
            match self.write(&service, doing).await {
                Ok(()) => return Ok(()),
                Err(error) if error.code == "not_found" => return Ok(()),
                Err(error) if error.class == ErrorClass::Conflict && tries < UNDO_TRIES => {
                    let nap = Duration::from_millis(100 << tries);
                    cx.clock().sleep_until(cx.now() + millis(nap)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn write(&self, service: &Value, doing: &str) -> Result<(), StepError> {
        let id = service["ID"].as_str().unwrap_or_default();
        let written = self.swarm.update_service(id, version(service), &service["Spec"]).await;
        written.map_err(|e| e.writing(doing))
    }

    async fn risks(
        &self,
        cx: &Context,
        args: &Args,
        service: &Value,
    ) -> Result<Vec<Risk>, StepError> {
        let nodes = match service["Spec"]["Mode"]["Global"].is_object() {
            true => self
                .swarm
                .nodes_lately(cx.now(), true)
                .await
                .map_err(|e| e.reading(&args.doing()))?,
            false => Nodes::new().into(),
        };
        let mut risks = risk::of_update(service, &nodes);
        let origin = planned::origin(cx, &args.service.id, &args.from);
        risks.extend(risk::of_stack_file(service, &origin, &args.to));
        Ok(risks)
    }
}

/// Tells what became of an attempt by the references in the spec.
///
/// The fingerprint only adds to it: a spec with all references old was not changed by us even if
/// somebody changed the image meanwhile, and the next attempt works on that newer spec.
fn found(args: &Args, base: &Base, spec: &Value) -> Probe<Output> {
    let (old, new) = (refs::count(spec, &args.from.id), refs::count(spec, &args.to.id));
    match (old, new) {
        (0, 0) => {
            let name = &args.service.name;
            let now = refs::in_words(spec);
            Probe::Foreign(format!(
                "service {name} refers to {now}; it should be {} ({}) before and {} ({}) after",
                args.from.name, args.from.id, args.to.name, args.to.id
            ))
        }
        (0, _) => Probe::Applied(args.output(new, refs::fingerprint(spec) == base.after)),
        (_, 0) => Probe::NotApplied,
        (old, new) => Probe::Partial(format!(
            "{new} references to {} and {old} still to {}",
            args.to.name, args.from.name
        )),
    }
}

fn neither(doing: &str, args: &Args, service: &Value) -> StepError {
    let message = format!(
        "{doing}: it refers to neither of them, but to {}",
        refs::in_words(&service["Spec"])
    );
    StepError::permanent("foreign_change", message)
        .hint(format!("See who deploys it: `docker service inspect {}`.", args.service.name))
}

/// Returns the version that an update must name.
pub(super) fn version(service: &Value) -> u64 {
    service["Version"]["Index"].as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> Args {
        let object = |id: &str, name: &str| Object { id: id.into(), name: name.into() };
        Args { service: object("s", "web"), from: object("old", "db"), to: object("new", "db_v2") }
    }

    fn spec(image: &str, secrets: &[&str]) -> Value {
        let secrets: Vec<Value> =
            secrets.iter().map(|id| json!({ "SecretID": id, "SecretName": "db" })).collect();
        json!({ "TaskTemplate": { "ContainerSpec": { "Image": image, "Secrets": secrets } } })
    }

    #[test]
    fn what_became_of_an_attempt_shows_in_the_references() {
        let base = Base {
            version: 1,
            references: 2,
            before: String::new(),
            after: refs::fingerprint(&spec("web:1", &["new", "new"])),
        };
        let found = |image: &str, secrets: &[&str]| found(&args(), &base, &spec(image, secrets));
        assert_eq!(found("web:1", &["old", "old"]), Probe::NotApplied);
        assert_eq!(found("web:2", &["old", "old"]), Probe::NotApplied);
        assert!(matches!(
            found("web:1", &["new", "new"]),
            Probe::Applied(Output { references: 2, untouched: true, .. })
        ));
        assert!(matches!(
            found("web:2", &["new"]),
            Probe::Applied(Output { untouched: false, .. })
        ));
        assert!(matches!(found("web:1", &["new", "old"]), Probe::Partial(_)));
        let Probe::Foreign(why) = found("web:1", &["third"]) else { panic!("it is foreign") };
        assert!(why.contains("db (third)") && why.contains("db_v2 (new)"), "{why}");
    }
}
