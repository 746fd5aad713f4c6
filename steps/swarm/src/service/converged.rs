//! `service.converged`: waits until every task of a service runs with a secret.
//!
//! | | |
//! |---|---|
//! | reads | the service, its tasks, the nodes; events tell when |
//! | changes, undoes | nothing |
//! | a `kill -9` leaves | the stored start: the same deadline goes on, and what holds is seen at once |

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::clock::{Millis, millis};
use windlass_engine::step::{About, Context, Span, StepError, WaitStep};

use super::health::{self, Unhealthy};
use super::watch::{self, Goal};
use crate::docker::Swarm;
use crate::look;
use crate::object::Object;

/// The step.
pub struct Converged {
    /// Where it looks.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The service.
    pub service: Object,
    /// The secret that all its tasks must have.
    pub secret: Object,
    /// How long to wait, from the first start of the call.
    #[serde(default = "super::ten_minutes")]
    pub deadline: Span,
    /// Services that did not run as they should before, as `service.check` returned them: of these,
    /// as many tasks as ran then are enough.
    #[serde(default)]
    pub unhealthy: Vec<Unhealthy>,
}

/// What is stored before waiting.
#[derive(Debug, Serialize, Deserialize)]
pub struct Base {
    /// When the waiting began.
    started: Millis,
    /// The manager that led the swarm then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leader: Option<String>,
}

/// What it returns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// How many tasks run.
    pub running: u64,
    /// How many were wanted.
    pub wanted: u64,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// What people should know about this success.
    #[serde(default)]
    pub note: Option<String>,
}

#[async_trait]
impl WaitStep for Converged {
    type Args = Args;
    type Base = Base;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "service.converged".into(),
            summary: "Wait until every task of a service runs steadily with a secret.".into(),
            reads: "The service, its tasks and the nodes; the log of a task that failed.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"service::converged(#{ service: s, secret: next, deadline: "10m" });"#
                .into(),
        }
    }

    async fn begin(&self, cx: &Context, args: &Args) -> Result<Base, StepError> {
        let nodes = look::nodes(cx, &self.swarm, true).await;
        let nodes = nodes.map_err(|e| e.reading(&self.says(args)))?;
        // Another leader may have been elected while the swarm did not answer: then this is not the
        // first attempt.
        let before = Base::deserialize(cx.before()).ok().and_then(|base| base.leader);
        Ok(Base { started: cx.now(), leader: before.or_else(|| watch::leader(&nodes)) })
    }

    async fn wait(&self, cx: &Context, args: &Args, base: &Base) -> Result<Output, StepError> {
        let ends = base.started.saturating_add(millis(args.deadline.0));
        let goal = Goal {
            service: &args.service,
            secret: &args.secret,
            enough: health::of(&args.unhealthy, &args.service).map(|unhealthy| unhealthy.running),
            since: base.started,
            ends,
        };
        let seconds = |cx: &Context| (cx.now() - base.started).max(0).unsigned_abs() / 1000;
        let settled = match watch::until_converged(cx, &self.swarm, &goal).await {
            Ok(settled) => settled,
            // Nobody has to run with the secret any more.
            Err(error) if error.code == watch::GONE => {
                let note = Some("the service was removed meanwhile".to_owned());
                return Ok(Output { running: 0, wanted: 0, seconds: seconds(cx), note });
            }
            Err(error) => return Err(error),
        };
        let election = elected(&args.service.name, base.leader.as_deref(), settled.leader);
        let notes: Vec<String> = settled.note.into_iter().chain(election).collect();
        Ok(Output {
            running: settled.running,
            wanted: settled.wanted,
            seconds: seconds(cx),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        })
    }

    async fn expect(&self, _: &Context, _: &Args) -> Result<Output, StepError> {
        Ok(Output {
            running: 0,
            wanted: 0,
            seconds: 0,
            note: Some("not known in a plan".to_owned()),
        })
    }

    fn says(&self, args: &Args) -> String {
        format!("wait until {} runs {}", args.service.name, args.secret.name)
    }

    fn deadline(&self, args: &Args) -> Duration {
        args.deadline.0 + Duration::from_secs(60)
    }
}

/// Returns what people should know if the managers chose another leader during the wait: a task
/// that was starting then is called running before its health check says so, and may stay
/// unreachable on the service's networks for good. Nothing in the API shows that, so it is said,
/// and not guessed at: a forced update would restart tasks that are well.
fn elected(service: &str, before: Option<&str>, now: Option<String>) -> Option<String> {
    let (before, now) = (before?, now?);
    (before != now).then(|| {
        format!(
            "the leader of the swarm changed from {before} to {now} meanwhile, and a task that \
             started then may run and yet not answer: check that {service} answers; `docker \
             service update --force {service}` fixes it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_leader_is_said_and_nothing_else_is() {
        let elected = |before: Option<&str>, now: Option<&str>| {
            elected("web", before, now.map(str::to_owned))
        };
        assert_eq!(elected(Some("n1"), Some("n1")), None);
        // Journals of older versions don't say who led, and a service without tasks needs no look.
        assert_eq!(elected(None, Some("n1")), None);
        assert_eq!(elected(Some("n1"), None), None);
        let said = elected(Some("n1"), Some("n2")).unwrap();
        assert!(said.contains("n1 to n2") && said.contains("--force web"), "{said}");
    }
}
