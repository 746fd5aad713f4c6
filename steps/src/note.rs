//! `note`: a sentence of the runbook's author in the run's record.
//!
//! Reads, changes and undoes nothing; a `kill -9` leaves nothing behind.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_engine::step::{About, Context, ReadStep, StepError};

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
impl ReadStep for Note {
    type Args = Args;
    type Output = ();

    fn about(&self) -> About {
        About {
            name: "note",
            summary: "Put a sentence into the run's record.",
            reads: "Nothing.",
            changes: "Nothing.",
            undo: "Nothing to undo.",
            example: r#"note("the old password stays valid until Monday");"#,
        }
    }

    async fn read(&self, cx: &Context, args: &Args) -> Result<(), StepError> {
        cx.progress(&args.text);
        Ok(())
    }
}
