//! How a run is getting on: moving lines on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use windlass_engine::clock::{Millis, utc};
use windlass_engine::event::shown::in_one_line;
use windlass_engine::event::{Event, RunView, WaitView, What};
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Answer, Decision, How};
use windlass_engine::step::StepError;
use windlass_engine::wait::is_wait;

use super::course::Course;
use super::style::{bold, dim, fit, green, is_coloured, red, yellow};
use super::{note, waits};

/// Shows the events of one run as they come.
pub struct Progress {
    bars: MultiProgress,
    /// Calls that are being made, with their moving lines.
    active: HashMap<CallKey, ProgressBar>,
    /// The last text of each call, so that plain lines don't repeat themselves.
    told: HashMap<CallKey, String>,
    /// True once it has been said what Ctrl-C does to a wait.
    waited: bool,
    /// How far it has come, while it goes forward and that is known.
    course: Option<Course>,
}

impl Progress {
    /// Begins to show a run.
    pub fn of(view: &RunView, course: Option<Course>) -> Self {
        let summary = &view.summary;
        note(&format!("{} {}", bold(&summary.title), dim(summary.run.as_str())));
        if let Some(identity) = &summary.identity {
            note(&dim(&format!("on the {} at {}", identity.name, view.place)));
        }
        let mut progress = Progress {
            bars: MultiProgress::new(),
            active: HashMap::new(),
            told: HashMap::new(),
            waited: false,
            course,
        };
        // What it goes on waiting for was asked before, and no event tells of it again.
        summary.waits.iter().for_each(|wait| progress.waits(&summary.run, wait));
        progress
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        match &event.what {
            What::CallBegan { key, says, attempt, step } => {
                // A wait has nothing to say before it gets on.
                let text = if says == step { step.clone() } else { says.clone() };
                let again =
                    if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
                self.course.iter_mut().for_each(|course| course.begins(key, event.at));
                self.begin(key, &format!("{text}{again}"));
            }
            What::CallProgressed { key, text } => self.get_on(key, text),
            // A read is over as soon as it began, and changed nothing: `windlass show` lists it.
            What::CallEnded { says, .. } if says.is_empty() => {}
            What::CallEnded { key, says: text, how, took_ms, .. } => {
                let how = match how {
                    How::Returned => String::new(),
                    How::Probed => yellow(" (was done; its outcome had been lost)"),
                };
                let took = dim(&seconds(*took_ms));
                let far = self.far(key, event.at);
                self.end(key, &format!("{} {key} {text} {took}{how}{far}", green("✓")));
            }
            What::CallFailed { key, step, error, retry_at } => {
                let again = retry_at.map(|at| again(at, event.at)).unwrap_or_default();
                let mark = if retry_at.is_some() { yellow("!") } else { red("✗") };
                self.end(key, &format!("{mark} {key} {step}: {}{again}", told(error)));
            }
            What::Waiting { wait } => self.waits(&event.run, wait),
            What::Answered { key, says, answer, by, .. } => {
                let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                let mark = match answer {
                    Answer::Denied { .. } | Answer::Failed { .. } => red("✗"),
                    Answer::Lapsed { .. } => yellow("!"),
                    _ => green("✓"),
                };
                let over = matches!(
                    answer,
                    Answer::Over { .. }
                        | Answer::Given { .. }
                        | Answer::Approved { enough: true, .. }
                );
                let far = if over { self.far(key, event.at) } else { String::new() };
                self.end(key, &format!("{mark} {key} {says}: {}{by}{far}", answer.says()));
            }
            What::Printed { text } => self.say(&format!("  {text}")),
            // What a call failed of has been said already.
            What::Unwinding { error, key } => {
                self.course = None;
                if key.is_none() && error.code != "cancelled" {
                    self.say(&format!("{}: {}", red("failed"), told(error)));
                }
                self.say(&bold("undoing everything"));
            }
            What::UndoBegan { key, says, .. } => self.begin(key, &format!("undoing: {says}")),
            What::UndoEnded { key, says, .. } => {
                self.end(key, &format!("{} {key} undone: {says}", green("↩")));
            }
            What::UndoFailed { key, error, .. } => {
                self.end(key, &format!("{} {key} not undone: {}", red("✗"), told(error)));
            }
            What::Decided { decision, reason } => {
                self.say(&format!("decided: {} ({reason})", decided(decision)));
            }
            What::Resumed => self.say(&dim("resumed")),
            // The ending says these, with what to do next.
            What::Stuck { .. } | What::Finished { .. } | What::Created { .. } | What::Unknown => {}
        }
    }

    /// Takes the moving lines away.
    pub fn finish(&mut self) {
        self.active.drain().for_each(|(_, bar)| bar.finish_and_clear());
    }

    /// A step that waits has said so when it began; what a script waits for is said here.
    fn waits(&mut self, run: &RunId, wait: &WaitView) {
        if !is_wait(&wait.step) {
            return;
        }
        let mut lines = waits::told(wait);
        if let Some(first) = lines.first_mut() {
            *first = format!("{} {first}", yellow("…"));
        }
        lines.extend(waits::commands(run, wait));
        if !std::mem::replace(&mut self.waited, true) {
            lines.push(dim("  Ctrl-C parks it safely; `windlass resume` continues the wait"));
        }
        lines.iter().for_each(|line| self.say(line));
    }

    /// Returns how far the run is with the end of this call.
    fn far(&mut self, key: &CallKey, at: Millis) -> String {
        let far = self.course.as_mut().map(|course| course.ends(key, at));
        far.map(|far| dim(&format!(" ({far})"))).unwrap_or_default()
    }

    fn begin(&mut self, key: &CallKey, text: &str) {
        if !is_coloured() {
            self.say(&format!("> {key} {text}"));
            return;
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(key.to_string());
        bar.set_message(in_one_line(text).into_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.active.insert(key.clone(), bar);
    }

    fn get_on(&mut self, key: &CallKey, text: &str) {
        if let Some(bar) = self.active.get(key) {
            bar.set_message(in_one_line(text).into_owned());
        } else if self.told.insert(key.clone(), text.to_owned()).as_deref() != Some(text) {
            self.say(&format!("  {key} {text}"));
        }
    }

    fn end(&mut self, key: &CallKey, text: &str) {
        if let Some(bar) = self.active.remove(key) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        self.say(text);
    }

    fn say(&self, text: &str) {
        if is_coloured() {
            let _ = self.bars.println(fit(text));
        } else {
            note(text);
        }
    }
}

/// Returns an error's message and hint in one line.
pub fn told(error: &StepError) -> String {
    match &error.hint {
        Some(hint) => format!("{} ({hint})", error.message),
        None => error.message.clone(),
    }
}

/// Returns a duration as people say it.
pub fn seconds(ms: i64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) }
}

fn again(at: Millis, now: Millis) -> String {
    if at - now < 60_000 {
        return format!("; again in {}", seconds((at - now).max(0)));
    }
    format!("; again at {}", utc(at))
}

/// Returns a decision in words.
pub fn decided(decision: &Decision) -> String {
    match decision {
        Decision::Retry { key } => format!("try call {key} again"),
        Decision::Skip { key } => format!("leave call {key} out"),
        Decision::MarkDone { key, .. } => format!("call {key} was done by hand"),
        Decision::Cancel => "undo everything".to_owned(),
        Decision::GoOn => "go on".to_owned(),
    }
}
