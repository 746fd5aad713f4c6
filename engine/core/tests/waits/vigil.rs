//! A step that waits as `service.observe` does: it looks from time to time until its end has come.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_engine::clock::Millis;
use windlass_engine::step::{About, Context, StepError, WaitStep};

/// The step.
pub struct Vigil;

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    hours: i64,
}

#[async_trait]
impl WaitStep for Vigil {
    type Args = Args;
    type Base = Millis;
    type Output = Millis;

    fn about(&self) -> About {
        let (name, summary) = ("thing.vigil", "Test.");
        About {
            name: name.into(),
            summary: summary.into(),
            reads: "".into(),
            changes: "".into(),
            undo: "".into(),
            example: "".into(),
        }
    }

    async fn begin(&self, cx: &Context, args: &Args) -> Result<Millis, StepError> {
        Ok(cx.now() + args.hours * 3_600_000)
    }

    async fn wait(&self, cx: &Context, _: &Args, ends: &Millis) -> Result<Millis, StepError> {
        while cx.now() < *ends {
            cx.clock().sleep_until((*ends).min(cx.now() + 30_000)).await;
        }
        Ok(cx.now())
    }

    async fn expect(&self, _: &Context, _: &Args) -> Result<Millis, StepError> {
        Ok(0)
    }

    fn says(&self, args: &Args) -> String {
        format!("keep vigil for {} h", args.hours)
    }

    fn deadline(&self, args: &Args) -> Duration {
        Duration::from_secs(args.hours.unsigned_abs() * 3_600 + 60)
    }

    fn patience(&self, _: &Args) -> Duration {
        Duration::ZERO
    }

    fn until(&self, _: &Args, ends: &Millis) -> Option<Millis> {
        Some(*ends)
    }
}
