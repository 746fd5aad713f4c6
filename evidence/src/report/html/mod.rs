//! A report as one HTML page that needs nothing else, and in which nothing can run.

mod timeline;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use windlass_journal::How;
use windlass_journal::clock::utc;
use windlass_journal::event::{Status, shown};

use super::{Fact, Report, list, outcome, rollback_in_words, rotation_in_words, span, verdict};

const STYLE: &str = include_str!("page.css");

/// Returns the report as a page.
pub fn html(report: &Report) -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Report: {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         {head}{preconditions}{steps}{services}{rollback}{evidence}</body>\n</html>\n",
        title = escaped(&report.title),
        head = head(report),
        preconditions = preconditions(report),
        steps = steps(report),
        services = services(report),
        rollback = rollback(report),
        evidence = evidence(report),
    )
}

fn head(report: &Report) -> String {
    let by = format!("{} on {}", report.by.who(), report.by.host);
    let took = span(report.heard - report.began);
    let mut rows = vec![
        ("run", code(report.run.as_str())),
        ("runbook", code(&report.runbook)),
        ("its text", code(&report.text)),
        ("began", utc(report.began)),
        ("last heard of", format!("{} ({took})", utc(report.heard))),
        ("started by", escaped(&by).to_string()),
        ("acted on", acted_on(report)),
        ("locks", report.locks.iter().map(|lock| code(lock)).collect::<Vec<_>>().join(" ")),
        ("windlass", escaped(&report.version).to_string()),
    ];
    rows.retain(|(_, value)| !value.is_empty());
    let params: String = report.params.iter().map(term).collect();
    let params = match params.is_empty() {
        true => params,
        false => format!("<h2>Parameters</h2>\n<dl>{params}</dl>\n"),
    };
    let rows: String =
        rows.into_iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>")).collect();
    format!(
        "<header>\n<p class=\"soft\">Report of a run</p>\n<h1>{}</h1>\n<p class=\"answer {}\">{}</p>\n\
         <dl>{rows}</dl>\n</header>\n{params}",
        escaped(&report.title),
        class(report.status),
        verdict(report.status),
    )
}

fn preconditions(report: &Report) -> String {
    let row = |found: &super::Found| {
        let facts: String = found.facts.iter().map(term).collect();
        vec![found.key.to_string(), code(&found.step), format!("<dl>{facts}</dl>")]
    };
    let rows = report.preconditions.iter().map(row);
    let rotation = report.rotation.as_ref().map(rotation_in_words).unwrap_or_default();
    let rotation: String = rotation
        .into_iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", escaped(&value)))
        .collect();
    let found = table(&["call", "step", "what it found"], rows);
    chapter("Preconditions", &format!("<dl>{rotation}</dl>\n{found}"))
}

fn steps(report: &Report) -> String {
    let row = |step: &super::Step| {
        let mut came = outcome(step, report.status.is_finished()).to_owned();
        if step.attempts > 1 {
            came += &format!(", attempt {}", step.attempts);
        }
        if let Some(error) = &step.error {
            came += &format!("<br><span class=\"failed\">{}</span>", escaped(&error.message));
        }
        let facts = |facts: &[Fact]| facts.iter().map(term).collect::<String>();
        let (before, after) = (facts(&step.before), facts(&step.after));
        let more = format!(
            "{}<details><summary>before and after</summary><h4>before</h4><dl>{before}</dl><h4>after</h4><dl>{after}</dl></details>",
            escaped(&step.says)
        );
        let took = step.took_ms.map(span).unwrap_or_default();
        vec![step.key.to_string(), more, utc(step.began), took, came]
    };
    let head = ["call", "what", "when", "took", "outcome"];
    let rows = table(&head, report.steps.iter().map(row));
    chapter("Steps", &format!("{}{rows}", timeline::html(report)))
}

fn services(report: &Report) -> String {
    if report.services.is_empty() {
        return String::new();
    }
    let row = |service: &super::Service| {
        let stack = service.stack.as_ref().map(|stack| format!("<br>stack {}", escaped(stack)));
        let secrets: Vec<String> = service.secrets.iter().map(|secret| code(secret)).collect();
        let rest = match service.untouched {
            Some(true) => "as it was",
            Some(false) => "others changed it meanwhile",
            None => "",
        };
        vec![
            format!("{}{}", code(&service.name), stack.unwrap_or_default()),
            secrets.join(" &rarr; "),
            service.restarts.to_string(),
            escaped(service.health.as_deref().unwrap_or_default()).to_string(),
            rest.to_owned(),
        ]
    };
    let head = ["service", "secret", "restarts", "tasks at the end", "rest of the template"];
    chapter("Services, before and after", &table(&head, report.services.iter().map(row)))
}

