//! `windlass approve`, `deny`, `answer`: people, to a run that waits for them.

use serde::Serialize;
use windlass_desk::operations::runs::{AnswerRun, Approve, Deny, Fields, No, Weighed, Yes};
use windlass_desk::{ONLY, SecretValue};
use windlass_engine::engine::Approved;
use windlass_engine::event::RunView;
use windlass_engine::id::{BadCallKey, CallKey};

use super::run::params;
use crate::args::{AnswerArgs, AskedArgs};
use crate::door;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::secret_input::Sources;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, green, yellow};

/// What became of an answer.
#[derive(Serialize)]
struct Taken {
    /// What came of an approval; nothing, for other answers.
    approved: Option<Approved>,
    /// The run as it stands.
    view: RunView,
}

/// Answers fields.
pub async fn answer(settings: &Settings, args: AnswerArgs) -> Result<Exit, Problem> {
    let open = params(&args.params)?;
    let sources = Sources::parse(&args.secrets, args.newline)?;
    let values = sources.read()?;
    sources.hand_out(&values)?;
    let (run, call) = asked(args.asked)?;
    let secrets = values.iter().map(|(name, value)| (name.clone(), SecretValue::of(value)));
    let fields = Fields { call, fields: open.into_iter().collect(), secrets: secrets.collect() };
    let view = door::ask::<AnswerRun>(settings, &run, (), fields).await?;
    Ok(tell(settings, "answered", &Taken { approved: None, view }))
}

/// Says yes.
pub async fn approve(
    settings: &Settings,
    asking: AskedArgs,
    reason: Option<String>,
) -> Result<Exit, Problem> {
    let (run, call) = asked(asking)?;
    let Weighed { approved, run: view } =
        door::ask::<Approve>(settings, &run, (), Yes { call, reason }).await?;
    Ok(tell(settings, "approved", &Taken { approved: Some(approved), view }))
}

/// Says no.
pub async fn deny(settings: &Settings, asking: AskedArgs, reason: String) -> Result<Exit, Problem> {
    let (run, call) = asked(asking)?;
    let view = door::ask::<Deny>(settings, &run, (), No { call, reason }).await?;
    Ok(tell(settings, "denied", &Taken { approved: None, view }))
}

fn asked(asked: AskedArgs) -> Result<(String, Option<CallKey>), Problem> {
    let call = asked.call.as_deref().map(str::parse::<CallKey>).transpose();
    let call = call.map_err(|e: BadCallKey| Problem::new("WL0002", Exit::Usage, e.to_string()))?;
    Ok((asked.run.unwrap_or_else(|| ONLY.to_owned()), call))
}

/// Tells what became of an answer. One that counted ends well, even if more are needed.
fn tell(settings: &Settings, said: &str, taken: &Taken) -> Exit {
    let run = &taken.view.summary.run;
    if settings.json {
        show::json(taken);
    }
    match &taken.approved {
        Some(Approved::Lapsed { why }) => {
            show::note(&format!("{} what would be done has changed:", yellow("not approved:")));
            why.lines().for_each(|line| show::note(&format!("  {line}")));
            show::note("It is asked again; look at it, and approve it once more:");
            show::note(&format!("  {}", bold(&format!("windlass show {run}"))));
            return Exit::Found;
        }
        Some(Approved::More { needed }) => {
            show::note(&format!("{}; {needed} more must approve it", green(said)));
            return Exit::Done;
        }
        Some(Approved::Enough) | None => show::note(&format!("{} {run}", green(said))),
    }
    if !taken.view.summary.driven {
        let resume = bold(&format!("windlass resume {run}"));
        show::note(&format!("No process is driving this run; {resume} continues it."));
    }
    Exit::Done
}
