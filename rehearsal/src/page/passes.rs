//! The passes, in the order of the table; each with what is wrong, a timeline, and its story.

use super::escaped;
use super::table::anchor;
use super::{class, timeline};
use crate::report::{Coverage, Moment, MomentKind, Pass, Report, span};

/// Returns all passes, cell by cell, the clean pass first.
pub(super) fn html(report: &Report, coverage: &Coverage) -> String {
    let mut out =
        String::from("<section id=\"passes\" aria-label=\"Passes\" aria-live=\"polite\">\n");
    if let Some(clean) = report.clean() {
        out += &group("clean", "The clean pass: nothing goes wrong", "", &[(0, clean)], report);
    }
    for (at, row) in coverage.rows.iter().enumerate() {
        let call = row.call.and_then(|index| report.calls.get(index));
        let place = call.map_or("the whole run".to_owned(), |call| format!("call {}", call.key));
        let says = call.map_or("", |call| call.says.as_str());
        for (column, cell) in row.cells.iter().enumerate() {
            let (Some(cell), Some(fault)) = (cell, report.faults.get(column)) else { continue };
            let title = format!("{} at {place}", fault.short);
            let about = if says.is_empty() {
                format!("{}.", fault.explanation)
            } else {
                format!("{}: {}.", says, fault.explanation)
            };
            let passes = numbered(report, &cell.passes);
            out += &group(&anchor(at, column), &title, &about, &passes, report);
        }
    }
    if !coverage.elsewhere.is_empty() {
        let passes = numbered(report, &coverage.elsewhere);
        let about = "Their fault is not in the list of faults.";
        out += &group("elsewhere", "Passes that have no column", about, &passes, report);
    }
    out + "</section>\n</main>\n"
}

fn numbered<'a>(report: &'a Report, indices: &[usize]) -> Vec<(usize, &'a Pass)> {
    indices.iter().filter_map(|&index| Some((index, report.passes.get(index)?))).collect()
}

fn group(id: &str, title: &str, about: &str, passes: &[(usize, &Pass)], report: &Report) -> String {
    let each: String = passes.iter().map(|(_, p)| pass(p, report, passes.len() == 1)).collect();
    format!(
        "<section class=\"cell\" id=\"{id}\" tabindex=\"-1\">\n<h2>{}</h2>\n<p>{}</p>\n{each}\
         <p class=\"back\"><a href=\"#coverage\">Back to the table</a></p>\n</section>\n",
        escaped(title),
        escaped(about),
    )
}

fn pass(pass: &Pass, report: &Report, only: bool) -> String {
    let open = if only || !pass.problems.is_empty() { " open" } else { "" };
    let problems: String =
        pass.problems.iter().map(|text| format!("<li>{}</li>", escaped(text))).collect();
    let problems = match problems.is_empty() {
        true => String::new(),
        false => format!("<ul class=\"problems\">{problems}</ul>\n"),
    };
    let short = report.shorten(pass);
    let before = match short.same {
        0 => String::new(),
        same => format!(
            "<li class=\"same\"><time></time><span>The first {same} moments are as in <a href=\"#clean\">the clean pass</a>.</span></li>\n"
        ),
    };
    let story: String = short.rest.iter().map(moment).collect();
    format!(
        "<details class=\"pass\"{open}>\n<summary><i class=\"{class}\" aria-hidden=\"true\">{mark}</i> \
         <code>{id}</code> <b class=\"{class}\">{words}</b> <small>{took}{resumes}, {requests} requests</small></summary>\n\
         {problems}{timeline}<ol class=\"story\">\n{before}{story}</ol>\n</details>\n",
        class = class(pass.verdict),
        mark = pass.verdict.mark(),
        words = pass.verdict.words(),
        id = escaped(&pass.id),
        took = span(pass.virtual_ms),
        resumes = match pass.resumes {
            0 => String::new(),
            1 => ", resumed once".to_owned(),
            n => format!(", resumed {n} times"),
        },
        requests = pass.requests,
        timeline = timeline::html(report, &short, pass.virtual_ms),
    )
}

fn moment(moment: &Moment) -> String {
    let lane =
        moment.lane.as_ref().map_or(String::new(), |key| format!("<b>{}</b> ", escaped(key)));
    format!(
        "<li class=\"{}\"><time>{}</time><span>{lane}{}</span></li>\n",
        kind(moment.kind),
        timeline::at(moment.at_ms),
        escaped(&moment.text)
    )
}

/// The name of a kind in the style sheet: what has the same colour has the same name.
pub(super) fn kind(kind: MomentKind) -> &'static str {
    match kind {
        MomentKind::Began | MomentKind::Progress | MomentKind::Note => "n",
        MomentKind::Ended => "e",
        MomentKind::Fault | MomentKind::Died => "x",
        MomentKind::Failed | MomentKind::UndoFailed | MomentKind::Violated => "f",
        MomentKind::Resumed | MomentKind::Decided => "r",
        MomentKind::Unwinding | MomentKind::UndoBegan | MomentKind::UndoEnded => "u",
        MomentKind::Stuck => "s",
        MomentKind::Finished => "d",
    }
}
