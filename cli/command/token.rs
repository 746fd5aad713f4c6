//! `windlass token`: who may do what over HTTP.

use windlass_desk::{NewToken, Token};
use windlass_engine::clock::utc;

use crate::args::{TokenAction, TokenArgs};
use crate::desk::{Reply, Request, TokenReply, TokenRequest, ask_once};
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
            let TokenReply::Tokens { tokens } = ask(settings, TokenRequest::List).await? else {
                return Err(Problem::bug("the answer is about something else"));
            };
            if settings.json { show::json(&tokens) } else { list(&tokens) }
        }
        TokenAction::Remove { id } => {
            let request = TokenRequest::Remove { id: id.clone() };
            ask(settings, request).await?;
            show::note(&format!("the token {id} is refused from now on"));
        }
    }
    Ok(Exit::Done)
}

async fn add(settings: &Settings, args: TokenArgs) -> Result<(), Problem> {
    let TokenArgs { name, person, roles, groups, expires } = args;
    let expires_seconds = expires.map(|span| span.0.as_secs());
    let new = NewToken { name, person, roles, groups, expires_seconds };
    let TokenReply::Made { token, text } = ask(settings, TokenRequest::Add { new }).await? else {
        return Err(Problem::bug("the answer is about something else"));
    };
    if settings.json {
        let mut told = serde_json::to_value(&token).map_err(|e| Problem::bug(e.to_string()))?;
        told["token"] = text.into();
        show::json(&told);
        return Ok(());
    }
    // The token alone on standard output, so that it can go straight to a file.
    show::line(&text);
    let roles: Vec<&str> = token.roles.iter().map(|role| role.name()).collect();
    show::note(&format!("{} may do what {} may", token.person, roles.join(" and ")));
    show::note("Keep it: it is not shown again. It is refused after:");
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

async fn ask(settings: &Settings, request: TokenRequest) -> Result<TokenReply, Problem> {
    ask_once(settings, Request::Tokens(request), |reply| match reply {
        Reply::Tokens(reply) => Some(reply),
        _ => None,
    })
    .await
}
