//! What a rehearsal found.

mod progress;
mod story;
mod table;

pub use progress::Bar;
pub use story::tell_all;

use windlass_rehearsal::Prospect;
use windlass_rehearsal::report::{Pass, Report, Totals, Verdict, span};

use super::progress::seconds;
use super::style::{bold, dim, green, red, yellow};
use super::{line, note};

/// Says before the first pass what the copy will be like.
pub fn show_prospect(prospect: &Prospect) {
    match &prospect.unhealthy[..] {
        [] => {}
        [one] => note(&format!("{} 1 service does not run as it should: {one}", yellow("note:"))),
        several => {
            let count = several.len();
            note(&format!("{} {count} services don't run as they should:", yellow("note:")));
            several.iter().for_each(|one| note(&format!("  {one}")));
        }
    }
    for what in &prospect.not_played {
        note(&format!("{} not played: {what}", yellow("note:")));
    }
}

/// Shows a report: the table, the counts, and the first pass that is violated as a story. `again`
/// gives the command that makes one pass again.
pub fn show(report: &Report, again: impl Fn(&str) -> String) {
    head(report);
    table::lines(report).iter().for_each(|text| line(text));
    line("");
    let totals = report.totals();
    line(&counted(&totals));
    line(&dim(&effort(report, &totals)));
    if let Some(pass) = report.first_violation() {
        line("");
        story::tell(report, pass);
        let others = totals.violated - 1;
        if others > 0 {
            note(&format!("{others} more passes are violated: fix this one first"));
        }
        note(&format!("{} {}", bold("next:"), again(&pass.id)));
    }
}

/// Shows one pass, all of it.
pub fn show_one(report: &Report, pass: &Pass) {
    head(report);
    story::tell_all(Some(report), pass);
}

fn head(report: &Report) {
    let swarm = &report.swarm;
    line(&bold(&report.title));
    let taken = swarm.taken.replace('T', " ");
    line(&dim(&format!("on a copy of a swarm: {swarm}, taken {taken}")));
    line("");
}

fn counted(totals: &Totals) -> String {
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|verdict| totals.of(*verdict) > 0)
        .map(|verdict| painted(verdict, &format!("{} {}", totals.of(verdict), verdict.words())))
        .collect();
    format!("{} passes: {}", totals.passes, counts.join(", "))
}

fn effort(report: &Report, totals: &Totals) -> String {
    format!(
        "{} on {} threads, for {} of the swarm's time; {} requests, {} resumes, seed {}",
        seconds(i64::try_from(report.wall_ms).unwrap_or(i64::MAX)),
        report.threads,
        span(totals.virtual_ms),
        totals.requests,
        totals.resumes,
        report.seed,
    )
}

/// Colours a text by how a pass ended.
fn painted(verdict: Verdict, text: &str) -> String {
    match verdict {
        Verdict::Held => green(text),
        Verdict::Unwound => text.to_owned(),
        Verdict::Stuck => yellow(text),
        Verdict::Violated => red(text),
    }
}
