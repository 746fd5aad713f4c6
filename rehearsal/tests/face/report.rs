//! What is read out of a report.

use crate::sample;
use windlass_rehearsal::report::{Report, Verdict};

#[test]
fn a_cell_has_the_worst_of_its_passes_and_no_pass_gets_lost() {
    let mut report = sample::violated();
    let at = report.passes.iter().position(|p| p.id == "4.2.1/lost-answer").unwrap();
    let mut twin = report.passes[at].clone();
    twin.verdict = Verdict::Held;
    report.passes.push(twin);
    let mut odd = report.passes[at].clone();
    odd.fault = "nobody knows".into();
    report.passes.push(odd);
    let coverage = report.coverage();
    let row = report.calls.iter().position(|call| call.key == "4.2.1").unwrap();
    let cell = coverage.rows[row].cells[3].as_ref().unwrap();
    assert_eq!((cell.worst, cell.passes.len()), (Verdict::Violated, 2));
    assert_eq!(coverage.elsewhere, [report.passes.len() - 1]);
    let cells = coverage.rows.iter().flat_map(|row| row.cells.iter().flatten());
    let shown: usize = cells.map(|cell| cell.passes.len()).sum();
    assert_eq!(shown + coverage.elsewhere.len() + 1, report.passes.len());
    assert_eq!(
        coverage.rows.len(),
        report.calls.len(),
        "a row for the whole run, and no such pass"
    );
}

#[test]
fn faults_of_the_whole_run_have_a_row_of_their_own() {
    let mut report = sample::report(1);
    report.passes.last_mut().unwrap().call = None;
    let at = report.passes.len() - 2;
    report.passes[at].call = Some("4".into());
    let coverage = report.coverage();
    assert_eq!(coverage.rows.last().unwrap().cells.iter().flatten().count(), 2);
    assert_eq!(coverage.rows.last().unwrap().call, None);
    assert_eq!(coverage.rows.len(), report.calls.len() + 1);
}

#[test]
fn a_story_is_told_from_where_it_begins_to_differ_whatever_the_order_of_branches() {
    let mut report = sample::report(3);
    let at = report.passes.iter().position(|p| p.id == "4.3.1/error").unwrap();
    let whole = report.passes[at].story.clone();
    let first = report.shorten(&report.passes[at]);
    assert_eq!(first.same + first.rest.len(), whole.len());
    assert!(first.same > 10, "{first:?}");
    assert_eq!(first.rest[0].lane.as_deref(), Some("4.3.1"));
    let same = first.same;
    report.passes[at].story.swap(2, 3);
    assert_eq!(report.shorten(&report.passes[at]).same, same);
    report.passes[at].story[1].text = "something else".into();
    assert_eq!(report.shorten(&report.passes[at]).same, 0);
    let clean = report.clean().unwrap();
    assert_eq!(report.shorten(clean).same, 0, "the clean pass is not told by itself");
}

#[test]
fn totals_add_up_and_a_violation_of_the_clean_pass_comes_first() {
    let mut report = sample::violated();
    let totals = report.totals();
    assert_eq!(totals.held + totals.unwound + totals.stuck + totals.violated, totals.passes);
    assert_eq!(report.first_violation().unwrap().id, "4.2.1/lost-answer");
    report.passes.rotate_left(1);
    report.passes.last_mut().unwrap().verdict = Verdict::Violated;
    assert_eq!(report.first_violation().unwrap().id, "clean");
}

#[test]
fn a_report_is_the_same_after_it_was_json() {
    let report = sample::violated();
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains(r#""verdict":"violated""#));
    assert!(serde_json::from_str::<Report>(&text).unwrap() == report);
}
