//! What happened when: bars on an axis.
//!
//! A run that waits an hour in its window has nothing to show for most of it. So the axis is
//! compressed: a gap is as wide as the logarithm of its length.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use windlass_journal::clock::Millis;
use windlass_journal::id::CallKey;
use windlass_journal::{Answer, Body, Entry};

/// A stretch of time in which something was done about a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// The call.
    pub key: CallKey,
    /// From when.
    pub from: Millis,
    /// Until when.
    pub to: Millis,
    /// How it ended.
    pub kind: BarKind,
}

/// How a stretch of time ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BarKind {
    /// It took effect.
    Done,
    /// It failed.
    Failed,
    /// Nobody heard of an outcome: the process died, or it goes on.
    Lost,
    /// It was undone.
    Undone,
    /// A wait that the run gave up when it went back.
    GivenUp,
}

impl BarKind {
    /// Returns what it means.
    pub fn words(self) -> &'static str {
        match self {
            BarKind::Done => "done",
            BarKind::Failed => "failed",
            BarKind::Lost => "outcome lost, or going on",
            BarKind::Undone => "undone",
            BarKind::GivenUp => "given up",
        }
    }
}

/// Returns the bars of a journal, in the order in which they ended.
pub(super) fn bars(entries: &[Entry]) -> Vec<Bar> {
    let mut began: HashMap<&CallKey, Millis> = HashMap::new();
    let mut heard = 0;
    let (mut bars, mut waits) = (Vec::new(), HashSet::new());
    for entry in entries {
        let before = std::mem::replace(&mut heard, entry.at);
        // Nobody was there in between: what was under way is resumed from here.
        if let Body::Resumed { .. } = entry.body {
            bars.extend(cut(&mut began, &waits, BarKind::Lost, before, entry.at));
        }
        // Doubts are settled by now: what is open is a wait, and nobody waits any more.
        if let Body::Unwinding { .. } = entry.body {
            let mut open: Vec<_> = began.drain().collect();
            open.sort();
            let (to, kind) = (entry.at, BarKind::GivenUp);
            bars.extend(open.into_iter().map(|(key, from)| Bar {
                key: key.clone(),
                from,
                to,
                kind,
            }));
        }
        let Some(key) = entry.body.key() else { continue };
        if matches!(entry.body, Body::Unwinding { .. } | Body::Stuck { .. } | Body::Decided { .. })
        {
            continue;
        }
        let kind = match &entry.body {
            // Asked again, or looked again: the wait goes on.
            Body::Waiting { .. } => {
                began.entry(key).or_insert(entry.at);
                waits.insert(key);
                continue;
            }
            Body::Answered { answer, .. } => match answer {
                Answer::Over { .. }
                | Answer::Given { .. }
                | Answer::Approved { enough: true, .. } => BarKind::Done,
                Answer::Denied { .. } | Answer::Failed { .. } => BarKind::Failed,
                Answer::Lapsed { .. } | Answer::Approved { .. } => continue,
            },
            Body::Intended { .. } | Body::UndoIntended { .. } => {
                // Begun again without an end: the process died in between.
                if let Some(from) = began.insert(key, entry.at) {
                    bars.push(Bar { key: key.clone(), from, to: entry.at, kind: BarKind::Lost });
                }
                continue;
            }
            Body::Applied { .. } => BarKind::Done,
            Body::Failed { .. } | Body::UndoFailed { .. } => BarKind::Failed,
            Body::UndoApplied { .. } => BarKind::Undone,
            _ => continue,
        };
        let from = began.remove(key).unwrap_or(entry.at);
        bars.push(Bar { key: key.clone(), from, to: entry.at, kind });
    }
    let mut open: Vec<(&CallKey, Millis)> = began.into_iter().collect();
    open.sort();
    let open = open.into_iter();
    bars.extend(open.map(|(key, from)| Bar {
        key: key.clone(),
        from,
        to: heard,
        kind: BarKind::Lost,
    }));
    bars
}

/// Ends the bars that are open, but for those of waits, where the run was last heard of, and begins
/// them again where it goes on.
fn cut(
    began: &mut HashMap<&CallKey, Millis>,
    waits: &HashSet<&CallKey>,
    kind: BarKind,
    to: Millis,
    again: Millis,
) -> Vec<Bar> {
    let mut cut = Vec::new();
    for (key, from) in began.iter_mut().filter(|(key, _)| !waits.contains(*key)) {
        cut.push(Bar { key: (*key).clone(), from: std::mem::replace(from, again), to, kind });
    }
    cut.sort_by(|a, b| a.key.cmp(&b.key));
    cut
}

/// Where moments are, from 0 at the beginning to 1 at the end.
pub(super) struct Axis(BTreeMap<Millis, f64>);

impl Axis {
    pub(super) fn of(bars: &[Bar], began: Millis, heard: Millis) -> Self {
        let mut times: Vec<Millis> = bars.iter().flat_map(|bar| [bar.from, bar.to]).collect();
        times.extend([began, heard]);
        times.sort_unstable();
        times.dedup();
        let (mut places, mut width, mut before) = (BTreeMap::new(), 0.0, times[0]);
        for time in times {
            #[expect(clippy::cast_precision_loss, reason = "it is a width in a drawing")]
            let gap = (time - before) as f64;
            width += (1.0 + gap / 100.0).ln();
            places.insert(time, width);
            before = time;
        }
        if width > 0.0 {
            places.values_mut().for_each(|place| *place /= width);
        }
        Axis(places)
    }

    pub(super) fn place(&self, at: Millis) -> f64 {
        self.0.get(&at).copied().unwrap_or(0.0)
    }

    /// Returns some moments with their places, from left to right, at least so far apart.
    pub(super) fn ticks(&self, apart: f64) -> Vec<(Millis, f64)> {
        let mut ticks: Vec<(Millis, f64)> = Vec::new();
        for (time, place) in &self.0 {
            if ticks.last().is_none_or(|(_, last)| place - last >= apart)
                && *place <= 1.0 - apart / 2.0
            {
                ticks.push((*time, *place));
            }
        }
        ticks
    }
}
