//! How far a rehearsal is.

use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use windlass_rehearsal::Progress;

use crate::show::note;
use crate::show::style::{is_coloured, red};

/// A bar on a terminal; elsewhere a line for each quarter.
pub struct Bar {
    bar: Option<ProgressBar>,
    quarters: AtomicUsize,
}

impl Bar {
    /// Begins to show.
    pub fn begin() -> Self {
        let bar = is_coloured().then(|| {
            let bar = ProgressBar::new(0);
            let template = "{bar:32.cyan/dim} {pos}/{len} passes {elapsed} {msg}";
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Bar { bar, quarters: AtomicUsize::new(0) }
    }

    /// Shows how far it is. May be called from several threads.
    pub fn show(&self, progress: Progress) {
        let Progress { done, all, violated } = progress;
        if let Some(bar) = &self.bar {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            if violated > 0 {
                bar.set_message(red(&format!("{violated} violated")));
            }
            return;
        }
        let quarter = done * 4 / all.max(1);
        if self.quarters.fetch_max(quarter, Ordering::Relaxed) < quarter {
            note(&format!("{done} of {all} passes, {violated} violated"));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
