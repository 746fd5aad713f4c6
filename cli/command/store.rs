//! `windlass store`: check, export, import.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use windlass_engine::engine::{EngineError, KEY_CHECK};
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;
use windlass_engine::journal::{JournalStore, SledStore, read_chain};
use windlass_engine::run::RunState;

use crate::args::StoreAction;
use crate::exit::Exit;
use crate::home::Home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{green, red};

/// The first line of an export.
const FORMAT: &str = "windlass store export 1";

/// A line of an export. Keys are not exported: sealed values open only beside their key files.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Head { format: String },
    Value { name: String, text: String },
    Record { run: RunId, seq: u64, text: String },
}

/// Does what is asked of the store.
pub fn store(settings: &Settings, action: &StoreAction) -> Result<Exit, Problem> {
    let home = Home::open(settings)?;
    let owned = home.own()?.ok_or_else(|| {
        Problem::new("WL0005", Exit::NotStarted, "another windlass process owns the state")
            .hint("Wait for it to end, or park it with Ctrl-C.")
    })?;
    match action {
        // These two are for damaged stores too.
        StoreAction::Check => {
            let (store, missing) = home.salvage(&owned)?;
            check(settings, &store, &missing)
        }
        StoreAction::Export { file } => {
            let (store, missing) = home.salvage(&owned)?;
            missing.iter().for_each(|what| show::complain(what));
            export(&store, file)
        }
        StoreAction::Import { file } => {
            // The check is recorded with a store: an import under another key could never resume.
            let check = home.keyring(&owned)?.check();
            import(&home.store(&owned)?, file, &check)
        }
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

fn export(store: &SledStore, file: &Path) -> Result<Exit, Problem> {
    let cannot = |e: std::io::Error| unusable(file, "written", &e.to_string());
    let mut options = OpenOptions::new();
    let output = options.write(true).create_new(true).mode(0o600).open(file).map_err(cannot)?;
    let mut output = BufWriter::new(output);
    let mut write = |line: &Line| {
        serde_json::to_writer(&mut output, line).map_err(std::io::Error::from)?;
        output.write_all(b"\n")
    };
    write(&Line::Head { format: FORMAT.to_owned() }).map_err(cannot)?;
    for name in store.value_names()? {
        // The epoch belongs to a store, not to what is in it.
        if let (Some(value), true) = (store.value(&name)?, name != "epoch") {
            let text = String::from_utf8_lossy(&value).into_owned();
            write(&Line::Value { name, text }).map_err(cannot)?;
        }
    }
    let mut count = 0;
    for (run, _) in store.summaries(false)? {
        for (seq, record) in (0..).zip(store.read(&run)?) {
            let text = String::from_utf8_lossy(&record).into_owned();
            write(&Line::Record { run: run.clone(), seq, text }).map_err(cannot)?;
            count += 1;
        }
    }
    output.flush().map_err(cannot)?;
    show::note(&format!("{count} entries are in {}", file.display()));
    Ok(Exit::Done)
}

fn import(store: &SledStore, file: &Path, check: &str) -> Result<Exit, Problem> {
    if !store.summaries(false)?.is_empty() {
        let message = "the store holds runs already, and an import would mix them";
        return Err(Problem::new("WL0011", Exit::Usage, message)
            .hint("Name an empty directory with --state DIR."));
    }
    let lines = read_export(file)?;
    let other_key = |line: &Line| matches!(line, Line::Value { name, text } if name == KEY_CHECK && text != check);
    if lines.iter().any(other_key) {
        return Err(EngineError::WrongMasterKey.into());
    }
    let mut runs: Vec<RunId> = Vec::new();
    for line in &lines {
        match line {
            Line::Head { .. } => {}
            Line::Value { name, text } => {
                store.put_value(name, text.as_bytes())?;
            }
            Line::Record { run, seq, text } => {
                store.append(run, *seq, text.as_bytes())?;
                if runs.last() != Some(run) {
                    runs.push(run.clone());
                }
            }
        }
    }
    let mut last = windlass_engine::journal::Position::default();
    for run in &runs {
        let (entries, _) = read_chain(store.read(run)?)
            .map_err(|e| unusable(file, "used", &format!("{run}: {e}")))?;
        let state =
            RunState::of(&entries).map_err(|e| unusable(file, "used", &format!("{run}: {e}")))?;
        let summary = Summary::of(run, &state);
        let bytes = serde_json::to_vec(&summary).map_err(|e| Problem::bug(e.to_string()))?;
        last = store.put_summary(run, summary.is_open(), &bytes)?;
    }
    store.sync(last)?;
    show::note(&format!("{} runs are imported", runs.len()));
    Ok(Exit::Done)
}

/// Reads and checks a whole export before anything is written.
fn read_export(file: &Path) -> Result<Vec<Line>, Problem> {
    let input = File::open(file).map_err(|e| unusable(file, "read", &e.to_string()))?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(input).lines()) {
        let bad = |why: String| unusable(file, "used", &format!("line {number}: {why}"));
        let line = line.map_err(|e| bad(e.to_string()))?;
        lines.push(serde_json::from_str(&line).map_err(|e| bad(e.to_string()))?);
    }
    let known = matches!(lines.first(), Some(Line::Head { format }) if format == FORMAT);
    if !known {
        return Err(unusable(file, "used", &format!("it does not begin as \"{FORMAT}\"")));
    }
    let mut chains: std::collections::BTreeMap<&RunId, Vec<&[u8]>> = Default::default();
    for line in &lines {
        if let Line::Record { run, text, .. } = line {
            chains.entry(run).or_default().push(text.as_bytes());
        }
    }
    for (run, records) in chains {
        read_chain(records).map_err(|e| unusable(file, "used", &format!("{run}: {e}")))?;
    }
    Ok(lines)
}

fn unusable(file: &Path, how: &str, why: &str) -> Problem {
    let message = format!("{} can't be {how}: {why}", file.display());
    Problem::new("WL0011", Exit::Usage, message)
}
