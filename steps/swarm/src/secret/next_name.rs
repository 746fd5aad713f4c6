//! `secret.next_name`: what the successor of a secret is called.
//!
//! | | |
//! |---|---|
//! | reads | `GET /secrets`, unless a suffix is given |
//! | changes, undoes | nothing |
//! | a `kill -9` leaves | nothing; the name is recorded with the outcome, so a resume keeps it |

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::step::{About, Context, ReadStep, StepError};

use super::name;
use crate::docker::Swarm;
use crate::planned;

/// The step.
pub struct NextName {
    /// Where it looks.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The name now.
    pub name: String,
    /// Put this behind the name, instead of counting or dating on: ".tmp".
    #[serde(default)]
    pub suffix: Option<String>,
}

/// What it returns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The name of the successor.
    pub name: String,
}

#[async_trait]
impl ReadStep for NextName {
    type Args = Args;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "secret.next_name".into(),
            summary: "Work out a free name for the successor of a secret: db_v1 to db_v2, a date to today's.".into(),
            reads: "The list of secrets, for the names that are taken.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"let next = secret::next_name(#{ name: "db_password_v1" }).name;"#.into(),
        }
    }

    async fn read(&self, cx: &Context, args: &Args) -> Result<Output, StepError> {
        let doing = format!("name the successor of {}", args.name);
        let next = match &args.suffix {
            Some(suffix) => format!("{}{suffix}", args.name),
            None => {
                let secrets = self.swarm.secrets().await.map_err(|e| e.reading(&doing))?;
                let secrets = planned::secrets(cx, secrets);
                let taken =
                    |n: &str| n == args.name || secrets.iter().any(|s| s["Spec"]["Name"] == n);
                name::next(&args.name, today(cx), taken)
            }
        };
        match name::wrong(&next) {
            None => Ok(Output { name: next }),
            Some((code, problem)) => Err(StepError::permanent(code, format!("{doing}: {problem}"))
                .hint("Choose a shorter or simpler name for the new secret yourself.")),
        }
    }
}

/// The day in UTC: managers and laptops may be in different time zones.
fn today(cx: &Context) -> Date {
    let now = Timestamp::from_millisecond(cx.now()).unwrap_or_default();
    now.to_zoned(TimeZone::UTC).date()
}
