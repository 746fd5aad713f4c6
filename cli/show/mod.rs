//! What people see. Results go to stdout, everything else to stderr.
#![expect(clippy::print_stderr, reason = "this is where printing is done")]

pub mod journal;
pub mod plan;
pub mod progress;
pub mod rehearsal;
pub mod run;
pub mod schedule;
pub mod style;
pub mod table;
pub mod waits;

use serde::Serialize;

use crate::problem::Problem;
use style::{bold, dim, red};

/// Prints a line of a result.
pub fn line(text: &str) {
    use std::io::Write;
    // Whoever reads has seen enough (`| head`): that is no error.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a result as JSON.
pub fn json<T: Serialize>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(error) => complain(&format!("this can't be written as JSON: {error}")),
    }
}

/// Tells something that is not a result.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Tells what went wrong.
pub fn complain(text: &str) {
    eprintln!("{} {text}", red("error:"));
}

/// Tells a problem: what happened, what to do next, where to read on.
pub fn problem(problem: &Problem) {
    complain(&problem.message);
    if let Some(hint) = &problem.hint {
        eprintln!("  {} {hint}", bold("next:"));
    }
    eprintln!("  {}", dim(&format!("{} - `windlass explain {0}` tells more", problem.code)));
}
