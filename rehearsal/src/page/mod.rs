//! A rehearsal as one HTML file that needs nothing else.
//!
//! Everything is in the text: a table of links, and for each cell the passes that it stands for,
//! each with a timeline and a story. Without scripts it is a long page that works by its links; the
//! script only shows one cell at a time and adds the arrow keys. No element is made from data by
//! the script, and the policy of the page lets no other script run.
//!
//! ```text
//! escape: texts      table: call x fault, links       passes: what a link leads to
//!                                                          timeline: lanes in virtual time
//! ```

mod passes;
mod table;
mod timeline;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use windlass_engine::event::shown;

use crate::report::{Report, Totals, Verdict, span};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Returns the page of a rehearsal.
pub fn html(report: &Report) -> String {
    let coverage = report.coverage();
    let totals = report.totals();
    let title = escaped(&report.title);
    let script = STANDARD.encode(Sha256::digest(SCRIPT));
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{style}'; script-src 'sha256-{script}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Rehearsal: {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         {head}{table}{passes}{foot}<script>{SCRIPT}</script>\n</body>\n</html>\n",
        head = head(report, &totals),
        table = table::html(report, &coverage),
        passes = passes::html(report, &coverage),
        foot = foot(report, &totals),
    )
}

fn head(report: &Report, totals: &Totals) -> String {
    let swarm = &report.swarm;
    let counts: String = Verdict::ALL
        .into_iter()
        .map(|verdict| {
            format!(
                "<li class=\"{class}\"><b>{count}</b> <i aria-hidden=\"true\">{mark}</i> {words}</li>",
                class = class(verdict),
                count = totals.of(verdict),
                mark = verdict.mark(),
                words = verdict.words(),
            )
        })
        .collect();
    format!(
        "<header>\n<p class=\"name\">Rehearsal of <code>{runbook}</code></p>\n<h1>{title}</h1>\n\
         <p class=\"answer {class}\">{answer}</p>\n<ul class=\"counts\">{counts}</ul>\n\
         <p class=\"swarm\">On a copy of a swarm: {swarm}, taken {taken}.</p>\n{copy}\
         <noscript><p>Scripts are off: the links of the table lead to the passes further down.</p></noscript>\n\
         </header>\n",
        runbook = escaped(&report.runbook),
        title = escaped(&report.title),
        class = class(worst(totals)),
        answer = answer(totals),
        taken = escaped(&swarm.taken.replace('T', " ")),
        copy = copy(report),
    )
}

/// What the copy leaves out of the swarm, and what is wrong with it: nobody should take the result
/// for more than it is.
fn copy(report: &Report) -> String {
    let list = |head: &str, items: &[String]| {
        let items: String =
            items.iter().map(|text| format!("<li>{}</li>", escaped(text))).collect();
        match items.is_empty() {
            true => String::new(),
            false => format!("<p class=\"swarm\">{head}:</p>\n<ul>{items}</ul>\n"),
        }
    };
    let unhealthy = list("Services that don't run as they should", &report.unhealthy);
    format!("{unhealthy}{}", list("Not played", &report.not_played))
}

fn answer(totals: &Totals) -> String {
    match (totals.violated, totals.passes) {
        (0, 1) => "One pass was made, and every invariant held.".to_owned(),
        (0, passes) => format!("Every invariant held in all {passes} passes."),
        (1, passes) => format!("In 1 of {passes} passes an invariant did not hold."),
        (violated, passes) => {
            format!("In {violated} of {passes} passes an invariant did not hold.")
        }
    }
}

/// The colour of the answer: passes that go back or stop are as they should be.
fn worst(totals: &Totals) -> Verdict {
    if totals.violated > 0 { Verdict::Violated } else { Verdict::Held }
}

fn foot(report: &Report, totals: &Totals) -> String {
    format!(
        "<footer><p>{passes} passes on {threads} threads in {wall}, which stand for {virtually} of \
         the swarm's time. {requests} requests, {resumes} resumes, seed {seed}.</p></footer>\n",
        passes = totals.passes,
        threads = report.threads,
        wall = span(i64::try_from(report.wall_ms).unwrap_or(i64::MAX)),
        virtually = span(totals.virtual_ms),
        requests = totals.requests,
        resumes = totals.resumes,
        seed = report.seed,
    )
}

/// The name of a verdict in the style sheet.
fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Unwound => "unwound",
        Verdict::Stuck => "stuck",
        Verdict::Violated => "violated",
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
