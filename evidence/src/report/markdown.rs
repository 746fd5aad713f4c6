//! A report as Markdown, for a ticket or a wiki.

use std::fmt::Write;

use windlass_journal::clock::utc;
use windlass_journal::event::shown;

use super::timeline::Axis;
use super::{BarKind, Fact, Report, outcome, span, verdict};

/// Columns of the drawn timeline.
const COLUMNS: usize = 48;

/// Calls that the timeline shows.
const LANES_MAX: usize = 80;

/// Returns the report as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = Out(String::new());
    head(&mut out, report);
    preconditions(&mut out, report);
    steps(&mut out, report);
    rollback(&mut out, report);
    evidence(&mut out, report);
    out.0
}

/// Text that grows by lines.
struct Out(String);

impl Out {
    fn line(&mut self, text: impl std::fmt::Display) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "{text}");
    }

    fn chapter(&mut self, title: &str) {
        self.line(format_args!("\n## {title}\n"));
    }

    fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        self.line(format_args!("| {} |", head.join(" | ")));
        self.line(format_args!("|{}", "---|".repeat(head.len())));
        for row in rows {
            self.line(format_args!("| {} |", row.join(" | ")));
        }
    }
}

/// Returns where a run acted; a run that touched nothing outside itself acted nowhere.
fn acted_on(report: &Report) -> String {
    if report.place.is_empty() { "nothing outside the run".to_owned() } else { code(&report.place) }
}

fn head(out: &mut Out, report: &Report) {
    out.line(format_args!("# Report: {}", text(&report.title)));
    out.line(format_args!("\n**{}**\n", verdict(report.status)));
    let by = &report.by;
    let rows = [
        ("run", code(report.run.as_str())),
        ("runbook", format!("{}, text {}", code(&report.runbook), code(&report.text))),
        ("began", utc(report.began)),
        ("last heard of", format!("{} ({})", utc(report.heard), span(report.heard - report.began))),
        ("started by", format!("{} on {}", text(&by.who()), text(&by.host))),
        ("acted on", acted_on(report)),
        ("locks", report.locks.iter().map(|l| code(l)).collect::<Vec<_>>().join(", ")),
        ("windlass", text(&report.version)),
    ];
    out.table(&["", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
    if !report.params.is_empty() {
        out.line("\nParameters:\n");
        report.params.iter().for_each(|fact| out.line(format_args!("- {}", told(fact))));
    }
}

fn preconditions(out: &mut Out, report: &Report) {
    out.chapter("Preconditions");
    if let Some(rotation) = &report.rotation {
        for (name, value) in super::rotation_in_words(rotation) {
            out.line(format_args!("- {name}: {}", text(&value)));
        }
        out.line("");
    }
    if report.preconditions.is_empty() {
        out.line("Nothing was read before the first change.");
        return;
    }
    let row = |found: &super::Found| {
        let facts: Vec<String> = found.facts.iter().map(told).collect();
        vec![found.key.to_string(), code(&found.step), facts.join("; ")]
    };
    out.table(&["call", "step", "found"], report.preconditions.iter().map(row));
}

fn steps(out: &mut Out, report: &Report) {
    out.chapter("Steps");
    let row = |step: &super::Step| {
        let took = step.took_ms.map(span).unwrap_or_default();
        let error = step.error.as_ref().map(|e| format!(": {}", text(&e.message)));
        let tried =
            if step.attempts > 1 { format!(", attempt {}", step.attempts) } else { String::new() };
        let came = format!(
            "{}{tried}{}",
            outcome(step, report.status.is_finished()),
            error.unwrap_or_default()
        );
        vec![step.key.to_string(), text(&step.says), utc(step.began), took, came]
    };
    out.table(&["call", "what", "when", "took", "outcome"], report.steps.iter().map(row));
    timeline(out, report);
    if report.services.is_empty() {
        return;
    }
    out.line("\n### Services, before and after\n");
    let row = |service: &super::Service| {
        let secrets: Vec<String> = service.secrets.iter().map(|s| code(s)).collect();
        let rest = match service.untouched {
            Some(true) => "as it was",
            Some(false) => "others changed it meanwhile",
            None => "",
        };
        vec![
            code(&service.name),
            secrets.join(" → "),
            service.restarts.to_string(),
            text(service.health.as_deref().unwrap_or("")),
            rest.to_owned(),
        ]
    };
    let head = ["service", "secret", "restarts", "tasks at the end", "rest of the template"];
    out.table(&head, report.services.iter().map(row));
}

/// Draws what happened when, in characters; a gap is as wide as the logarithm of its length.
fn timeline(out: &mut Out, report: &Report) {
    if report.steps.is_empty() {
        return;
    }
    let axis = Axis::of(&report.timeline, report.began, report.heard);
    out.line("\n```text");
    for step in report.steps.iter().take(LANES_MAX) {
        let mut lane = vec![' '; COLUMNS];
        for bar in report.timeline.iter().filter(|bar| bar.key == step.key) {
            let (from, to) = (column(&axis, bar.from), column(&axis, bar.to));
            lane[from..=to].fill(mark(bar.kind));
        }
        let lane: String = lane.into_iter().collect();
        let says = if step.says.is_empty() { &step.step } else { &step.says };
        out.line(format_args!("{:<8}|{lane}| {}", step.key.to_string(), fenced(says)));
    }
    if report.steps.len() > LANES_MAX {
        out.line(format_args!("and {} calls more", report.steps.len() - LANES_MAX));
    }
    out.line("= done   x failed   ? outcome lost, or going on   < undone   / given up");
    out.line("```");
}

fn column(axis: &Axis, at: i64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "it is a column of a drawing, between 0 and COLUMNS"
    )]
    let column = (axis.place(at) * (COLUMNS - 1) as f64).round() as usize;
    column.min(COLUMNS - 1)
}

