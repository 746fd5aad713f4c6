//! The table: a row for each call, a column for each fault, in each cell a link.

use windlass_engine::step::Kind;

use super::class;
use super::escaped;
use crate::report::{Cell, Coverage, Report, Row, Verdict};

/// The anchor of a cell.
pub(super) fn anchor(row: usize, column: usize) -> String {
    format!("c{row}-{column}")
}

/// Returns the table with its legend.
pub(super) fn html(report: &Report, coverage: &Coverage) -> String {
    let heads: String = report
        .faults
        .iter()
        .map(|fault| {
            format!(
                "<th scope=\"col\" title=\"{}\"><span>{}</span></th>",
                escaped(&fault.explanation),
                escaped(&fault.short)
            )
        })
        .collect();
    let rows: String =
        coverage.rows.iter().enumerate().map(|(at, row)| line(report, at, row)).collect();
    format!(
        "<main>\n<section id=\"coverage\" aria-label=\"Coverage\">\n<h2>Every call, every fault</h2>\n\
         {legend}<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of calls and faults\">\n\
         <table>\n<thead><tr><th scope=\"col\">Call</th>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n{faults}</section>\n",
        legend = legend(),
        faults = faults(report),
    )
}

fn legend() -> String {
    let marks = Verdict::ALL.map(|verdict| {
        let meaning = match verdict {
            Verdict::Held => "all new, everything in order",
            Verdict::Unwound => "all old, nothing left behind",
            Verdict::Stuck => "it stopped and said what to decide",
            Verdict::Violated => "something is not in order",
        };
        format!(
            "<li><i class=\"{}\" aria-hidden=\"true\">{}</i> <b>{}</b> {meaning}</li>",
            class(verdict),
            verdict.mark(),
            verdict.words()
        )
    });
    format!("<ul class=\"legend\">{}</ul>\n", marks.concat())
}

/// What each fault is, for those who can't hover.
fn faults(report: &Report) -> String {
    let rows = report.faults.iter().map(|fault| {
        format!("<dt>{}</dt><dd>{}</dd>", escaped(&fault.short), escaped(&fault.explanation))
    });
    let rows: String = rows.collect();
    format!(
        "<details class=\"faults\"><summary>What the faults are</summary><dl>{rows}</dl></details>\n"
    )
}

fn line(report: &Report, at: usize, row: &Row) -> String {
    let cells = row.cells.iter().enumerate();
    let cells: String =
        cells.map(|(column, cell)| field(report, (at, column), row, cell.as_ref())).collect();
    let head = match row.call.and_then(|index| report.calls.get(index)) {
        Some(call) => {
            let kind = match (call.pivot, call.kind) {
                (true, _) => "<em>pivot</em>",
                (false, Kind::Read) => "<small>read</small>",
                (false, Kind::Wait) => "<small>wait</small>",
                (false, Kind::Change | Kind::Destroy) => "",
            };
            format!("<b>{}</b> {kind} <span>{}</span>", escaped(&call.key), escaped(&call.says))
        }
        None => "<b>run</b> <span>as a whole, or between calls</span>".to_owned(),
    };
    format!("<tr><th scope=\"row\">{head}</th>{cells}</tr>\n")
}

fn field(report: &Report, place: (usize, usize), row: &Row, cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "<td></td>".to_owned() };
    let at = row.call.and_then(|index| report.calls.get(index));
    let at = at.map_or("the whole run", |call| call.key.as_str());
    let fault = report.faults.get(place.1).map_or("", |fault| fault.short.as_str());
    let count = match cell.passes.len() {
        1 => String::new(),
        n => format!("<sup>{n}</sup>"),
    };
    format!(
        "<td><a class=\"{}\" href=\"#{}\" aria-label=\"{}, {}: {}, {} passes\">{}{count}</a></td>",
        class(cell.worst),
        anchor(place.0, place.1),
        escaped(at),
        escaped(fault),
        cell.worst.words(),
        cell.passes.len(),
        cell.worst.mark(),
    )
}
