//! Waits: what a run can wait for while no thread of it is held.
//!
//! Scripts call them by name: `sleep`, `window`, `wait_until`, `approve`, `ask`. They are no steps:
//! they touch nothing, and what they wait for is the time, or a person. A wait is recorded before
//! it begins, with the moment at which it ends; so a restart goes on with what is left of it.
//!
//! | wait | over when | at its deadline |
//! |---|---|---|
//! | `sleep` | the time has come | |
//! | `window` | the window is open | |
//! | `wait_until` | the condition holds | fails: `timed_out` |
//! | `approve` | enough people have approved | denied, or approved: `otherwise` |
//! | `ask` | somebody has answered | fails: `timed_out` |
//!
//! All moments are wall times. A clock that is set forward ends a wait early by as much; one that
//! is set back makes it longer by as much, and by no more.

mod approval;
mod condition;
mod question;
mod window;

pub use approval::{Approval, Otherwise};
pub use condition::Condition;
pub use question::{PLANNED_SECRET, Question, example};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
pub use window::{BadWindow, Window};

use crate::clock::{Millis, millis};
use crate::step::Span;

/// What a script waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    /// A length of time.
    Sleep(Span),
    /// A time of the day or of the week.
    Window(Window),
    /// A condition that reads tell.
    Until(Condition),
    /// The consent of people.
    Approve(Approval),
    /// Answers of a person.
    Ask(Question),
}

/// The arguments of a wait don't fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct BadWait {
    /// Which wait.
    pub name: String,
    /// What is wrong, and what was expected.
    pub problem: String,
}

/// The arguments that a wait takes as a map: all of them, and those that it needs.
pub type Names = (&'static [&'static str], &'static [&'static str]);

/// Returns the arguments of the waits that take a map.
pub fn arguments_of(name: &str) -> Option<Names> {
    Some(match name {
        "wait_until" => (&["every", "timeout"], &["timeout"]),
        "approve" => (&["text", "roles", "of", "not_starter", "deadline", "otherwise"], &["text"]),
        "ask" => (&["text", "fields", "roles", "deadline"], &["fields"]),
        _ => return None,
    })
}

/// True if scripts call a wait by this name.
pub fn is_wait(name: &str) -> bool {
    matches!(name, "sleep" | "window") || arguments_of(name).is_some()
}

impl Wait {
    /// Reads a wait from its name and its arguments, as journals have them.
    ///
    /// # Errors
    /// If they don't fit.
    pub fn parse(name: &str, args: &Value) -> Result<Self, BadWait> {
        let wait = Self::read(name, args)?;
        let checked = match &wait {
            Wait::Until(condition) => condition.check(),
            Wait::Approve(approval) => approval.check(),
            Wait::Ask(question) => question.check(),
            Wait::Sleep(_) | Wait::Window(_) => Ok(()),
        };
        checked.map_err(|problem| BadWait { name: name.to_owned(), problem })?;
        Ok(wait)
    }

    /// Reads a wait whose arguments are each of the right kind; whether they go together is not
    /// looked at.
    pub fn read(name: &str, args: &Value) -> Result<Self, BadWait> {
        #[derive(Deserialize)]
        struct Sleep {
            length: Span,
        }
        #[derive(Deserialize)]
        struct Open {
            window: Window,
        }
        let bad = |problem: String| BadWait { name: name.to_owned(), problem };
        Ok(match name {
            "sleep" => Wait::Sleep(read::<Sleep>(args).map_err(bad)?.length),
            "window" => Wait::Window(read::<Open>(args).map_err(bad)?.window),
            "wait_until" => Wait::Until(read(args).map_err(bad)?),
            "approve" => Wait::Approve(read(args).map_err(bad)?),
            "ask" => Wait::Ask(read(args).map_err(bad)?),
            _ => return Err(bad("there is no such wait".to_owned())),
        })
    }

    /// Returns what it waits for, for people: "sleep 5m".
    pub fn says(&self) -> String {
        match self {
            Wait::Sleep(length) => format!("sleep {length}"),
            Wait::Window(window) => format!("wait for {window}"),
            Wait::Until(condition) => {
                format!("wait until a condition holds, for {} at most", condition.timeout)
            }
            Wait::Approve(approval) => match approval.of {
                1 => format!("approval: {}", approval.text),
                of => format!("approval by {of} people: {}", approval.text),
            },
            Wait::Ask(question) => format!("question: {}", question.text()),
        }
    }

    /// Returns when a wait that begins now is over, or given up. Without one it waits for ever.
    ///
    /// # Errors
    /// If a window never opens, or the machine does not know its zone.
    pub fn until(&self, now: Millis) -> Result<Option<Millis>, BadWindow> {
        let after = |length: Span| now.saturating_add(millis(length.0));
        Ok(match self {
            Wait::Sleep(length) => Some(after(*length)),
            Wait::Window(window) => Some(window.next(now)?.0.max(now)),
            Wait::Until(condition) => Some(after(condition.timeout)),
            Wait::Approve(approval) => approval.deadline.map(after),
            Wait::Ask(question) => question.deadline.map(after),
        })
    }

    /// Returns what a plan assumes to come of it.
    pub fn assumed(&self) -> Value {
        match self {
            Wait::Sleep(_) => Value::Null,
            Wait::Window(_) => json!({ "opened": "", "closes": "" }),
            Wait::Until(_) => Value::Bool(true),
            Wait::Approve(_) => json!({ "by": [] }),
            Wait::Ask(question) => question.assumed(),
        }
    }
}

fn read<T: DeserializeOwned>(args: &Value) -> Result<T, String> {
    T::deserialize(args).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str, args: Value) -> String {
        Wait::parse(name, &args).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn arguments_that_do_not_fit_are_named() {
        assert!(problem("sleep", json!({ "length": "soon" })).contains("`soon`"));
        assert!(problem("approve", json!({ "text": "x", "of": 0 })).contains("1 or more"));
        assert!(problem("approve", json!({ "text": "x", "off": 2 })).contains("`off`"));
        let otherwise = json!({ "text": "x", "otherwise": "maybe" });
        assert!(problem("approve", otherwise).contains("maybe"));
        let useless = json!({ "text": "x", "otherwise": "approve" });
        assert!(problem("approve", useless).contains("deadline"));
        assert!(problem("ask", json!({ "fields": {} })).contains("at least one"));
        let field = json!({ "fields": { "n": { "type": "enum", "help": "h" } } });
        assert!(problem("ask", field).contains("`n`"));
        assert!(problem("wait_until", json!({ "every": "1ms", "timeout": "1h" })).contains("1s"));
        assert!(problem("nap", json!({})).contains("no such wait"));
    }

    #[test]
    fn a_wait_says_what_for_and_until_when() {
        let sleep = Wait::parse("sleep", &json!({ "length": "5m" })).unwrap();
        assert_eq!(sleep.says(), "sleep 5m");
        assert_eq!(sleep.until(1_000).unwrap(), Some(301_000));
        let approve = json!({ "text": "destroy it?", "of": 2 });
        let approve = Wait::parse("approve", &approve).unwrap();
        assert_eq!(approve.says(), "approval by 2 people: destroy it?");
        assert_eq!(approve.until(1_000).unwrap(), None);
    }
}
