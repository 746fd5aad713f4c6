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

use super::watch;
use crate::docker::Swarm;
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
    #[serde(default = "ten_minutes")]
    pub deadline: Span,
}

fn ten_minutes() -> Span {
    Span(Duration::from_secs(600))
}

/// What is stored before waiting.
#[derive(Debug, Serialize, Deserialize)]
pub struct Base {
    /// When the waiting began.
    started: Millis,
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
            name: "service.converged",
            summary: "Wait until every task of a service runs steadily with a secret.",
            reads: "The service, its tasks and the nodes; the log of a task that failed.",
            changes: "Nothing.",
            undo: "Nothing to undo.",
            example: r#"service::converged(#{ service: s, secret: next, deadline: "10m" });"#,
        }
    }

    async fn begin(&self, cx: &Context, _: &Args) -> Result<Base, StepError> {
        Ok(Base { started: cx.now() })
    }

    async fn wait(&self, cx: &Context, args: &Args, base: &Base) -> Result<Output, StepError> {
        let ends = base.started.saturating_add(millis(args.deadline.0));
        let time = (base.started, ends);
        let settled =
            watch::until_converged(cx, &self.swarm, &args.service, &args.secret, time).await?;
        Ok(Output {
            running: settled.running,
            wanted: settled.wanted,
            seconds: (cx.now() - base.started).max(0).unsigned_abs() / 1000,
            note: settled.note,
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
