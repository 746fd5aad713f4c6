//! The page: whole, escaped, alone, and small enough.

use std::collections::BTreeSet;

use windlass_rehearsal::page::html;

use crate::sample;

/// Returns what stands between all pairs of marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).map(|part| part.split(to).next().unwrap()).collect()
}

#[test]
fn every_pass_is_on_the_page_and_every_link_leads_somewhere() {
    let report = sample::violated();
    let page = html(&report);
    for pass in &report.passes {
        assert!(page.contains(&format!("<code>{}</code>", pass.id)), "{} is missing", pass.id);
        for problem in &pass.problems {
            assert!(page.contains(&format!("<li>{problem}</li>")), "{problem}");
        }
    }
    let ids: Vec<&str> = between(&page, " id=\"", "\"");
    let unique: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "an anchor is there twice");
    let links = between(&page, "href=\"#", "\"");
    assert!(links.len() > report.passes.len());
    for link in links {
        assert!(ids.contains(&link), "#{link} leads nowhere");
    }
    assert_eq!(page.matches("<svg").count(), report.passes.len(), "a pass has no timeline");
    for call in &report.calls {
        let lane = format!("<b>{}</b> {}</li>", call.key, call.says);
        assert!(page.contains(&lane), "no timeline names the call: {lane}");
    }
    assert!(page.contains("<li>credential specs (shop_web)</li>"));
    assert!(page.contains("<li>shop_mail: 0 of 1 tasks run</li>"));
}

#[test]
fn no_text_becomes_part_of_the_page() {
    let page = html(&sample::hostile());
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!page.contains("<img"), "a text became an element");
    let (plain, hostile) = (html(&sample::violated()), page);
    for mark in ['<', '>', '"'] {
        assert_eq!(hostile.matches(mark).count(), plain.matches(mark).count(), "{mark} is loose");
    }
}

#[test]
fn the_page_needs_nothing_else_and_runs_only_its_own_script() {
    let page = html(&sample::report(2));
    for word in ["http:", "https:", "src=", "@import", "url(", "style=\"", "onclick", "innerHTML"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    assert!(page.contains("; script-src 'sha256-"));
}

#[test]
fn a_rehearsal_of_forty_services_is_a_page_that_can_be_mailed() {
    let report = sample::report(40);
    assert!(report.passes.len() > 400, "{}", report.passes.len());
    let page = html(&report);
    let megabytes = page.len() / 1_000_000;
    assert!(megabytes < 8, "{megabytes} MB for {} passes", report.passes.len());
}

#[test]
fn a_report_of_nothing_is_still_a_page() {
    let mut report = sample::report(1);
    report.calls.clear();
    report.passes.clear();
    assert!(html(&report).ends_with("</html>\n"));
}
