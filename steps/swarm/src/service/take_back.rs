//! Undoes a switch of a secret.
//!
//! It is not `docker service rollback` and not the spec of before: either would also undo what
//! others (a new image from CI) changed in the meantime. The references go back on the spec as it is
//! then, in one update; a task that starts with the new secret is one of another spec by that, and
//! what ran before goes on running. When the tasks run again the service is sealed.
//!
//! | the service | what an undo does |
//! |---|---|
//! | was removed | nothing |
//! | its update is paused, and it is ours | sets it going, towards the old secret |
//! | its update is paused, and it is somebody else's | stops: it would set that going |
//! | did not run as it should before | is content with as many tasks as ran then, or says that they don't |

use std::time::Duration;

use serde_json::{Value, json};
use windlass_engine::clock::millis;
use windlass_engine::step::{Context, ErrorClass, StepError};

use super::switch_secret::{Args, SwitchSecret, neither};
use super::watch::{self, Goal};
use super::write::{self, Minds, Moment};
use super::{judge, refs, seal};

/// How often it tries again when others write to the service at the same time.
const TRIES_MAX: u32 = 8;

impl SwitchSecret {
    pub(super) async fn take_back(&self, cx: &Context, args: &Args) -> Result<(), StepError> {
        let doing = format!("switch {} back to {}", args.service.name, args.from.name);
        self.rewrite(cx, args, &doing, |service| back(service, args, &doing)).await?;
        let (now, enough) = (cx.now(), args.unhealthy().map(|unhealthy| unhealthy.running));
        let goal = Goal {
            service: &args.service,
            secret: &args.from,
            enough,
            since: now,
            ends: now + millis(args.deadline.0),
        };
        match (watch::until_converged(cx, &self.swarm, &goal).await, args.unhealthy()) {
            (Ok(_), _) => {}
            (Err(error), _) if error.code == watch::GONE => return Ok(()),
            (Err(error), Some(before)) if runs_badly(&error) => cx.progress(&format!(
                "{} refers to {} again, and runs no better than before ({}): {}",
                args.service.name, args.from.name, before.why, error.message
            )),
            (Err(error), _) => return Err(error),
        }
        // What follows takes `to` away, and `docker service rollback` must not lead to it.
        self.rewrite(cx, args, &doing, |service| Ok(seal::is_needed(service, &args.to))).await
    }

