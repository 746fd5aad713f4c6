//! `windlass approve`, `deny`, `answer`: people, to a run that waits for them.

use windlass_engine::engine::Approved;
use windlass_engine::id::{BadCallKey, CallKey};

use super::run::params;
use crate::args::{AnswerArgs, AskedArgs};
use crate::desk::{Given, Reply, Request, SecretBytes, Taken, ask_once};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::secret_input::Sources;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, green, yellow};

/// Answers fields.
pub async fn answer(settings: &Settings, args: AnswerArgs) -> Result<Exit, Problem> {
    let open = params(&args.params)?;
    let sources = Sources::parse(&args.secrets, args.newline)?;
    let values = sources.read()?;
    sources.hand_out(&values)?;
    let secrets = values.iter().map(|(name, v)| (name.clone(), SecretBytes::of(v))).collect();
    hand_in(settings, args.asked, Given::Fields { open, secrets }).await
}

/// Hands an answer in, and tells what became of it.
pub async fn hand_in(
    settings: &Settings,
    asked: AskedArgs,
    answer: Given,
) -> Result<Exit, Problem> {
    let call = asked.call.as_deref().map(str::parse::<CallKey>).transpose();
    let call = call.map_err(|e: BadCallKey| Problem::new("WL0002", Exit::Usage, e.to_string()))?;
    let run = asked.run;
    let said = match &answer {
        Given::Approve { .. } => "approved",
        Given::Deny { .. } => "denied",
        Given::Fields { .. } => "answered",
    };
    let request = Request::Answer { run, call, answer };
    let taken = ask_once(settings, request, |reply| match reply {
        Reply::Taken(taken) => Some(taken),
        _ => None,
    });
    Ok(tell(settings, said, &*taken.await?))
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
        show::note(&format!("No process has the run in hand: {resume} goes on with it."));
    }
    Exit::Done
}
