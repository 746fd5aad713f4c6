//! Stories of hundreds of passes, most of which begin as the clean one does. What is the same is
//! told once: pages stay small, and the eye goes to where a pass begins to differ.

use super::{Moment, MomentKind, Pass, Report};

/// A story that begins as the clean pass does for this many moments is cut there; a few are not
/// worth it.
const SAME_MIN: usize = 6;

/// A story without its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Shortened<'a> {
    /// How many moments were as in the clean pass, and are left out.
    pub same: usize,
    /// The rest.
    pub rest: &'a [Moment],
}

impl Report {
    /// Leaves out the beginning of a story that is as in the clean pass, up to the call at which
    /// the fault strikes.
    pub fn shorten<'a>(&self, pass: &'a Pass) -> Shortened<'a> {
        let clean = match self.clean() {
            Some(clean) if clean.id != pass.id => &clean.story[..],
            _ => &[],
        };
        let same = same(&pass.story, clean);
        let of_call =
            |moment: &Moment| moment.kind == MomentKind::Began && moment.lane == pass.call;
        let began = pass.story[..same].iter().rposition(of_call);
        let same = began.unwrap_or(same);
        let same = if same < SAME_MIN { 0 } else { same };
        Shortened { same, rest: &pass.story[same..] }
    }
}

/// Returns how many moments at the beginning are the same. Branches run side by side, so what
/// happens to several calls in one virtual millisecond is told in an order that means nothing.
fn same(story: &[Moment], clean: &[Moment]) -> usize {
    let at_once = |moments: &[Moment]| -> Vec<Vec<Moment>> {
        let groups = moments.chunk_by(|a, b| a.at_ms == b.at_ms);
        let sorted = |group: &[Moment]| {
            let mut group = group.to_vec();
            group.sort_by(|a, b| a.lane.cmp(&b.lane));
            group
        };
        groups.map(sorted).collect()
    };
    let (story, clean) = (at_once(story), at_once(clean));
    story.iter().zip(&clean).take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum()
}

/// Returns a length of virtual time as people say it: `0.4 s`, `12 s`, `3:05 min`, `1:02 h`.
pub fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..10 => format!("{}.{} s", seconds, ms.max(0) % 1_000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3_600, seconds % 3_600 / 60),
    }
}
