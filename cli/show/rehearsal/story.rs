//! One pass as a story.

use windlass_rehearsal::report::{Moment, MomentKind, Pass, Report, Shortened, span};

use super::painted;
use crate::show::line;
use crate::show::style::{bold, dim, red, yellow};

/// Tells what happened in a pass, from where it begins to differ from the clean one.
pub fn tell(report: &Report, pass: &Pass) {
    head(pass, what(report, pass).as_deref());
    let Shortened { same, rest } = report.shorten(pass);
    if same > 0 {
        line(&dim(&format!("  The first {same} moments are as in the clean pass.")));
    }
    moments(rest);
}

/// Tells all that happened in a pass; without a report it is the clean one.
pub fn tell_all(report: Option<&Report>, pass: &Pass) {
    head(pass, report.and_then(|report| what(report, pass)).as_deref());
    moments(&pass.story);
}

fn head(pass: &Pass, what: Option<&str>) {
    let verdict = format!("{} {}", pass.verdict.mark(), pass.verdict.words());
    line(&format!("{} {}", painted(pass.verdict, &verdict), bold(&pass.id)));
    if let Some(what) = what {
        line(&format!("  {what}"));
    }
    pass.problems.iter().for_each(|problem| line(&format!("  {} {problem}", red("✗"))));
    line("");
}

fn moments(moments: &[Moment]) {
    let keys = moments.iter().filter_map(|moment| moment.lane.as_ref());
    let width = keys.map(|key| key.chars().count()).max().unwrap_or(0);
    moments.iter().for_each(|moment| line(&moment_line(moment, width)));
}

fn what(report: &Report, pass: &Pass) -> Option<String> {
    let fault = report.fault(&pass.fault)?;
    let Some(key) = &pass.call else { return Some(fault.explanation.clone()) };
    let says = report.call(key).map_or("", |call| call.says.as_str());
    Some(format!("call {key}, {says}: {}", fault.explanation))
}

fn moment_line(moment: &Moment, width: usize) -> String {
    let lane = moment.lane.as_deref().unwrap_or_default();
    let text = match moment.kind {
        MomentKind::Fault | MomentKind::Died => bold(&moment.text),
        MomentKind::Failed | MomentKind::UndoFailed | MomentKind::Violated => red(&moment.text),
        MomentKind::Stuck => yellow(&moment.text),
        MomentKind::Began | MomentKind::Progress | MomentKind::Note => dim(&moment.text),
        MomentKind::Ended
        | MomentKind::Resumed
        | MomentKind::Unwinding
        | MomentKind::UndoBegan
        | MomentKind::UndoEnded
        | MomentKind::Decided
        | MomentKind::Finished => moment.text.clone(),
    };
    let mark = match moment.kind {
        MomentKind::Began | MomentKind::Progress | MomentKind::Note => "  ",
        MomentKind::Ended => "✓ ",
        MomentKind::Fault | MomentKind::Died => "⚡ ",
        MomentKind::Failed | MomentKind::UndoFailed | MomentKind::Violated => "✗ ",
        MomentKind::Resumed | MomentKind::Decided => "▶ ",
        MomentKind::Unwinding | MomentKind::UndoBegan | MomentKind::UndoEnded => "↩ ",
        MomentKind::Stuck => "! ",
        MomentKind::Finished => "■ ",
    };
    format!("  {:>10}  {lane:<width$}  {mark}{text}", format!("+{}", span(moment.at_ms)))
}
