//! `windlass prune`: forgetting runs that ended long ago.

use windlass_desk::operations::keeping::{Old, Prunable, Prune, Pruned, Tombstones};
use windlass_engine::clock::utc;
use windlass_engine::id::RunId;

use crate::args::PruneArgs;
use crate::door;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, yellow};
use crate::show::table::columns;

/// Forgets runs, or says which would go, or lists what stays of them.
pub async fn prune(settings: &Settings, args: &PruneArgs) -> Result<Exit, Problem> {
    let keep = u32::try_from(args.keep).unwrap_or(u32::MAX);
    let pruned = match args.older_than.map(|older_than| Old { older_than, keep }) {
        Some(old) if args.dry_run => door::ask::<Prunable>(settings, "", old, ()).await?,
        Some(old) => door::ask::<Prune>(settings, "", (), old).await?,
        None => {
            let gone = door::ask::<Tombstones>(settings, "", (), ()).await?.tombstones;
            Pruned { gone, ..Pruned::default() }
        }
    };
    // What is gone is told even if not all went well.
    if settings.json {
        show::json(&serde_json::json!({
            "would_go": pruned.would_go, "gone": pruned.gone, "held_back": pruned.held_back,
            "audit_entries": pruned.audit_entries,
        }));
    } else {
        tell(&pruned, args.list, args.dry_run);
    }
    match pruned.problem {
        None => Ok(Exit::Done),
        Some(why) => Err(Problem::new("WL0011", Exit::OutOfReach, why)
            .hint("`windlass prune --list` shows what is gone; prune again for the rest.")),
    }
}

fn tell(told: &Pruned, list: bool, dry_run: bool) {
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
