//! `windlass store`: check, export, import, backup, restore.

mod backup;
mod check;
mod file;
mod restore;

use crate::args::StoreAction;
use crate::exit::Exit;
use crate::home::{Home, Ownership};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Does what is asked of the store.
pub async fn store(settings: &Settings, action: &StoreAction) -> Result<Exit, Problem> {
    if let StoreAction::Backup { file, with_keys } = action {
        return backup::backup(settings, file, *with_keys).await;
    }
    if matches!(action, StoreAction::Check) {
        return check::check(settings);
    }
    let home = Home::open(settings)?;
    let owned = home.own()?.ok_or_else(|| home.taken())?;
    alone(settings, &home, &owned, action)
}

fn alone(
    settings: &Settings,
    home: &Home,
    owned: &Ownership,
    action: &StoreAction,
) -> Result<Exit, Problem> {
    match action {
        // For damaged stores too.
        StoreAction::Export { file } => {
            let (store, missing) = home.salvage(owned)?;
            missing.iter().for_each(|what| show::complain(what));
            file::export(&store, file)
        }
        StoreAction::Import { file } => {
            // The check is recorded with a store: an import under another key could never resume.
            let check = home.keyring(owned, false)?.check();
            file::import(&home.new_store(owned)?, file, &check)
        }
        StoreAction::Restore { file, new_key } => {
            restore::restore(settings, home, owned, file, *new_key)
        }
        StoreAction::Check | StoreAction::Backup { .. } => {
            Err(Problem::bug("these two find out for themselves who owns the state"))
        }
    }
}
