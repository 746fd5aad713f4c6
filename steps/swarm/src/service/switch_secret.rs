//! `service.switch_secret`: makes a service refer to another secret, at the same path.
//!
//! | | |
//! |---|---|
//! | reads | the service, as raw JSON; the nodes, if it is global |
//! | changes | the ID and the name in every reference to `from`, in one update; nothing else |
//! | undoes | see `take_back.rs` |
//! | a `kill -9` before or during | probe finds all references old: prepared and applied again |
//! | a `kill -9` after | probe finds all references new: recorded as applied |
//!
//! A service that somebody removes in the middle of a run needs no switch any more: that is done,
//! and said.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_engine::step::{About, ChangeStep, Context, Prepared, Probe, Risk, Span, StepError};

use super::health::{self, Unhealthy};
use super::write::{self, Minds, Moment};
use super::{refs, risk};
use crate::docker::{Nodes, Swarm};
use crate::look;
use crate::object::Object;
use crate::planned;

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
    /// How long an undo waits until the tasks run with the old secret again.
    #[serde(default = "super::ten_minutes")]
    pub deadline: Span,
    /// Services that did not run as they should before, as `service.check` returned them: these are
    /// switched although an update of theirs is paused or under way.
    #[serde(default)]
    pub unhealthy: Vec<Unhealthy>,
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
    /// True if the service had been removed.
    #[serde(default, skip_serializing_if = "is_false")]
    gone: bool,
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
    /// True if the service was removed meanwhile: there was nothing left to switch.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gone: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

#[async_trait]
impl ChangeStep for SwitchSecret {
    type Args = Args;
    type Base = Base;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "service.switch_secret".into(),
            summary: "Make a service use another secret at the same path.".into(),
            reads: "The service; the nodes, if it is global.".into(),
            changes: "The secret's ID and name in each reference; the service's tasks are replaced by its own update rules.".into(),
            undo: "Switches back on the spec as it is then, waits until all tasks run, and seals the service against a rollback.".into(),
            example: r#"service::switch_secret(#{ service: s, from: old, to: next });"#.into(),
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
        let refers = |service: &Value| refs::count(&service["Spec"], &args.from.id) > 0;
        let found = look::service_for_update(cx, &self.swarm, &args.service.id, refers).await;
        let mut found = found.map_err(|e| e.reading(&doing))?;
        if found.as_ref().is_some_and(refers) {
            let moment = args.moment(cx, &doing);
            found = moment.come(cx, &self.swarm, found, |s| args.template(s)).await?;
        }
        let Some(mut service) = found else {
            let says = format!("nothing: {} was removed", args.service.name);
            return Ok(Prepared::new(Base::gone(), args.gone(), says));
        };
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
            gone: false,
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

    async fn apply(&self, cx: &Context, args: &Args, base: &Base) -> Result<Output, StepError> {
        let doing = args.doing();
        if base.gone {
            return Ok(args.gone());
        }
        let moment = args.moment(cx, &doing);
        let prepared = moment.prepared(cx, &self.swarm, base.version, |s| args.template(s));
        let Some(mut service) = prepared.await? else { return Ok(args.gone()) };
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
            match self.write(&service, &doing).await {
                Err(error) if error.code == "not_found" => return Ok(args.gone()),
                written => written?,
            }
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
            return Ok(Probe::Applied(args.gone()));
        };
        Ok(found(args, base, &service["Spec"]))
    }

    async fn undo(
        &self,
        cx: &Context,
        args: &Args,
        _: &Base,
        output: &Output,
    ) -> Result<(), StepError> {
        if output.gone {
            return Ok(());
        }
        self.take_back(cx, args).await
    }

    fn undo_deadline(&self, args: &Args) -> Duration {
        // Before each of its two writes it may have to wait.
        args.deadline.0 + 2 * write::PATIENCE + Duration::from_secs(60)
    }
}

impl Base {
    fn gone() -> Self {
        let (version, references, before, after) = (0, 0, String::new(), String::new());
        Base { version, references, before, after, gone: true }
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
            gone: false,
        }
    }

    fn gone(&self) -> Output {
        Output { gone: true, ..self.output(0, false) }
    }

    /// Returns what is known to have been wrong with the service before.
    pub(super) fn unhealthy(&self) -> Option<&Unhealthy> {
        health::of(&self.unhealthy, &self.service)
    }

    /// Returns the task template that the switch makes.
    fn template(&self, service: &Value) -> Value {
        let mut spec = service["Spec"].clone();
        refs::swap(&mut spec, &self.from, &self.to);
        spec["TaskTemplate"].take()
    }

    fn moment<'a>(&'a self, cx: &Context, doing: &'a str) -> Moment<'a> {
        let minds = match self.unhealthy() {
            Some(_) => Minds::Starts,
            None => Minds::Updates,
        };
        Moment { service: &self.service, doing, minds, ends: write::for_now(cx) }
    }
}

impl SwitchSecret {
    pub(super) async fn read(&self, args: &Args, doing: &str) -> Result<Option<Value>, StepError> {
        let found = self.swarm.service(&args.service.id).await;
        found.map_err(|e| e.reading(doing))
    }

    pub(super) async fn write(&self, service: &Value, doing: &str) -> Result<(), StepError> {
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
            true => {
                look::nodes(cx, &self.swarm, true).await.map_err(|e| e.reading(&args.doing()))?
            }
            false => Nodes::new().into(),
        };
        let mut risks = risk::of_update(service, &nodes);
        risks.extend(args.unhealthy().map(risk::of_unhealthy));
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

pub(super) fn neither(doing: &str, args: &Args, service: &Value) -> StepError {
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
    use serde_json::json;

    fn args() -> Args {
        let object = |id: &str, name: &str| Object { id: id.into(), name: name.into() };
        let (service, from, to) = (object("s", "web"), object("old", "db"), object("new", "db_v2"));
        Args { service, from, to, deadline: crate::service::ten_minutes(), unhealthy: vec![] }
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
            gone: false,
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
