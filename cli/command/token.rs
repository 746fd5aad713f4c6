//! `windlass token`: who may do what over HTTP.

use windlass_desk::operations::tokens::{Add, List, Made, Remove};
use windlass_desk::{NewToken, Token};
use windlass_engine::clock::utc;

use crate::args::{TokenAction, TokenArgs};
use crate::door;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::bold;
use crate::show::table::columns;

/// Does what is asked about tokens.
pub async fn token(settings: &Settings, action: TokenAction) -> Result<Exit, Problem> {
    match action {
        TokenAction::Add(args) => add(settings, args).await?,
        TokenAction::List => {
            let tokens = door::ask::<List>(settings, "", (), ()).await?.tokens;
            if settings.json { show::json(&tokens) } else { list(&tokens) }
        }
        TokenAction::Remove { id } => {
            door::ask::<Remove>(settings, &id, (), ()).await?;
            show::note(&format!("the token {id} was removed, and is refused from now on"));
        }
    }
    Ok(Exit::Done)
}

async fn add(settings: &Settings, args: TokenArgs) -> Result<(), Problem> {
    let TokenArgs { name, person, roles, groups, expires } = args;
    let expires_seconds = expires.map(|span| span.0.as_secs());
    let new = NewToken { name, person, roles, groups, expires_seconds };
    let made = door::ask::<Add>(settings, "", (), new).await?;
    if settings.json {
        show::json(&made);
        return Ok(());
    }
    let Made { about: token, token: text } = made;
    // The token alone on standard output, so that it can go straight to a file.
    show::line(&text);
    let roles: Vec<&str> = token.roles.iter().map(|role| role.name()).collect();
    show::note(&format!("{} may do what {} may", token.person, roles.join(" and ")));
    show::note("Keep it: it is not shown again. To revoke it:");
    show::note(&format!("  {}", bold(&format!("windlass token remove {}", token.id))));
    Ok(())
}

fn list(tokens: &[Token]) {
    if tokens.is_empty() {
        show::note("no tokens: nobody can use the HTTP interface");
        return;
    }
    let head = ["ID", "NAME", "PERSON", "ROLES", "LAST USED", "EXPIRES"].map(String::from);
    let mut rows = vec![head.to_vec()];
    for token in tokens {
        let roles: Vec<&str> = token.roles.iter().map(|role| role.name()).collect();
        let groups = token.groups.iter().map(String::as_str);
        let may = roles.into_iter().chain(groups).collect::<Vec<_>>().join(" ");
        let (used, expires) = (token.used.map(utc), token.expires.map(utc));
        let never = || "never".to_owned();
        rows.push(vec![
            token.id.clone(),
            token.name.clone(),
            token.person.clone(),
            may,
            used.unwrap_or_else(never),
            expires.unwrap_or_else(never),
        ]);
    }
    columns(&rows).iter().for_each(|row| show::line(row));
}
