//! What people see. Results go to stdout, everything else to stderr.

pub mod course;
pub mod journal;
pub mod log;
pub mod plan;
pub mod progress;
pub mod rehearsal;
pub mod run;
pub mod schedule;
pub mod style;
pub mod table;
pub mod waits;

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use windlass_engine::event::shown;

use crate::problem::Problem;
use style::{bold, dim, red};

/// Prints a line of a result. A text with more lines than one is marked as such: a value can't look
/// like a line of ours.
pub fn line(text: &str) {
    print(&style::fit(text));
}

/// Prints a result that has many lines of our own making: a page, a report.
pub fn page(text: &str) {
    text.trim_end().split('\n').for_each(line);
}

fn print(text: &str) {
    use std::io::Write;
    // Whoever reads has seen enough (`| head`): that is no error.
    let written = writeln!(std::io::stdout(), "{text}");
    READER_IS_GONE.fetch_or(written.is_err(), Ordering::Relaxed);
}

static READER_IS_GONE: AtomicBool = AtomicBool::new(false);

/// True once a result could not be printed, because nobody reads it any more.
pub fn reader_is_gone() -> bool {
    READER_IS_GONE.load(Ordering::Relaxed)
}

/// Prints a result as JSON.
pub fn json<T: Serialize>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => json_text(&text),
        Err(error) => complain(&format!("this can't be written as JSON: {error}")),
    }
}

/// Prints a result as JSON on one line.
pub fn json_line<T: Serialize>(value: &T) {
    match serde_json::to_string(value) {
        Ok(text) => json_text(&text),
        Err(error) => complain(&format!("this can't be written as JSON: {error}")),
    }
}

/// Prints JSON. It means what it meant, and every character of it shows itself.
pub fn json_text(text: &str) {
    print(&shown::in_json(text.trim_end()));
}

/// Tells something that is not a result. If nobody reads it any more (`2>&1 | head`), a run must go
/// on all the same.
pub fn note(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", style::fit(text));
}

/// Asks something, and returns the line that is typed; an empty one at the end of the input.
///
/// # Errors
/// If nothing can be read.
pub fn question(text: &str) -> std::io::Result<String> {
    use std::io::Write;
    let _ = write!(std::io::stderr(), "{}", style::fit(text));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// Tells what went wrong.
pub fn complain(text: &str) {
    note(&format!("{} {text}", red("error:")));
}

/// Tells a problem: what happened, what to do next, where to read on.
pub fn problem(problem: &Problem) {
    complain(&problem.message);
    if let Some(hint) = &problem.hint {
        note(&format!("  {} {hint}", bold("next:")));
    }
    note(&format!("  {}", dim(&format!("{} - `windlass explain {0}` tells more", problem.code))));
}
