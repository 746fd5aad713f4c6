//! `note`: a sentence of the runbook's author in the run's record.
//!
//! Reads and changes nothing outside the run; a `kill -9` before its outcome is recorded makes it
//! be noted once more. It is a change and not a read because what it says is the point of it: a
//! change is announced, recorded and listed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_engine::step::{About, ChangeStep, Context, Prepared, Probe, StepError};

/// The step.
pub struct Note;

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The sentence.
    pub text: String,
}

#[async_trait]
impl ChangeStep for Note {
    type Args = Args;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        About {
            name: "note".into(),
            summary: "Put a sentence into the run's record.".into(),
            reads: "Nothing.".into(),
            changes: "Nothing outside the run's record.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"note("the old password stays valid until Monday");"#.into(),
        }
    }

    async fn prepare(&self, _: &Context, args: &Args) -> Result<Prepared<(), ()>, StepError> {
        Ok(Prepared::new((), (), args.text.clone()))
    }

    async fn apply(&self, _: &Context, _: &Args, (): &()) -> Result<(), StepError> {
        Ok(())
    }

    async fn probe(&self, _: &Context, _: &Args, (): &()) -> Result<Probe<()>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Args, (): &(), (): &()) -> Result<(), StepError> {
        Ok(())
    }
}
