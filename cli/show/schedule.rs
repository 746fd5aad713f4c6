//! Schedules, their times, and notices that are not delivered.

use windlass_duty::notice::Delivery;
use windlass_duty::schedule::{Fate, Kept, Missed, Occurrence, Overlap, Zone};
use windlass_engine::clock::{Millis, utc};
use windlass_engine::journal::End;

use super::style::{bold, green, red, yellow};
use super::table::columns;
use super::{line, note};

/// Times of a schedule that are shown with it.
const SHOWN_MAX: usize = 20;

/// Prints a list of schedules.
pub fn list(schedules: &[Kept], now: Millis) {
    if schedules.is_empty() {
        note("no schedules");
        return;
    }
    let head = ["SCHEDULE", "RUNBOOK", "CRON", "ZONE", "NEXT", "LAST RUN", "LAST SUCCESS"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for kept in schedules {
        let (config, standing) = (&kept.config, &kept.standing);
        let last = standing.last.as_ref().map(|last| last.run.to_string());
        let success = standing.success.map(|at| config.zone.show(at));
        rows.push(vec![
            config.name.to_string(),
            config.runbook.as_str().to_owned(),
            config.cron.to_string(),
            config.zone.to_string(),
            coming(kept, now),
            last.unwrap_or_else(|| "-".to_owned()),
            success.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    columns(&rows).iter().for_each(|row| line(row));
}

/// Returns when it comes next, in words.
fn coming(kept: &Kept, now: Millis) -> String {
    if kept.is_paused() {
        return yellow("paused");
    }
    kept.next(now).map_or_else(|| "-".to_owned(), |at| kept.config.zone.show(at))
}

/// Prints a schedule in full.
pub fn show(kept: &Kept, occurrences: &[Occurrence], now: Millis) {
    let (config, standing) = (&kept.config, &kept.standing);
    line(&format!("{}  {}", bold(config.name.as_str()), coming(kept, now)));
    let mut rows = vec![
        ["runbook".to_owned(), config.runbook.as_str().to_owned()],
        ["comes".to_owned(), format!("{} in {}", config.cron, config.zone)],
        ["missed times".to_owned(), missed(kept)],
        ["if the last run has not finished".to_owned(), overlap(config.overlap).to_owned()],
    ];
    let mut add = |what: &str, value: String| rows.push([what.to_owned(), value]);
    config.params.iter().for_each(|(name, word)| add(name, word.0.clone()));
    config.secrets.iter().for_each(|(name, source)| {
        let text = source.as_str();
        add(name, if text.starts_with('@') { text.to_owned() } else { generated(text) });
    });
    if !config.jitter.0.is_zero() {
        add("jitter", format!("up to {} later", config.jitter));
    }
    if let Some(after) = config.alarm_after {
        add("alarm", format!("without a success for {after}"));
    }
    if let Some(reason) = &standing.paused {
        add("paused", reason.clone());
    }
    if let Some(at) = standing.success {
        add("last success", config.zone.show(at));
    }
    for waiting in &standing.waiting {
        add("waits", format!("the run of {}", config.zone.show(waiting.planned)));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
    columns(&rows).iter().for_each(|row| line(&format!("  {row}")));
    let shown = occurrences.len().saturating_sub(SHOWN_MAX);
    let fates: Vec<Vec<String>> = occurrences[shown..]
        .iter()
        .map(|what| vec![config.zone.show(what.planned), fate(&what.fate)])
        .collect();
    columns(&fates).iter().for_each(|row| line(&format!("  {row}")));
}

/// A value that is generated in the night is seen by nobody.
fn generated(source: &str) -> String {
    format!(
        "{source}: a new value each time, which nobody knows but the services that mount it; what \
         checks it elsewhere, such as a database, is not told"
    )
}

fn missed(kept: &Kept) -> String {
    let window = kept.config.missed_window;
    match kept.config.missed {
        Missed::Skip => "are recorded and told, not caught up with".to_owned(),
        Missed::One => format!("the latest within {window} is caught up with"),
        Missed::All => format!("those within {window} are all caught up with"),
    }
}

fn overlap(rule: Overlap) -> &'static str {
    match rule {
        Overlap::Skip => "the time is left out",
        Overlap::Queue => "one run waits",
        Overlap::Replace => "it is cancelled, and the new one starts",
    }
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Started { run, end: None } => format!("started {run}"),
        Fate::Started { run, end: Some(End::Done) } => format!("{} {run}", green("done")),
        Fate::Started { run, end: Some(End::Undone) } => format!("{} {run}", red("undone")),
        Fate::Started { run, end: Some(End::Cancelled) } => {
            format!("{} {run}", yellow("cancelled"))
        }
        Fate::Missed => yellow("missed"),
        Fate::Skipped { why } => format!("{} {why}", yellow("left out:")),
        Fate::Refused { why } => format!("{} {why}", red("not started:")),
    }
}

/// Prints times, those of each schedule under its name.
pub fn times(rows: &[(String, Zone, Vec<Millis>)]) {
    for (name, zone, times) in rows {
        line(&format!("{} in {zone}", bold(name)));
        let rows: Vec<Vec<String>> =
            times.iter().map(|at| vec![zone.show(*at), utc(*at)]).collect();
        columns(&rows).iter().for_each(|row| line(&format!("  {row}")));
    }
    if rows.is_empty() {
        note("no schedules");
    }
}

/// Prints notices that are not delivered.
pub fn undelivered(notices: &[Delivery], receivers: &[String], now: Millis) {
    if receivers.is_empty() {
        note(
            "The daemon has no receiver, so nobody is notified of anything; add a [[notice]] to its \
             windlass.toml and restart it.",
        );
    }
    if notices.is_empty() {
        if !receivers.is_empty() {
            note(&format!("Every notice has been delivered to {}.", receivers.join(", ")));
        }
        return;
    }
    let head = ["NOTICE", "SINCE", "TRIED", "NEXT", "WHAT", "PROBLEM"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for delivery in notices {
        let next = match (delivery.given_up, delivery.next > now) {
            (true, _) => red("given up"),
            (false, true) => utc(delivery.next),
            (false, false) => "now".to_owned(),
        };
        rows.push(vec![
            delivery.id.clone(),
            utc(delivery.since),
            delivery.attempts.to_string(),
            next,
            delivery.notice.title.clone(),
            delivery.problem.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    columns(&rows).iter().for_each(|row| line(row));
    if notices.iter().any(|delivery| delivery.given_up) {
        note(&format!("{} tries them again", bold("windlass notices retry")));
    }
}