    /// Writes the service as `patch` makes it, if `patch` says so; again if others write meanwhile.
    async fn rewrite(
        &self,
        cx: &Context,
        args: &Args,
        doing: &str,
        patch: impl Fn(&mut Value) -> Result<bool, StepError>,
    ) -> Result<(), StepError> {
        let patched = |service: &Value| {
            let mut service = service.clone();
            patch(&mut service).map(|write| write.then_some(service))
        };
        for tries in 1.. {
            let Some(service) = self.read(args, doing).await? else { return Ok(()) };
            if patched(&service)?.is_none() {
                return Ok(());
            }
            let moment = Moment {
                service: &args.service,
                doing,
                minds: Minds::Starts,
                ends: write::for_now(cx),
            };
            let template = |service: &Value| match patched(service) {
                Ok(Some(mut patched)) => patched["Spec"]["TaskTemplate"].take(),
                Ok(None) | Err(_) => service["Spec"]["TaskTemplate"].clone(),
            };
            let found = moment.come(cx, &self.swarm, Some(service), template).await?;
            let Some(service) = found else { return Ok(()) };
            let Some(service) = patched(&service)? else { return Ok(()) };
            match self.write(&service, doing).await {
                Ok(()) => return Ok(()),
                Err(error) if error.code == "not_found" => return Ok(()),
                Err(error) if error.class == ErrorClass::Conflict && tries < TRIES_MAX => {
                    let nap = Duration::from_millis(100 << tries);
                    cx.clock().sleep_until(cx.now() + millis(nap)).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Makes a service refer to the old secret again. Returns false if there is nothing to write.
fn back(service: &mut Value, args: &Args, doing: &str) -> Result<bool, StepError> {
    let paused = judge::is_paused(service);
    let somebody_s = paused && is_somebody_s(service, args);
    let swapped = refs::swap(&mut service["Spec"], &args.to, &args.from);
    if swapped == 0 && refs::count(&service["Spec"], &args.from.id) == 0 {
        return Err(neither(doing, args, service));
    }
    if somebody_s && args.unhealthy().is_none() {
        let name = &args.service.name;
        let message = format!(
            "{doing}: somebody else's update of it is paused, and writing would resume that"
        );
        return Err(StepError::permanent("update_paused", message).hint(format!(
            "`docker service ps --no-trunc {name}` shows why. When that is fixed, `docker service \
             update --force {name}` lets the update go on."
        )));
    }
    // An undo that is tried again sets an update going that was paused meanwhile. The same spec
    // would not: it only makes the swarm forget that the update is not through.
    if swapped == 0 && paused {
        let force = &mut service["Spec"]["TaskTemplate"]["ForceUpdate"];
        *force = json!(force.as_u64().unwrap_or_default() + 1);
    }
    Ok(swapped > 0 || paused)
}

/// True if the last update of the service changed more than what this run changes.
fn is_somebody_s(service: &Value, args: &Args) -> bool {
    let without_ours = |spec: &Value| {
        let mut spec = spec.clone();
        refs::swap(&mut spec, &args.to, &args.from);
        let mut template = spec["TaskTemplate"].take();
        if let Some(template) = template.as_object_mut() {
            template.remove("ForceUpdate");
        }
        template
    };
    let before = &service["PreviousSpec"];
    !before.is_null() && without_ours(before) != without_ours(&service["Spec"])
}

/// True if an error says that tasks don't run, and nothing else.
fn runs_badly(error: &StepError) -> bool {
    let codes = [
        "pending",
        "timed_out",
        "update_paused",
        "task_failed",
        "old_tasks",
        "paused_node",
        "node_down",
    ];
    codes.contains(&error.code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Object;

    fn args() -> Args {
        let object = |id: &str| Object { id: id.into(), name: id.into() };
        let (service, from, to) = (object("web"), object("old"), object("new"));
        Args { service, from, to, deadline: crate::service::ten_minutes(), unhealthy: vec![] }
    }

    fn spec(image: &str, secret: &str) -> Value {
        let secrets = json!([{ "SecretID": secret, "SecretName": secret }]);
        json!({ "TaskTemplate": { "ContainerSpec": { "Image": image, "Secrets": secrets } } })
    }

    fn code(now: Value, before: Value, state: &str) -> (Result<bool, String>, Value) {
        let mut service =
            json!({ "Spec": now, "PreviousSpec": before, "UpdateStatus": { "State": state } });
        let back = back(&mut service, &args(), "go back").map_err(|error| error.code);
        (back, service["Spec"]["TaskTemplate"].take())
    }

    #[test]
    fn only_a_paused_update_of_somebody_else_stops_an_undo() {
        let (new, old) = (|| spec("web:1", "new"), || spec("web:1", "old"));
        let wrote = |result: (Result<bool, String>, Value)| result.0;
        assert_eq!(wrote(code(new(), old(), "updating")), Ok(true));
        assert_eq!(wrote(code(new(), old(), "paused")), Ok(true));
        assert_eq!(wrote(code(old(), new(), "completed")), Ok(false));
        let bad = || spec("web:bad", "new");
        assert_eq!(wrote(code(bad(), new(), "paused")), Err("update_paused".into()));
        assert_eq!(wrote(code(bad(), new(), "completed")), Ok(true));
        assert_eq!(wrote(code(spec("web:1", "third"), new(), "")), Err("foreign_change".into()));
    }

    #[test]
    fn an_undo_that_was_paused_is_set_going_by_force() {
        let (wrote, template) = code(spec("web:1", "old"), spec("web:1", "new"), "paused");
        assert_eq!((wrote, &template["ForceUpdate"]), (Ok(true), &json!(1)));
        let (_, template) = code(spec("web:1", "new"), spec("web:1", "old"), "paused");
        assert_eq!(template["ForceUpdate"], Value::Null, "the references are change enough");
    }
}
