//! `service.check`: do services run as they should, before anything is changed?
//!
//! | | |
//! |---|---|
//! | reads | the services and their tasks, a hundred at once; the nodes |
//! | changes, undoes | nothing |
//! | a `kill -9` leaves | nothing; it is read again |
//!
//! A rotation updates every service that uses a secret. One whose rollout somebody has left paused
//! goes on with that rollout then, and one that can't run is waited for in vain. So they are looked
//! at first, and all that is wrong is said at once.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_engine::clock::millis;
use windlass_engine::step::{About, Context, ReadStep, StepError};

use super::health::{self, Unhealthy};
use crate::docker::Swarm;
use crate::look;
use crate::object::Object;

/// Services asked for in one request: all their tasks are in memory at once.
const AT_ONCE: usize = 100;

/// How long an update that is under way, or a task that starts, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The step.
pub struct Check {
    /// Where it looks.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The services.
    pub services: Vec<Object>,
    /// What to do about services that don't run as they should.
    #[serde(default)]
    pub unhealthy: Policy,
}

/// What to do about services that don't run as they should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Fail, and list them.
    #[default]
    Refuse,
    /// Return them.
    Allow,
}

/// What it returns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Services that don't run as they should, by name.
    pub unhealthy: Vec<Unhealthy>,
}

#[async_trait]
impl ReadStep for Check {
    type Args = Args;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "service.check".into(),
            summary: "Check that services run as they should: no update is paused or under way, and all tasks run.".into(),
            reads: "The services, their tasks and the nodes.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"service::check(#{ services: users.services, unhealthy: "refuse" });"#.into(),
        }
    }

    async fn read(&self, cx: &Context, args: &Args) -> Result<Output, StepError> {
        let doing = "check that the services run as they should";
        let ends = cx.now() + millis(PATIENCE);
        let mut unhealthy = self.look(cx, args, doing).await?;
        // Somebody may just have deployed one. A plan tells what is so now.
        while !unhealthy.is_empty()
            && unhealthy.iter().all(|one| one.passing)
            && cx.assumed().is_none()
            && cx.now() < ends
        {
            cx.clock().sleep_until(cx.now() + millis(LOOK_EVERY)).await;
            unhealthy = self.look(cx, args, doing).await?;
        }
        match args.unhealthy {
            Policy::Refuse if !unhealthy.is_empty() => Err(refused(doing, &unhealthy)),
            Policy::Refuse | Policy::Allow => Ok(Output { unhealthy }),
        }
    }

    fn deadline(&self, _: &Args) -> Duration {
        PATIENCE + Duration::from_secs(60)
    }
}

impl Check {
    async fn look(
        &self,
        cx: &Context,
        args: &Args,
        doing: &str,
    ) -> Result<Vec<Unhealthy>, StepError> {
        let nodes = look::nodes(cx, &self.swarm, false).await;
        let nodes = nodes.map_err(|e| e.reading(doing))?;
        let mut unhealthy = Vec::new();
        for some in args.services.chunks(AT_ONCE) {
            let ids: Vec<&str> = some.iter().map(|service| service.id.as_str()).collect();
            let services = look::services_of(cx, &self.swarm, &ids).await;
            let services = services.map_err(|e| e.reading(doing))?;
            let tasks = self.swarm.tasks_of(&ids).await.map_err(|e| e.reading(doing))?;
            unhealthy.extend(services.iter().filter_map(|service| {
                let is_of = |task: &&Value| task["ServiceID"] == service["ID"];
                let tasks: Vec<Value> = tasks.iter().filter(is_of).cloned().collect();
                health::unhealthy(service, &tasks, &nodes)
            }));
        }
        unhealthy.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(unhealthy)
    }
}

fn refused(doing: &str, unhealthy: &[Unhealthy]) -> StepError {
    let list: Vec<String> =
        unhealthy.iter().map(|one| format!("\n  {}: {}", one.name, one.why)).collect();
    let message = match unhealthy.len() {
        1 => format!("{doing}: one does not:{}", list.concat()),
        more => format!("{doing}: {more} do not:{}", list.concat()),
    };
    let name = unhealthy.first().map_or("NAME", |one| one.name.as_str());
    let what_to_do = if unhealthy.iter().all(|one| one.passing) {
        "how far it is. Wait until it has finished, and try again."
    } else {
        "why. Fix it first, or remove what nobody needs."
    };
    let mut hint = format!("`docker service ps --no-trunc {name}` shows {what_to_do}");
    if let Some(paused) = unhealthy.iter().find(|one| one.paused) {
        let name = &paused.name;
        hint.push_str(&format!(
            " Any update of {name} would resume its paused rollout: undo that with `docker \
             service update --rollback {name}`, or fix it and let it go on with `docker service \
             update --force {name}`."
        ));
    }
    hint.push_str(
        " To continue with such services anyway: unhealthy: \"allow\" (`-p unhealthy=allow`).",
    );
    StepError::permanent("unhealthy", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(passing: &[bool]) -> String {
        let one = |passing: &bool| Unhealthy {
            id: "s".into(),
            name: "web".into(),
            why: "an update of it is under way".into(),
            running: 0,
            paused: false,
            passing: *passing,
        };
        let unhealthy: Vec<_> = passing.iter().map(one).collect();
        refused("check", &unhealthy).hint.unwrap_or_default()
    }

    /// "Fix it first" was said of an update that somebody had begun a moment before.
    #[test]
    fn what_passes_by_itself_is_waited_for_and_not_fixed() {
        assert!(hint(&[true, true]).contains("Wait until it has finished"));
        assert!(hint(&[true, false]).contains("Fix it first"));
    }
}
