//! A pass as lanes in virtual time.
//!
//! A rotation that waits an hour in its window has nothing to show for most of it. So the axis is
//! compressed: a gap is as wide as the logarithm of its length. Times stand under it. Places are in
//! percent, so that the drawing stretches and its texts do not.

use std::collections::BTreeMap;

use super::escaped;
use super::passes::kind;
use crate::report::{Moment, MomentKind, Report, Shortened, span};

/// The height of a lane; the style sheet has the same.
const LANE_PX: usize = 20;

/// Returns the timeline of a story, or nothing if it has no calls.
pub(super) fn html(report: &Report, story: &Shortened<'_>, virtual_ms: i64) -> String {
    let mut lanes: Vec<&str> = Vec::new();
    for lane in story.rest.iter().filter_map(|moment| moment.lane.as_deref()) {
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    if lanes.is_empty() {
        return String::new();
    }
    let place = |lane: &&str| -> Vec<u32> {
        lane.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect()
    };
    lanes.sort_by_key(place);
    let axis = Axis::of(story.rest, virtual_ms);
    let height = lanes.len() * LANE_PX;
    let names: String = lanes.iter().map(|lane| name(report, lane)).collect();
    let bars: String = lanes
        .iter()
        .enumerate()
        .map(|(nth, lane)| {
            let of_it = story.rest.iter().filter(|m| m.lane.as_deref() == Some(lane));
            bars(&axis, nth * LANE_PX, of_it, virtual_ms)
        })
        .collect();
    let through = story.rest.iter().filter(|moment| goes_through(moment));
    let through: String = through.map(|moment| line(&axis, moment, height)).collect();
    format!(
        "<div class=\"time\"><ol aria-hidden=\"true\">{names}</ol><div>\
         <svg height=\"{}\" role=\"img\" aria-label=\"Timeline of {} calls; the story below tells the same\">\
         {bars}{through}{}</svg></div></div>\n",
        height + LANE_PX,
        lanes.len(),
        axis.ticks(height + LANE_PX - 5),
    )
}

/// Names a lane: the place of the call, and what it does, as far as there is room. A call that the
/// clean pass does not make has its place only.
fn name(report: &Report, lane: &str) -> String {
    let (key, call) = (escaped(lane), report.call(lane));
    let (step, says) = call.map_or(("", ""), |call| (call.step.as_str(), call.says.as_str()));
    let (step, says) = (escaped(step), escaped(says));
    format!("<li title=\"{key} {step}: {says}\"><b>{key}</b> {says}</li>")
}

/// One thing that hits all calls: the process dies, the run is resumed, everything is undone.
fn goes_through(moment: &Moment) -> bool {
    matches!(moment.kind, MomentKind::Died | MomentKind::Resumed | MomentKind::Unwinding)
}

fn line(axis: &Axis, moment: &Moment, height: usize) -> String {
    let x = axis.x(moment.at_ms);
    format!(
        "<line class=\"{}\" x1=\"{x:.1}%\" x2=\"{x:.1}%\" y1=\"0\" y2=\"{height}\"><title>{}</title></line>",
        kind(moment.kind),
        escaped(&moment.text)
    )
}

/// Draws what happened to one call: a bar from where it begins to where it ends, and marks.
fn bars<'a>(
    axis: &Axis,
    top: usize,
    moments: impl Iterator<Item = &'a Moment>,
    end_ms: i64,
) -> String {
    let mut out = String::new();
    let mut began: Option<&Moment> = None;
    let bar = |from: i64, to: i64, class: &str| {
        let (x, to) = (axis.x(from), axis.x(to));
        format!(
            "<rect class=\"{class}\" x=\"{x:.1}%\" y=\"{}\" width=\"{:.1}%\" height=\"10\"/>",
            top + 5,
            (to - x).max(0.4)
        )
    };
    for moment in moments {
        match moment.kind {
            MomentKind::Began | MomentKind::UndoBegan => {
                // Begun again without an end: the process died in between.
                if let Some(first) = began.replace(moment) {
                    out += &bar(first.at_ms, moment.at_ms, "lost");
                }
            }
            MomentKind::Ended
            | MomentKind::Failed
            | MomentKind::UndoEnded
            | MomentKind::UndoFailed => {
                let from = began.take().map_or(moment.at_ms, |began| began.at_ms);
                out += &bar(from, moment.at_ms, kind(moment.kind));
            }
            MomentKind::Fault | MomentKind::Stuck | MomentKind::Violated => {
                out += &format!(
                    "<circle class=\"{}\" cx=\"{:.1}%\" cy=\"{}\" r=\"5\"><title>{}</title></circle>",
                    kind(moment.kind),
                    axis.x(moment.at_ms),
                    top + LANE_PX / 2,
                    escaped(&moment.text)
                );
            }
            MomentKind::Progress
            | MomentKind::Died
            | MomentKind::Resumed
            | MomentKind::Unwinding
            | MomentKind::Decided
            | MomentKind::Finished
            | MomentKind::Note => {}
        }
    }
    if let Some(began) = began {
        out += &bar(began.at_ms, end_ms.max(began.at_ms), "lost");
    }
    out
}

/// Where moments are, in percent of the width.
struct Axis(BTreeMap<i64, f64>);

impl Axis {
    fn of(story: &[Moment], end_ms: i64) -> Self {
        let mut times: Vec<i64> = story.iter().map(|moment| moment.at_ms).collect();
        times.extend(times.iter().max().map(|last| end_ms.max(*last)));
        times.sort_unstable();
        times.dedup();
        let mut places = BTreeMap::new();
        let mut width = 0.0;
        let mut before = times.first().copied().unwrap_or(0);
        for time in times {
            #[expect(clippy::cast_precision_loss, reason = "it is a width on a screen")]
            let gap = (time - before) as f64;
            width += (1.0 + gap / 100.0).ln();
            places.insert(time, width);
            before = time;
        }
        // The last bar begins before the right edge.
        let scale = if width > 0.0 { 99.0 / width } else { 0.0 };
        places.values_mut().for_each(|place| *place *= scale);
        Axis(places)
    }

    fn x(&self, at_ms: i64) -> f64 {
        self.0.get(&at_ms).copied().unwrap_or(0.0)
    }

    /// Some times under the axis, from left to right, as many as there is room for.
    fn ticks(&self, y: usize) -> String {
        let mut free_from = 0.0;
        let mut out = String::new();
        for (time, place) in &self.0 {
            if *place >= free_from && *place < 88.0 {
                out += &format!("<text x=\"{place:.1}%\" y=\"{y}\">{}</text>", at(*time));
                free_from = place + 18.0;
            }
        }
        out
    }
}

/// Returns a moment as people say it.
pub(super) fn at(ms: i64) -> String {
    format!("+{}", span(ms))
}
