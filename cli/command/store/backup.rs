//! `windlass store backup`: a copy of everything, while runs go on.

use std::path::Path;

use windlass_desk::operations::keeping::{Backup, Keys};
use windlass_engine::journal::Line;

use super::file::Output;
use crate::command::run::wait_for_others;
use crate::door::{Door, Stay};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, green, yellow};

/// Writes a backup.
pub async fn backup(settings: &Settings, file: &Path, with_keys: bool) -> Result<Exit, Problem> {
    let mut output = Output::begin(file)?;
    let door = Door::open(settings, Stay::Long).await?;
    let copied = copy(&door, with_keys, &mut output).await;
    wait_for_others(&door).await;
    door.close().await;
    let (runs, entries) = copied?;
    output.end()?;
    if settings.json {
        show::json(&serde_json::json!({ "runs": runs, "entries": entries, "keys": with_keys }));
    } else {
        let shown = file.display();
        show::note(&format!("{} {runs} runs with {entries} entries are in {shown}", green("✓")));
    }
    if with_keys {
        show::note(&format!(
            "{} it holds the keys: whoever has it can open the values of runs that have not finished, and sign evidence",
            yellow("note:")
        ));
    } else {
        show::note(&format!(
            "  it holds no keys: keep a copy of the master key elsewhere, or {} can only read it",
            bold("windlass store restore")
        ));
    }
    Ok(Exit::Done)
}

/// Copies the store, and returns how many runs and entries it has.
async fn copy(door: &Door, with_keys: bool, output: &mut Output) -> Result<(u64, u64), Problem> {
    let mut lines = door.client().read::<Backup>("", (), Keys { with_keys }).await?;
    let (mut runs, mut entries) = (0, 0);
    while let Some(line) = lines.next().await? {
        let line: Line = serde_json::from_slice(&line).map_err(|error| {
            Problem::bug(format!("another version of windlass owns the state: {error}"))
        })?;
        if let Line::Record { seq, .. } = &line {
            entries += 1;
            runs += u64::from(*seq == 0);
        }
        output.write(&line)?;
    }
    Ok((runs, entries))
}