fn mark(kind: BarKind) -> char {
    match kind {
        BarKind::Done => '=',
        BarKind::Failed => 'x',
        BarKind::Lost => '?',
        BarKind::Undone => '<',
        BarKind::GivenUp => '/',
    }
}

fn rollback(out: &mut Out, report: &Report) {
    out.chapter("Rollback");
    let rollback = &report.rollback;
    super::rollback_in_words(rollback)
        .iter()
        .for_each(|line| out.line(format_args!("- {}", text(line))));
    if !rollback.taken_back.is_empty() {
        out.line(format_args!("- Undone: calls {}", super::list(&rollback.taken_back)));
    }
    if !rollback.failed.is_empty() {
        out.line(format_args!("- Could not be undone: calls {}", super::list(&rollback.failed)));
    }
}

fn evidence(out: &mut Out, report: &Report) {
    out.chapter("Evidence");
    if !report.decisions.is_empty() {
        out.line("People decided:\n");
        let row = |d: &super::Decided| {
            let who = format!("{} on {}", text(&d.by.who()), text(&d.by.host));
            vec![utc(d.at), who, text(&d.what), text(&d.reason)]
        };
        out.table(&["when", "who", "what", "why"], report.decisions.iter().map(row));
        out.line("");
    }
    if !report.secrets.is_empty() {
        out.line("Secrets, by keyed fingerprints:\n");
        let row =
            |s: &super::SecretSeen| vec![code(&s.sealed), code(&s.became), code(&s.fingerprint)];
        out.table(&["sealed value", "became", "fingerprint"], report.secrets.iter().map(row));
        out.line("");
    }
    for resumed in &report.resumes {
        out.line(format_args!(
            "- Interrupted; resumed at {} by {} on {}, after {} without a journal entry.",
            utc(resumed.at),
            text(&resumed.by.who()),
            text(&resumed.by.host),
            span(resumed.silent_ms)
        ));
    }
    for step in report.steps.iter().filter(|s| s.how == Some(windlass_journal::How::Probed)) {
        out.line(format_args!(
            "- Call {}: the outcome was lost; a check of the swarm showed it.",
            step.key
        ));
    }
    if let Some(ticket) = report.params.iter().find(|fact| fact.name == "ticket") {
        out.line(format_args!("- Ticket: {}", text(&ticket.value)));
    }
    out.line(format_args!(
        "- Journal: {} entries, the last has the hash {}",
        report.entries,
        code(&report.head)
    ));
    out.line(format_args!(
        "- To check it: `windlass evidence export {run} -o FILE`, then `windlass evidence verify FILE --key PUBLIC_KEY --head {head}`",
        run = report.run,
        head = report.head,
    ));
}

fn told(fact: &Fact) -> String {
    format!("{}: {}", text(&fact.name), text(&fact.value))
}

/// A text of somebody else's, which must not mean anything in Markdown or in HTML.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        match c {
            // Inside of a word it means nothing.
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => out.push(c),
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c if shown::is_hidden(c) => {
                out.push('\\');
                out.push_str(&shown::escaped(c));
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A name, as code. What would end the code or the cell, or mean something in HTML, is left out: no
/// name has it.
fn code(text: &str) -> String {
    let text = shown::in_one_line(text);
    let plain: String = text.chars().filter(|c| !['`', '|', '<', '>'].contains(c)).collect();
    if plain.is_empty() { String::new() } else { format!("`{plain}`") }
}

/// A text in a fenced block, which it must not end, nor mean anything if a reader does not know
/// fences.
fn fenced(text: &str) -> String {
    shown::in_one_line(text).chars().filter(|c| !['`', '<', '>'].contains(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_cell() {
        assert_eq!(text("a|b\n<b> `x` [y](z)"), "a\\|b &lt;b&gt; \\`x\\` \\[y\\](z)");
        assert_eq!(text("db_v2 _b_ __"), "db_v2 \\_b\\_ \\_\\_");
        assert_eq!(code("a`|b"), "`ab`");
        assert_eq!(code(""), "");
    }

    #[test]
    fn what_shows_nothing_of_its_own_is_written_out() {
        assert_eq!(text("a\u{1b}[2J\u{202e}b"), "a\\\\u{1b}\\[2J\\\\u{202e}b");
        assert_eq!(code("a\n\u{202e}b"), "`a\\n\\u{202e}b`");
        assert_eq!(fenced("a\r\u{202e}b"), "a\\r\\u{202e}b");
    }
}
