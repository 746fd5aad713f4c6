//! The timeline, drawn: a lane for each call.

use super::escaped;
use crate::report::timeline::Axis;
use crate::report::{Bar, BarKind, Report, Step, span};

/// The height of a lane; the style sheet has the same.
const LANE_PX: usize = 20;

/// Calls that are drawn.
const LANES_MAX: usize = 300;

/// Returns the timeline, or nothing if there is nothing to draw.
pub(super) fn html(report: &Report) -> String {
    if report.steps.is_empty() {
        return String::new();
    }
    let axis = Axis::of(&report.timeline, report.began, report.heard);
    let lanes = &report.steps[..report.steps.len().min(LANES_MAX)];
    let height = lanes.len() * LANE_PX;
    let names: String = lanes.iter().map(name).collect();
    let mut drawn = String::new();
    for (nth, step) in lanes.iter().enumerate() {
        let of_it = report.timeline.iter().filter(|bar| bar.key == step.key);
        drawn.extend(of_it.map(|bar| rect(&axis, bar, nth * LANE_PX, &step.says)));
    }
    for resumed in &report.resumes {
        let x = axis.place(resumed.at) * 99.0;
        drawn += &format!(
            "<line x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"0\" y2=\"{height}\"><title>resumed</title></line>"
        );
    }
    for (at, place) in axis.ticks(0.2) {
        let y = height + LANE_PX - 5;
        let x = place * 99.0;
        drawn += &format!("<text x=\"{x:.2}%\" y=\"{y}\">+{}</text>", span(at - report.began));
    }
    let more = match report.steps.len() - lanes.len() {
        0 => String::new(),
        more => format!("<p class=\"soft\">{more} calls more are in the table.</p>"),
    };
    format!(
        "<div class=\"time\"><ol aria-hidden=\"true\">{names}</ol><div><svg height=\"{}\" role=\"img\" \
         aria-label=\"Timeline of {} calls; the table tells the same\">{drawn}</svg></div></div>{}{more}\n",
        height + LANE_PX,
        lanes.len(),
        legend(),
    )
}

/// Names a lane: the place of the call, and what it did, as far as there is room.
fn name(step: &Step) -> String {
    let (key, kind, says) = (step.key.to_string(), escaped(&step.step), escaped(&step.says));
    format!("<li title=\"{key} {kind}: {says}\"><b>{key}</b> {says}</li>")
}

fn rect(axis: &Axis, bar: &Bar, top: usize, says: &str) -> String {
    let (x, to) = (axis.place(bar.from) * 99.0, axis.place(bar.to) * 99.0);
    format!(
        "<rect class=\"{}\" x=\"{x:.2}%\" y=\"{}\" width=\"{:.2}%\" height=\"10\"><title>{}: {}, {}</title></rect>",
        class(bar.kind),
        top + 5,
        (to - x).max(0.5),
        escaped(says),
        bar.kind.words(),
        span(bar.to - bar.from),
    )
}

fn legend() -> String {
    let kinds = [BarKind::Done, BarKind::Failed, BarKind::Lost, BarKind::Undone, BarKind::GivenUp];
    let item = |kind: BarKind| format!("<li class=\"{}\">{}</li>", class(kind), kind.words());
    let items: String = kinds.into_iter().map(item).collect();
    format!(
        "<ul class=\"legend\">{items}<li>a gap is as wide as the logarithm of its length</li></ul>"
    )
}

fn class(kind: BarKind) -> &'static str {
    match kind {
        BarKind::Done => "done",
        BarKind::Failed => "failed",
        BarKind::Lost => "lost",
        BarKind::Undone | BarKind::GivenUp => "undone",
    }
}
