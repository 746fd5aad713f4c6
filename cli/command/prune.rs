//! `windlass prune`: forgetting runs that ended long ago.

use windlass_engine::clock::utc;
use windlass_engine::engine::Tombstone;
use windlass_engine::event::Summary;
use windlass_engine::id::RunId;

use super::keeping;
use crate::args::PruneArgs;
use crate::desk::{Keeping, Kept};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, yellow};
use crate::show::table::columns;

/// What was told.
#[derive(Default)]
struct Told {
    would_go: Vec<Summary>,
    gone: Vec<Tombstone>,
    held_back: Vec<RunId>,
    audit_entries: usize,
}

/// Forgets runs, or says which would go, or lists what stays of them.
pub async fn prune(settings: &Settings, args: &PruneArgs) -> Result<Exit, Problem> {
    let (keep, dry_run) = (args.keep, args.dry_run);
    let asked = match args.older_than {
        Some(older_than) => Keeping::Prune { older_than, keep, dry_run },
        None => Keeping::Tombstones,
    };
    let mut told = Told::default();
    let asked = keeping::ask(settings, asked, |kept| {
        match kept {
            Kept::WouldGo { run } => told.would_go.push(*run),
            Kept::Tombstone { tombstone } => told.gone.push(*tombstone),
            Kept::HeldBack { run } => told.held_back.push(run),
            Kept::Audit { entries } => told.audit_entries = entries,
            _ => {}
        }
        Ok(())
    })
    .await;
    // What is gone is told even if not all went well.
    if settings.json {
        show::json(&serde_json::json!({
            "would_go": told.would_go, "gone": told.gone, "held_back": told.held_back,
            "audit_entries": told.audit_entries,
        }));
    } else {
        tell(&told, args.list, dry_run);
    }
    asked.map(|()| Exit::Done)
}

fn tell(told: &Told, list: bool, dry_run: bool) {
    let line = |run: &RunId, ended: i64, title: &str, rest: String| {
        vec![run.to_string(), utc(ended), rest, title.to_owned()]
    };
    let would = told.would_go.iter().map(|run| {
        let rest = "would go".to_owned();
        line(&run.run, run.heard, &run.title, rest)
    });
    let gone = told.gone.iter().map(|stone| {
        let rest = format!("{} entries, head {}", stone.entries, stone.head);
        line(&stone.run, stone.ended, &stone.title, rest)
    });
    let rows: Vec<Vec<String>> = would.chain(gone).collect();
    columns(&rows).iter().for_each(|row| show::line(row));
    for run in &told.held_back {
        show::note(&format!(
            "{} {run} stays: its last head has not been published yet",
            yellow("note:")
        ));
    }
    if told.audit_entries > 0 {
        let done = if dry_run { "would be removed" } else { "were removed" };
        show::note(&format!(
            "{} entries of the audit {done}, as `[audit]` in windlass.toml says",
            told.audit_entries
        ));
    }
    let counted = match (told.would_go.len(), told.gone.len(), list) {
        (0, 0, true) => "no run has been pruned".to_owned(),
        (0, 0, false) => "no run is old enough to go".to_owned(),
        (0, _, true) => return,
        (0, gone, false) => format!(
            "{gone} runs are gone; {} lists what stays of them",
            bold("windlass prune --list")
        ),
        (would, _, _) => format!("{would} runs would go"),
    };
    show::note(&counted);
}
