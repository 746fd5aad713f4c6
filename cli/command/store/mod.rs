//! `windlass store`: check, export, import, backup, restore.

mod backup;
mod file;
mod restore;

use windlass_engine::id::RunId;
use windlass_engine::journal::{Journals, read_chain};
use windlass_engine::run::RunState;
use windlass_stores::SledStore;

use crate::args::StoreAction;
use crate::exit::Exit;
use crate::home::{Home, Ownership};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{green, red};

/// Does what is asked of the store.
pub async fn store(settings: &Settings, action: &StoreAction) -> Result<Exit, Problem> {
    if let StoreAction::Backup { file, with_keys } = action {
        return backup::backup(settings, file, *with_keys).await;
    }
    let home = Home::open(settings)?;
    let owned = home.own()?.ok_or_else(|| {
        Problem::new("WL0005", Exit::NotStarted, "another windlass process owns the state")
            .hint("Wait for it to end, or park it with Ctrl-C.")
    })?;
    alone(settings, &home, &owned, action)
}

fn alone(
    settings: &Settings,
    home: &Home,
    owned: &Ownership,
    action: &StoreAction,
) -> Result<Exit, Problem> {
    match action {
        // These two are for damaged stores too.
        StoreAction::Check => {
            let (store, missing) = home.salvage(owned)?;
            check(settings, &store, &missing)
        }
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
        StoreAction::Backup { .. } => Err(Problem::bug("a backup asks whoever owns the state")),
    }
}

fn check(settings: &Settings, store: &SledStore, missing: &[String]) -> Result<Exit, Problem> {
    let (mut whole, mut damaged, mut entries) = (0, Vec::new(), 0);
    for (run, _) in store.summaries(false)? {
        match read_run(store, &run) {
            Ok(count) => {
                whole += 1;
                entries += count;
            }
            Err(problem) => damaged.push((run, problem)),
        }
    }
    if settings.json {
        let list: Vec<_> = damaged
            .iter()
            .map(|(run, problem)| serde_json::json!({ "run": run, "problem": problem }))
            .collect();
        show::json(&serde_json::json!({
            "whole": whole, "entries": entries, "damaged": list, "missing": missing,
        }));
    } else {
        show::line(&format!("{} {whole} runs with {entries} entries are whole", green("✓")));
        for (run, problem) in &damaged {
            show::line(&format!("{} {run}: {problem}", red("✗")));
        }
        missing.iter().for_each(|what| show::line(&format!("{} {what}", red("✗"))));
    }
    Ok(if damaged.is_empty() && missing.is_empty() { Exit::Done } else { Exit::Found })
}

fn read_run(store: &SledStore, run: &RunId) -> Result<usize, String> {
    let records = store.read(run).map_err(|e| e.to_string())?;
    let (entries, _) = read_chain(records).map_err(|e| e.to_string())?;
    RunState::of(&entries).map_err(|e| e.to_string())?;
    Ok(entries.len())
}
