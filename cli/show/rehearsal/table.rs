//! The coverage table in a hundred columns: a letter for each fault, a mark for each cell.

use std::collections::HashMap;

use windlass_rehearsal::report::{CallRow, Coverage, Report, Row, Verdict};

use super::painted;
use crate::show::style::{dim, yellow};

/// How wide a table may be.
const WIDTH: usize = 100;
/// A column of marks.
const CELL: usize = 2;
/// How wide what a call does may get, if there is room.
const SAYS_MAX: usize = 52;

/// Returns the table with its legend, as lines.
pub fn lines(report: &Report) -> Vec<String> {
    let coverage = report.coverage();
    let tried = |column: &usize| coverage.rows.iter().any(|row| row.cells[*column].is_some());
    let columns: Vec<usize> = (0..report.faults.len()).filter(tried).collect();
    let rows = gathered(report, &coverage);
    let keys = rows.iter().map(|row| row.key.chars().count()).max().unwrap_or(0);
    let room = WIDTH.saturating_sub(2 + keys + 2 + 2 + columns.len() * CELL).min(SAYS_MAX);
    let label = |key: &str, says: &str| format!("  {key:<keys$}  {says:<room$}  ");
    let heads: String = (0..columns.len()).map(|nth| format!("{} ", letter(nth))).collect();
    let mut out = vec![format!("{}{}", label("", ""), heads.trim_end())];
    for row in &rows {
        let marks: String = columns
            .iter()
            .map(|&column| match row.marks[column] {
                Some(verdict) => painted(verdict, &format!("{} ", verdict.mark())),
                None => "  ".to_owned(),
            })
            .collect();
        let text = label(&row.key, &cut(&row.says, room));
        let text = if row.pivot { yellow(&text) } else { text };
        out.push(format!("{text}{marks}").trim_end().to_owned());
    }
    out.push(String::new());
    out.extend(legend(report, &columns));
    if !coverage.elsewhere.is_empty() {
        let ids = coverage.elsewhere.iter().map(|&index| report.passes[index].id.as_str());
        let ids: Vec<&str> = ids.collect();
        out.push(format!("  passes of faults that have no column: {}", ids.join(", ")));
    }
    out
}

/// A line of the table.
struct Line {
    key: String,
    says: String,
    pivot: bool,
    marks: Vec<Option<Verdict>>,
}

/// Puts the same calls of parallel branches into one line if all ended the same: forty services
/// that hold are no forty lines. What is violated keeps a line of its own.
fn gathered(report: &Report, coverage: &Coverage) -> Vec<Line> {
    let mut lines: Vec<(Line, usize)> = Vec::new();
    let mut places: HashMap<(String, &str, Vec<Option<Verdict>>), usize> = HashMap::new();
    for row in &coverage.rows {
        let marks: Vec<Option<Verdict>> =
            row.cells.iter().map(|cell| cell.as_ref().map(|cell| cell.worst)).collect();
        let Some(call) = called(report, row) else {
            let says = "the run as a whole, or between calls".to_owned();
            lines.push((Line { key: "run".to_owned(), says, pivot: false, marks }, 1));
            continue;
        };
        let violated = marks.contains(&Some(Verdict::Violated));
        if let Some(pattern) = pattern(&call.key).filter(|_| !violated) {
            let same = (pattern.clone(), call.step.as_str(), marks.clone());
            if let Some(&at) = places.get(&same) {
                let (line, count) = &mut lines[at];
                *count += 1;
                line.key.clone_from(&pattern);
                line.says = format!("{} ({count} times)", call.step);
                continue;
            }
            places.insert(same, lines.len());
        }
        let says = if call.pivot { format!("pivot: {}", call.says) } else { call.says.clone() };
        lines.push((Line { key: call.key.clone(), says, pivot: call.pivot, marks }, 1));
    }
    lines.into_iter().map(|(line, _)| line).collect()
}

fn called<'a>(report: &'a Report, row: &Row) -> Option<&'a CallRow> {
    row.call.and_then(|index| report.calls.get(index))
}

/// Returns the place of a call in any branch: `4.*.2` for `4.17.2`.
fn pattern(key: &str) -> Option<String> {
    let mut parts: Vec<&str> = key.split('.').collect();
    let count = parts.len();
    if count < 3 {
        return None;
    }
    parts[count - 2] = "*";
    Some(parts.join("."))
}

fn letter(nth: usize) -> char {
    let letters = ('a'..='z').chain('A'..='Z');
    letters.cycle().nth(nth).unwrap_or('?')
}

fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn legend(report: &Report, columns: &[usize]) -> Vec<String> {
    let marks = Verdict::ALL
        .map(|verdict| painted(verdict, &format!("{} {}", verdict.mark(), verdict.words())));
    let mut out = vec![format!("  {}", marks.join("   "))];
    let heads: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(nth, &column)| format!("{} {}", letter(nth), report.faults[column].short))
        .collect();
    let width = heads.iter().map(|head| head.chars().count()).max().unwrap_or(0) + 3;
    let per_line = ((WIDTH - 2) / width).max(1);
    for heads in heads.chunks(per_line) {
        let text: String = heads.iter().map(|head| format!("{head:<width$}")).collect();
        out.push(dim(&format!("  {}", text.trim_end())));
    }
    out
}

#[cfg(test)]
mod tests;
