//! `windlass notices`: telling people who don't look.

use std::path::Path;

use windlass_desk::operations::notices::{Again, Behind, List, Retry};
use windlass_duty::notice::{Delivery, Notice, send};
use windlass_engine::clock::{Clock, SystemClock};

use crate::args::NoticesAction;
use crate::config::Config;
use crate::door::{self, Door, Stay};
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::green;

/// Does what is asked about notices.
pub async fn notices(settings: &Settings, action: NoticesAction) -> Result<Exit, Problem> {
    match action {
        NoticesAction::List => {
            let (notices, receivers) = undelivered(settings).await?;
            if settings.json {
                show::json(&notices);
            } else {
                show::schedule::undelivered(&notices, &receivers, SystemClock.now());
            }
        }
        NoticesAction::Retry { id } => {
            let on_duty = home::is_owned(settings);
            let retried = door::ask::<Retry>(settings, "", (), Again { id }).await?.retried;
            show::note(&format!("{retried} notices are tried again"));
            if !on_duty {
                show::note(
                    "no daemon is running: notices are sent only while `windlass serve` runs",
                );
            }
        }
        NoticesAction::Test { name, config } => test(settings, &name, &config).await?,
    }
    Ok(Exit::Done)
}

/// Returns what is not delivered, and who is told at all.
async fn undelivered(settings: &Settings) -> Result<(Vec<Delivery>, Vec<String>), Problem> {
    let door = Door::open(settings, Stay::Short).await?;
    let (mut notices, mut behind) = (Vec::new(), Behind { limit: Some(500), ..Behind::default() });
    let receivers: Result<Vec<String>, Problem> = loop {
        let page = match door.client().ask::<List>("", behind.clone(), ()).await {
            Ok(page) => page,
            Err(problem) => break Err(problem.into()),
        };
        // At the machine all that is kept is told.
        notices.extend(page.notices.into_iter().filter_map(|notice| Some(*notice.kept?)));
        behind.after = page.next;
        if behind.after.is_none() {
            break Ok(page.receivers);
        }
    };
    door.close().await;
    Ok((notices, receivers?))
}

/// Sends a test notice from here: no daemon is needed, and nothing is kept.
async fn test(settings: &Settings, name: &str, path: &Path) -> Result<(), Problem> {
    let config = Config::read(path)?;
    let Some(to) = config.notice.iter().find(|to| to.name.as_str() == name) else {
        let names: Vec<&str> = config.notice.iter().map(|to| to.name.as_str()).collect();
        let message = format!("{} names no receiver `{name}`", path.display());
        return Err(Problem::new("WL0022", Exit::Usage, message)
            .hint(format!("It names: {}.", names.join(", "))));
    };
    let now = SystemClock.now();
    let said = send(to, &Notice::test(name, now), now).await.map_err(|refusal| {
        Problem::new("WL0023", Exit::Found, format!("`{name}` did not take it: {refusal}"))
    })?;
    if settings.json {
        show::json(&serde_json::json!({ "receiver": name, "said": said }));
    } else {
        show::line(&format!("{} {said}", green("delivered:")));
    }
    Ok(())
}
