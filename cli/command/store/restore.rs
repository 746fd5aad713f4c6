//! `windlass store restore`: a new state directory out of a backup.
//!
//! The store is made beside its place and moved there when it is whole. A restore that was killed
//! leaves no store, and is done again.

use std::fs::{self, File};
use std::path::Path;

use windlass_engine::engine::{EngineError, KEY_CHECK};
use windlass_engine::id::RunId;
use windlass_engine::journal::Line;
use windlass_engine::secret::{FileKeys, KeyStore, MasterKey};
use windlass_stores::SledStore;

use super::file::{Filled, each_line, fill, unusable};
use crate::exit::Exit;
use crate::home::{Home, Ownership};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, green, yellow};

/// What a backup needs to know about keys.
#[derive(Default)]
struct Keys {
    master: Option<MasterKey>,
    /// How the master key is recognised with which the store was made.
    check: Option<Vec<u8>>,
    runs: Vec<(RunId, Vec<u8>)>,
}

/// Makes the state directory out of the file.
pub fn restore(
    settings: &Settings,
    home: &Home,
    owned: &Ownership,
    file: &Path,
    new_key: bool,
) -> Result<Exit, Problem> {
    let journal = home.journal(owned);
    if !is_empty(&journal)? {
        let message = format!("{} holds a store already", journal.display());
        return Err(Problem::new("WL0032", Exit::Usage, message)
            .hint("Name an empty directory with --state DIR, or move that store away."));
    }
    let keys = keys(file)?;
    let master = master(home, &keys, new_key)?;

    let beside = home.path().join("restoring");
    let io = |e: std::io::Error| unusable(file, "restored", &e.to_string());
    if beside.exists() {
        fs::remove_dir_all(&beside).map_err(io)?;
    }
    let store = SledStore::open(&beside)?;
    let filled = fill(&store, file, !new_key)?;
    drop(store);
    if let Some(master) = master {
        master.write_new(home.key()).map_err(EngineError::Key)?;
    }
    // Under another master key the keys of runs don't open.
    let wrapped = if new_key { &[][..] } else { &keys.runs };
    put_run_keys(&FileKeys::at(home.path().join("keys")), wrapped)?;
    // From here on it is there. The directory in its place is empty, and is replaced.
    fs::rename(&beside, &journal).map_err(io)?;
    File::open(home.path()).and_then(|directory| directory.sync_all()).map_err(io)?;
    if settings.json {
        show::json(&filled);
    } else {
        tell(filled, new_key, !keys.runs.is_empty());
    }
    Ok(Exit::Done)
}

/// A restore that was killed may have left keys, and one of them in part.
fn put_run_keys(kept: &FileKeys, keys: &[(RunId, Vec<u8>)]) -> Result<(), Problem> {
    for (run, key) in keys {
        if kept.get(run).map_err(EngineError::Key)?.as_ref() != Some(key) {
            kept.destroy(run).map_err(EngineError::Key)?;
            kept.put(run, key).map_err(EngineError::Key)?;
        }
    }
    Ok(())
}

fn tell(filled: Filled, new_key: bool, has_keys: bool) {
    let lists = bold("windlass runs");
    show::note(&format!("{} {} runs are restored; {lists} lists them", green("✓"), filled.runs));
    match filled.open {
        0 => {}
        open if new_key => show::note(&format!(
            "{} the master key is new: the {open} that have not finished have lost their secret values",
            yellow("note:")
        )),
        open if !has_keys => show::note(&format!(
            "  {open} have not finished: bring their files into keys/ before you resume them"
        )),
        open => {
            show::note(&format!("  {open} have not finished: {} goes on", bold("windlass resume")))
        }
    }
}

/// Reads the whole file once: whether it is whole, and which keys it has.
fn keys(file: &Path) -> Result<Keys, Problem> {
    let mut keys = Keys::default();
    let malformed = || unusable(file, "used", "it holds a key that is none");
    each_line(file, |line| {
        match line {
            Line::MasterKey { hex } => {
                let key = hex.text().and_then(MasterKey::from_hex);
                keys.master = Some(key.ok_or_else(malformed)?);
            }
            Line::RunKey { run, bytes } => {
                keys.runs.push((run.clone(), bytes.bytes().ok_or_else(malformed)?));
            }
            Line::Value { name, bytes } if name == KEY_CHECK => keys.check = bytes.bytes(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(keys)
}

/// Returns the master key that has to be written, if the right one is not there.
fn master(home: &Home, keys: &Keys, new_key: bool) -> Result<Option<MasterKey>, Problem> {
    let there = home.key().exists();
    if new_key {
        return Ok(None);
    }
    if there {
        let found = MasterKey::read(home.key()).map_err(EngineError::Key)?;
        return match keys.check.as_deref() == Some(found.check().as_bytes()) {
            true => Ok(None),
            false => Err(EngineError::WrongMasterKey.into()),
        };
    }
    match &keys.master {
        Some(master) => Ok(Some(master.clone())),
        None => {
            let message = format!(
                "the backup holds no keys, and there is no master key at {}",
                home.key().display()
            );
            Err(Problem::new("WL0032", Exit::Usage, message).hint(
                "Put the master key of the store there first (or name it with WINDLASS_KEY_FILE). If it is lost, --new-key restores what can be read.",
            ))
        }
    }
}

fn is_empty(directory: &Path) -> Result<bool, Problem> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        entries => entries,
    };
    let mut entries = entries.map_err(|e| unusable(directory, "read", &e.to_string()))?;
    Ok(entries.next().is_none())
}
