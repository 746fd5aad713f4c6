//! `windlass store check`: what of a state is whole.
//!
//! | looked at | found, if |
//! |---|---|
//! | each journal | an entry is missing, changed, or can't follow the one before |
//! | the marks beside the store | something was durable and is gone |
//! | the text of each runbook | it is missing, or not the one with which its run began |
//! | the keys | a run that has not finished has none; a key belongs to no run of this store |
//!
//! It changes nothing. Where nothing can be written (a snapshot, a mount for reading), a copy of the
//! journal is checked: the store itself can only be opened for writing.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Body, Journals, StoreError, Values, read_chain, text_hash};
use windlass_engine::run::RunState;
use windlass_stores::SledStore;

use crate::exit::Exit;
use crate::home::{Home, keys_in};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{dim, green, red};

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Found {
    /// Journals that are whole.
    whole: usize,
    /// Their entries.
    entries: usize,
    /// Journals that are not.
    damaged: Vec<Damaged>,
    /// What is missing, or should not be there.
    missing: Vec<String>,
    /// The permissions of the state directory, in octal.
    mode: String,
    /// True if a copy of the journal was checked.
    copied: bool,
}

#[derive(Debug, Serialize)]
struct Damaged {
    run: RunId,
    problem: String,
}

/// Checks the state, and says what was found.
///
/// # Errors
/// If it can't be read at all.
pub fn check(settings: &Settings) -> Result<Exit, Problem> {
    crate::home::must_exist(settings)?;
    let found = if can_be_written(&settings.state) {
        let home = Home::open(settings)?;
        let owned = home.own()?.ok_or_else(|| home.taken())?;
        let (store, missing) = home.salvage(&owned)?;
        look(&settings.state, &store, missing)?
    } else {
        let _shared = crate::home::share(settings)?;
        let copy = copy_of(&settings.state.join("journal"))?;
        let (store, missing) = SledStore::salvage(copy.path())?;
        let found = look(&settings.state, &store, missing)?;
        Found { copied: true, ..found }
    };
    tell(settings, &found);
    let whole = found.damaged.is_empty() && found.missing.is_empty();
    Ok(if whole { Exit::Done } else { Exit::Found })
}

fn can_be_written(state: &Path) -> bool {
    rustix::fs::access(state, rustix::fs::Access::WRITE_OK).is_ok()
}

fn look(state: &Path, store: &SledStore, missing: Vec<String>) -> Result<Found, Problem> {
    let mut found = Found { missing, mode: mode_of(state), ..Found::default() };
    let mut texts = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (run, _) in store.summaries(false)? {
        known.insert(run.clone());
        match read_run(store, &run) {
            Ok((entries, text)) => {
                (found.whole, found.entries) = (found.whole + 1, found.entries + entries);
                texts.extend(text.map(|(name, hash)| ((name, hash), run)));
            }
            Err(problem) => found.damaged.push(Damaged { run, problem }),
        }
    }
    for ((name, hash), run) in texts {
        found.missing.extend(about_text(store, &name, &hash, &run)?);
    }
    let keys: BTreeSet<String> = keys_in(state).into_iter().collect();
    for (run, _) in store.summaries(true)? {
        if !keys.contains(run.as_str()) {
            let file = state.join("keys").join(format!("{run}.key"));
            found.missing.push(format!(
                "{run} has not finished, and its key {} is missing: its secret values can't be opened",
                file.display()
            ));
        }
    }
    known.extend(store.tombstones()?.into_iter().map(|(run, _)| run));
    for key in keys.iter().filter(|key| !known.contains(&RunId::from(key.as_str()))) {
        found.missing.push(format!(
            "keys/{key}.key belongs to no run here: is this the journal that it was made with?"
        ));
    }
    Ok(found)
}

fn mode_of(state: &Path) -> String {
    std::fs::metadata(state).map_or_else(|_| "?".to_owned(), |m| format!("{:o}", m.mode() & 0o7777))
}

type Text = Option<(String, String)>;

fn read_run(store: &SledStore, run: &RunId) -> Result<(usize, Text), String> {
    let records = store.read(run).map_err(|e| e.to_string())?;
    let (entries, _) = read_chain(records).map_err(|e| e.to_string())?;
    RunState::of(&entries).map_err(|e| e.to_string())?;
    let text = entries.iter().find_map(|entry| match &entry.body {
        Body::Created(created) => Some((created.runbook.clone(), created.text.to_string())),
        _ => None,
    });
    Ok((entries.len(), text))
}

/// A text that was edited in the store is not the one that people read before they started.
fn about_text(
    store: &SledStore,
    name: &str,
    hash: &str,
    run: &RunId,
) -> Result<Option<String>, StoreError> {
    let Some(text) = store.value(hash)? else {
        return Ok(Some(format!("the text of the runbook {name} of {run} is missing")));
    };
    let same = text_hash(&text) == *hash;
    let edited = || format!("the text of the runbook {name} was changed after {run} began with it");
    Ok((!same).then(edited))
}

/// Copies a journal to a directory that only this user can read, and that goes with the result.
fn copy_of(journal: &Path) -> Result<tempfile::TempDir, Problem> {
    let cannot = |e: std::io::Error| {
        let message = format!("{} can't be copied to check it: {e}", journal.display());
        Problem::new("WL0013", Exit::OutOfReach, message).hint(
            "Nothing can be written where it is. Name another place for the copy with TMPDIR.",
        )
    };
    let copy = tempfile::tempdir().map_err(cannot)?;
    copy_files(journal, copy.path()).map_err(cannot)?;
    Ok(copy)
}

fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&to)?;
            copy_files(&entry.path(), &to)?;
        } else {
            std::io::copy(
                &mut std::fs::File::open(entry.path())?,
                &mut std::fs::File::create(&to)?,
            )?;
        }
    }
    Ok(())
}

fn tell(settings: &Settings, found: &Found) {
    if settings.json {
        show::json(found);
        return;
    }
    let copied = if found.copied { ", checked in a copy: nothing can be written here" } else { "" };
    show::note(&dim(&format!("{} (mode {}){copied}", settings.state.display(), found.mode)));
    let Found { whole, entries, .. } = found;
    show::line(&format!("{} {whole} runs with {entries} entries are whole", green("✓")));
    for Damaged { run, problem } in &found.damaged {
        show::line(&format!("{} {run}: {problem}", red("✗")));
    }
    found.missing.iter().for_each(|what| show::line(&format!("{} {what}", red("✗"))));
}