fn rollback(report: &Report) -> String {
    let rollback = &report.rollback;
    let mut lines: Vec<String> =
        rollback_in_words(rollback).iter().map(|line| escaped(line).to_string()).collect();
    if !rollback.taken_back.is_empty() {
        lines.push(format!("Undone: calls {}.", list(&rollback.taken_back)));
    }
    if !rollback.failed.is_empty() {
        lines.push(format!("Could not be undone: calls {}.", list(&rollback.failed)));
    }
    chapter("Rollback", &points(lines))
}

fn evidence(report: &Report) -> String {
    let mut out = String::new();
    if !report.decisions.is_empty() {
        let row = |decided: &super::Decided| {
            let who = format!("{} on {}", decided.by.who(), decided.by.host);
            let texts = [&who, &decided.what, &decided.reason].map(|t| escaped(t).to_string());
            [vec![utc(decided.at)], texts.to_vec()].concat()
        };
        let rows = table(&["when", "who", "what", "why"], report.decisions.iter().map(row));
        out += &format!("<h3>What people decided</h3>{rows}");
    }
    if !report.secrets.is_empty() {
        let row = |seen: &super::SecretSeen| {
            vec![code(&seen.sealed), code(&seen.became), code(&seen.fingerprint)]
        };
        let head = ["sealed value", "became", "keyed fingerprint"];
        out += &format!("<h3>Secrets</h3>{}", table(&head, report.secrets.iter().map(row)));
    }
    let mut lines = Vec::new();
    for resumed in &report.resumes {
        let by = format!("{} on {}", resumed.by.who(), resumed.by.host);
        let (at, silent) = (utc(resumed.at), span(resumed.silent_ms));
        lines.push(format!(
            "Interrupted; resumed at {at} by {}, after {silent} without a journal entry.",
            escaped(&by)
        ));
    }
    for step in report.steps.iter().filter(|step| step.how == Some(How::Probed)) {
        lines.push(format!(
            "Call {}: the outcome was lost; a check of the swarm showed it.",
            step.key
        ));
    }
    if let Some(ticket) = report.params.iter().find(|fact| fact.name == "ticket") {
        lines.push(format!("Ticket: {}", escaped(&ticket.value)));
    }
    lines.push(format!(
        "Journal: {} entries; the last has the hash {}.",
        report.entries,
        code(&report.head)
    ));
    lines.push(format!(
        "To check it: {}, then {}.",
        code(&format!("windlass evidence export {} -o FILE", report.run)),
        code(&format!("windlass evidence verify FILE --key PUBLIC_KEY --head {}", report.head)),
    ));
    chapter("Evidence", &format!("{out}{}", points(lines)))
}

fn chapter(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{content}</section>\n")
}

fn points(lines: Vec<String>) -> String {
    let items: String = lines.into_iter().map(|line| format!("<li>{line}</li>\n")).collect();
    format!("<ul>\n{items}</ul>\n")
}

/// A table whose cells are HTML; on a narrow screen each row becomes a card.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cell =
        |(name, cell): (&&str, String)| format!("<td data-name=\"{name}\"><div>{cell}</div></td>");
    let row = |row: Vec<String>| {
        let cells: String = head.iter().zip(row).map(cell).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.map(row).collect();
    if rows.is_empty() {
        return "<p class=\"soft\">Nothing.</p>\n".to_owned();
    }
    let head: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
    format!("<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n")
}

fn term(fact: &Fact) -> String {
    format!("<dt>{}</dt><dd>{}</dd>", escaped(&fact.name), escaped(&fact.value))
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", escaped(text)) }
}

/// Returns where a run acted; a run that touched nothing outside itself acted nowhere.
fn acted_on(report: &Report) -> String {
    if report.place.is_empty() { "nothing outside the run".to_owned() } else { code(&report.place) }
}

fn class(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::Undone | Status::Cancelled => "undone",
        Status::Stuck | Status::StuckGoingBack => "failed",
        _ => "lost",
    }
}

/// A text of somebody else's, which must not mean anything in HTML, nor hide what it is.
fn escaped(text: &str) -> String {
    html_escape::encode_quoted_attribute(&shown::quoted(text)).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_means_nothing_and_hides_nothing() {
        assert_eq!(super::escaped("<b>\u{202e}\u{1b}"), "&lt;b&gt;\\u{202e}\\u{1b}");
    }
}
