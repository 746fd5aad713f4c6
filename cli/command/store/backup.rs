//! `windlass store backup`: a copy of everything, while runs go on.

use std::path::Path;

use windlass_engine::journal::Line;

use super::file::Output;
use crate::command::keeping;
use crate::desk::{Keeping, Kept};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, green, yellow};

/// Writes a backup.
pub async fn backup(settings: &Settings, file: &Path, with_keys: bool) -> Result<Exit, Problem> {
    let mut output = Output::begin(file)?;
    let (mut runs, mut entries) = (0, 0);
    keeping::ask(settings, Keeping::Backup { with_keys }, |kept| {
        let Kept::Line { line } = kept else { return Ok(()) };
        if let Line::Record { seq, .. } = &line {
            entries += 1;
            runs += u64::from(*seq == 0);
        }
        output.write(&line)
    })
    .await?;
    output.end()?;
    if settings.json {
        show::json(&serde_json::json!({ "runs": runs, "entries": entries, "keys": with_keys }));
    } else {
        let shown = file.display();
        show::note(&format!("{} {runs} runs with {entries} entries are in {shown}", green("✓")));
    }
    if with_keys {
        show::note(&format!(
            "{} it holds the keys: whoever has it can open the values of runs that are not over, and sign evidence",
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
